#!/usr/bin/python3
"""Draws the panels of a Grafana dashboard as it lays them out, from answers of Prometheus.

draw_dashboard.py PANELS PICTURE DIGEST
    PANELS   a panel a line, with its answers: the results of its queries, in order
    PICTURE  the SVG to write
    DIGEST   says in it what it was drawn from

Debian's Python, for Debian's matplotlib. The same input gives the same bytes.
"""
import io
import json
import re
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: E402

COLUMNS = 24  # of Grafana's grid
UNIT = (0.62, 0.34)  # inches of one cell of it
PAPER, CARD, INK, FAINT = "#f4f5f7", "#ffffff", "#24292f", "#8b949e"
COLOURS = ["#3274d9", "#e0752d", "#56a64b", "#8f3bb8", "#e02f44", "#f2cc0c", "#1f78c1", "#705da0", "#508642", "#967302"]
# From the least to the most urgent, which is drawn over the others.
PHASES = {"Unsupported": "#8b949e", "Verified": "#56a64b", "Pending": "#3274d9", "Stale": "#e0b400", "Failed": "#e02f44"}


def legend_of(target, labels):
    """The target's legend with the labels of one series put in."""
    text = re.sub(r"{{\s*(\w+)\s*}}", lambda m: labels.get(m[1], ""), target.get("legendFormat", ""))
    return " ".join(text.split())


def in_unit(value, unit):
    if unit == "s":
        for limit, size, name in ((86400 * 2, 86400, "d"), (7200, 3600, "h"), (120, 60, "min"), (1, 1, "s")):
            if abs(value) >= limit:
                return f"{value / size:.3g} {name}"
        return f"{value * 1000:.3g} ms" if value else "0 s"
    return f"{value:.3g}" + {"reqps": " req/s", "ops": " /s"}.get(unit, "")


def phase_of(name):
    return next((phase for phase in PHASES if phase in name.split()), None)


def columns_of(panel):
    """How many names of series stand side by side."""
    return max(1, panel["gridPos"]["w"] // 4)


def series_of(panel):
    """(name, points) of everything that the panel draws."""
    for target, results in zip(panel["targets"], panel["answers"]):
        for result in results:
            values = result.get("values") or [result["value"]]
            yield legend_of(target, result["metric"]), [(float(t), float(v)) for t, v in values]


def draw_course(axes, panel, start):
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    drawn = sorted(series_of(panel))
    for at, (name, points) in enumerate(drawn):
        phase = phase_of(name)
        # What a gap of scrapes separates is not joined.
        times, values = [], []
        for time, value in points:
            if times and time - start - times[-1] > 6:
                times.append(time - start)
                values.append(float("nan"))
            times.append(time - start)
            values.append(value)
        axes.plot(times, values, color=PHASES.get(phase, COLOURS[at % len(COLOURS)]), linewidth=1.3, label=name,
                  zorder=2 + list(PHASES).index(phase) / 10 if phase else 2)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=unit == "short"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: in_unit(value, unit)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{int(value) // 60}:{int(value) % 60:02d}"))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 3, 6]))
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 0), high + (high - low) * 0.08)
    axes.grid(color="#e6e8eb", linewidth=0.6)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color("#d0d7de")
    axes.tick_params(labelsize=7, colors=INK, length=0)
    if drawn:
        axes.legend(loc="upper left", bbox_to_anchor=(0, -0.14), ncol=columns_of(panel), fontsize=6.5, frameon=False,
                    handlelength=1, columnspacing=1.2, labelspacing=0.25, borderaxespad=0)


def draw_table(axes, panel):
    axes.axis("off")
    rows = [result["metric"] for results in panel["answers"] for result in results]
    names = sorted({name for row in rows for name in row}, key=lambda name: (name != "node", name))
    cells = sorted([row.get(name, "") for name in names] for row in rows)
    table = axes.table(cells or [[""] * len(names)], colLabels=names, loc="upper left", cellLoc="left", colLoc="left",
                       colWidths=[0.96 / len(names)] * len(names), edges="horizontal")
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    table.scale(1, 1.25)
    for (row, column), cell in table.get_celld().items():
        cell.set_edgecolor("#d0d7de")
        text = cell.get_text().get_text()
        cell.get_text().set_color(FAINT if row == 0 else PHASES.get(text, INK))
        if row == 0 or text in PHASES:
            cell.get_text().set_fontweight("bold")


def draw_value(axes, panel):
    axes.axis("off")
    unit = panel["fieldConfig"]["defaults"].get("unit", "short")
    drawn = sorted(series_of(panel))
    for at, (name, points) in enumerate(drawn):
        x = (at + 0.5) / len(drawn)
        axes.text(x, 0.55, in_unit(points[-1][1], unit), fontsize=19, ha="center", va="center", color="#3274d9")
        axes.text(x, 0.15, name, fontsize=7, ha="center", va="center", color=FAINT)


def main():
    answers, picture, digest = sys.argv[1:]
    with open(answers, encoding="utf-8") as file:
        panels = [json.loads(line) for line in file]
    times = [t for panel in panels if panel["type"] == "timeseries" for _, points in series_of(panel) for t, _ in points]
    start = min(times)
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    width, height = COLUMNS * UNIT[0], rows * UNIT[1]
    plt.rcParams.update({"svg.hashsalt": "nodeproof", "svg.fonttype": "none", "font.family": "sans-serif",
                         "font.sans-serif": ["DejaVu Sans", "Verdana"]})
    figure = plt.figure(figsize=(width, height), facecolor=PAPER)
    for panel in panels:
        place = panel["gridPos"]
        left, top = place["x"] * UNIT[0], height - place["y"] * UNIT[1]
        wide, high = place["w"] * UNIT[0], place["h"] * UNIT[1]
        card = figure.add_axes(((left + 0.05) / width, (top - high + 0.05) / height, (wide - 0.1) / width, (high - 0.1) / height),
                               facecolor=CARD, xticks=[], yticks=[])
        for spine in card.spines.values():
            spine.set_color("#d0d7de")
        card.text(0.12 / (wide - 0.1), 1 - 0.13 / (high - 0.1), panel["title"], transform=card.transAxes, va="top",
                  fontsize=9, fontweight="bold", color=INK)
        foot = 0.2
        if panel["type"] == "timeseries":
            series = len(list(series_of(panel)))
            foot = 0.42 + 0.14 * -(-series // columns_of(panel))
        edge = 0.65 if panel["type"] == "timeseries" else 0.15
        axes = figure.add_axes(((left + edge) / width, (top - high + foot) / height, (wide - edge - 0.2) / width,
                                (high - foot - 0.42) / height), facecolor=CARD)
        if panel["type"] == "timeseries":
            draw_course(axes, panel, start)
            axes.set_xlim(0, max(times) - start)
        else:
            {"table": draw_table, "stat": draw_value}[panel["type"]](axes, panel)
    drawn = io.StringIO()
    figure.savefig(drawn, facecolor=PAPER, metadata={"Date": None, "Creator": "tests/monitoring/draw",
                                                     "Description": f"drawn from {digest}"})
    with open(picture, "w", encoding="utf-8") as file:
        file.write(re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d)\d+", r"\1", path[0]), drawn.getvalue()))  # tenths of a point


if __name__ == "__main__":
    main()
