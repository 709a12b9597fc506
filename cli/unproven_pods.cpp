#include "cli/unproven_pods.hpp"

#include <cpprest/json.h>

#include <algorithm>
#include <iomanip>
#include <ostream>

#include "cli/cluster_objects.hpp"
#include "cli/printable.hpp"
#include "cli/unverified.hpp"
#include "cli/verdict_json.hpp"

namespace nodeproof::cli {
namespace {

using web::json::value;
using webhook::UnprovenPod;

struct Found {
  std::vector<UnprovenPod> pods;
  std::size_t looked_at = 0;
};

// Pods one by one as the pages come: a cluster may have 150,000.
Found sweep_cluster(kube::ApiClient& api, const webhook::Snapshot& snapshot, UnixTime now) {
  Found out;
  list_objects(api, webhook::kRunningPodsPath, "pods", [&](const attest::JsonValue& item) -> Status {
    const auto pod = webhook::parse_running_pod(item);
    if (pod && !*pod) return Ok{};
    ++out.looked_at;
    if (!pod) {
      out.pods.push_back(webhook::unreadable_pod(pod.error()));
      return Ok{};
    }
    for (UnprovenPod& found : webhook::sweep(std::span(&**pod, 1), snapshot, now))
      out.pods.push_back(std::move(found));
    return Ok{};
  });
  return out;
}

Result<Found> find_pods(const PodsOptions& options, const webhook::TrustParameters& parameters,
                        UnixTime now) {
  ClusterObjects objects;
  if (!options.files.empty()) {
    NODEPROOF_CHECK(read_cluster_objects(options.files, objects));
    const webhook::Snapshot snapshot = snapshot_of(objects, parameters, now);
    return Found{webhook::sweep(objects.running, snapshot, now), objects.running.size()};
  }
  const auto api = connect(options);
  fetch_policies(*api, objects);
  fetch_needed_inventories(*api, objects);
  fetch_namespaces(*api, objects);
  fetch_nodes(*api, objects);
  return sweep_cluster(*api, snapshot_of(objects, parameters, now), now);
}

std::string name_of(const UnprovenPod& pod) {
  return pod.name.empty() ? "-" : printable(webhook::pod_name(pod.ns, pod.name));
}

std::string why(const UnprovenPod& pod) {
  const std::string policy = pod.policy.empty() ? "" : pod.policy + ": ";
  const std::string remedy = pod.unmet.remedy.empty() ? "" : "; remedy: " + pod.unmet.remedy;
  return printable(policy + pod.unmet.detail + remedy);
}

void print(std::ostream& out, const Found& found) {
  std::size_t pod_width = 3;
  std::size_t node_width = 4;
  for (const UnprovenPod& pod : found.pods) {
    pod_width = std::max(pod_width, name_of(pod).size());
    node_width = std::max(node_width, printable(pod.node).size());
  }
  const auto line = [&](const std::string& pod, const std::string& node, std::string_view reason,
                        const std::string& check, const std::string& age, const std::string& text) {
    out << std::left << std::setw(static_cast<int>(pod_width) + 2) << pod
        << std::setw(static_cast<int>(node_width) + 2) << node << std::setw(14) << reason << std::setw(24)
        << check << std::setw(8) << age << text << '\n';
  };
  if (!found.pods.empty()) line("POD", "NODE", "REASON", "CHECK", "AGE", "WHY");
  for (const UnprovenPod& pod : found.pods) {
    line(name_of(pod), printable(pod.node), to_string(pod.reason), printable(pod.unmet.code),
         pod.unmet.age ? to_duration(*pod.unmet.age) : "-", why(pod));
  }
  out << (found.pods.empty() ? "" : "\n") << found.looked_at << " running pods looked at, "
      << found.pods.size() << " of them sensitive and without proof.\n";
  print_unverified(out);
}

value to_value(const UnprovenPod& pod) {
  value out = value::object();
  out["namespace"] = json_text(pod.ns);
  out["name"] = json_text(pod.name);
  out["node"] = json_text(pod.node);
  out["reason"] = json_text(to_string(pod.reason));
  out["policy"] = json_text(pod.policy);
  out["check"] = json_text(pod.unmet.code);
  out["detail"] = json_text(pod.unmet.detail);
  out["remedy"] = json_text(pod.unmet.remedy);
  out["evidenceAgeSeconds"] =
      pod.unmet.age ? value::number(static_cast<std::int64_t>(pod.unmet.age->count())) : value::null();
  return out;
}

void print_json(std::ostream& out, const Found& found) {
  webhook::UnprovenCounts counts;
  counts.add(found.pods);
  value root = value::object();
  std::vector<value> pods;
  for (const UnprovenPod& pod : found.pods) pods.push_back(to_value(pod));
  root["pods"] = value::array(std::move(pods));
  root["runningPods"] = value::number(static_cast<std::uint64_t>(found.looked_at));
  root["counts"] = value::object();
  for (const auto& [reason, count] : counts.by_reason)
    root["counts"][std::string(to_string(reason))] = value::number(static_cast<std::uint64_t>(count));
  root["notVerified"] = unverified();
  out << root.serialize() << '\n';
}

Result<ExitCode> run(const PodsOptions& options, UnixTime now, std::ostream& out, std::ostream& err) {
  NODEPROOF_TRY(trust, read_trust(options, now));
  NODEPROOF_TRY(parameters, trust_parameters_of(options, trust));
  NODEPROOF_TRY(found, find_pods(options, parameters, trust.at));
  name_extra_anchors(err, trust.anchors);
  (options.json ? print_json : print)(out, found);
  return found.pods.empty() ? kVerified : kRefused;
}

}  // namespace

ExitCode unproven_pods(const PodsOptions& options, UnixTime now, std::ostream& out, std::ostream& err) {
  return run_verb("pods", err, [&] { return run(options, now, out, err); });
}

}  // namespace nodeproof::cli
