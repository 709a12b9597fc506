"""Prints what bench/run edge measured as Markdown: edge_table.py RESULTS.tsv REVIEW.json

A ratio is taken within each round, where both sides saw the same neighbours; the median of the rounds
counts.
"""
import collections
import json
import statistics
import sys

Run = collections.namedtuple("Run", "requests seconds cpu p50 p99")  # times in microseconds
SERVERS = ["nginx", "nodeproof", "go-minimal", "go-typed"]
TITLES = {
    "nginx": "nginx, static 200",
    "nodeproof": "nodeproof-webhook",
    "go-minimal": "Go net/http, small struct",
    "go-typed": "Go net/http, Kubernetes' types",
}
LOADS = [("pod", "8"), ("pod", "64"), ("binding", "8"), ("denied", "8"), ("handshake", "8")]
LOAD_TITLES = {"pod": "pod, 8 kB", "binding": "binding", "denied": "binding, denied",
               "handshake": "pod, handshake for each"}


def read_runs(path):
    """Runs by (server, load, connections), in the order of rounds."""
    runs = collections.defaultdict(list)
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            _, server, load, connections, requests, duration, cpu, p50, p99 = line.split()
            runs[server, load, connections].append(
                Run(int(requests), int(duration) / 1e6, int(cpu) / int(requests), int(p50), int(p99)))
    return runs


def median(runs, field):
    return statistics.median(getattr(run, field) for run in runs)


def print_costs(runs):
    print("| Server | Review | Connections | CPU, us | Lowest to highest | x nginx | 1/s | p50, us | p99, us |")
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|")
    for load, connections in LOADS:
        for server in SERVERS:
            here = runs.get((server, load, connections))
            if not here:
                continue
            costs = [run.cpu for run in here]
            limit = runs.get(("nginx", load, connections))
            times = f"{ratio(here, limit, 'cpu')[0]:.2f}" if limit else ""
            rate = statistics.median(run.requests / run.seconds for run in here)
            print(f"| {TITLES[server]} | {LOAD_TITLES[load]} | {connections} | {statistics.median(costs):.1f} "
                  f"| {min(costs):.1f} to {max(costs):.1f} | {times} | {rate:.0f} "
                  f"| {median(here, 'p50'):.0f} | {median(here, 'p99'):.0f} |")


def ratio(subject, reference, field):
    return spread([getattr(s, field) / getattr(r, field) for s, r in zip(subject, reference)])


def spread(values):
    """Median, lowest and highest."""
    return statistics.median(values), min(values), max(values)


def print_target(what, values, limit, at_most=True, goal=None):
    middle, low, high = values
    met = middle <= limit if at_most else middle >= limit
    sign = "at most" if at_most else "at least"
    aim = f"{sign} {limit:g}" + (f" (goal {goal:g})" if goal else "")
    print(f"| {what} | {middle:.2f} | {low:.2f} to {high:.2f} | {aim} | {'yes' if met else 'no'} |")


def print_targets(runs, reviews):
    def of(server, load="pod", connections="8"):
        return runs[server, load, connections]

    ours = of("nodeproof")
    print("| Ratio | Measured | Lowest to highest | Target | Met |")
    print("|---|---:|---:|---|---|")
    print_target("T1: CPU, 8 kB, against nginx", ratio(ours, of("nginx"), "cpu"), 1.8, goal=1.6)
    print_target("T2: CPU of Go with Kubernetes' types against ours", ratio(of("go-typed"), ours, "cpu"), 10,
                 at_most=False, goal=12)
    print_target("T2: CPU of Go with a small struct against ours", ratio(of("go-minimal"), ours, "cpu"), 3.5,
                 at_most=False, goal=4)
    print_target("T15: CPU at 64 connections against 8",
                 ratio(of("nodeproof", connections="64"), ours, "cpu"), 1.1)
    print_target("T3: p50 at 8 connections against Go with a small struct",
                 ratio(ours, of("go-minimal"), "p50"), 0.35)
    print_target("T3: p99 at 8 connections, likewise", ratio(ours, of("go-minimal"), "p99"), 0.6)
    print_target("T3: p99 at 64 connections, likewise",
                 ratio(of("nodeproof", connections="64"), of("go-minimal", connections="64"), "p99"), 0.3)
    handshake = of("nodeproof", "handshake")
    print_target("T4: CPU of handshake and review against nginx",
                 ratio(handshake, of("nginx", "handshake"), "cpu"), 1.2)
    print_target("T4: likewise against Go with a small struct",
                 ratio(handshake, of("go-minimal", "handshake"), "cpu"), 1)
    print_target("T5: reading the review, time against simdjson's DOM",
                 spread([item["reference_rate"] / item["rate"] for item in reviews["pod"]]), 1.3)
    cost = median(ours, "cpu")
    print_target("T5: reading the review, as a share of the request",
                 spread([1e6 / item["rate"] / cost for item in reviews["pod"]]), 0.15)


def read_reviews(path):
    """Rounds of review_bench, by name of the review."""
    rounds = collections.defaultdict(list)
    with open(path, encoding="utf-8") as file:
        for item in json.load(file)["benchmarks"]:
            if item["run_type"] == "iteration":
                rounds[item["run_name"].split("/")[1]].append(item)
    return rounds


def main():
    runs = read_runs(sys.argv[1])
    print("## The edge: TLS 1.3, certificate on P-256, server on one core, load on the other\n")
    print_costs(runs)
    print()
    print_targets(runs, read_reviews(sys.argv[2]))


if __name__ == "__main__":
    main()
