#include "webhook/sweep.hpp"

#include <numeric>

#include "attest/strict_json.hpp"

namespace nodeproof::webhook {
namespace {

using attest::EnforcementAction;
using attest::JsonValue;

UnprovenPod unproven(const PodEntry& pod, UnprovenReason reason, std::string policy, Unmet unmet) {
  std::vector<std::string> policies;
  if (!policy.empty()) policies.push_back(policy);
  return {pod.ns,          pod.name, pod.uid, pod.node_name, reason, std::move(policy), std::move(policies),
          std::move(unmet)};
}

// What kept the gate from judging it, as far as that can be seen; otherwise `seen`.
UnprovenReason reason_of(const RunningPod& running, const NamespaceEntry& ns, UnprovenReason seen) {
  if (running.mirror) return UnprovenReason::kMirrorPod;
  return ns.break_glass ? UnprovenReason::kBreakGlass : seen;
}

std::optional<UnprovenPod> judge(const RunningPod& running, const Snapshot& snapshot, UnixTime now) {
  const PodEntry& pod = running.pod;
  const NamespaceEntry* ns = find_namespace(snapshot, pod.ns);
  const bool enrolled = ns != nullptr && !ns->enforce.empty();
  if (!enrolled && pod.markers.empty()) return std::nullopt;
  const auto demands = demands_of(pod, ns, snapshot);
  if (const auto* refusal = std::get_if<Refusal>(&demands)) {
    const UnprovenReason reason =
        enrolled ? reason_of(running, *ns, UnprovenReason::kRefused) : UnprovenReason::kNotEnrolled;
    return unproven(pod, reason, {}, {refusal->reason, refusal->what, refusal->remedy, {}});
  }
  const NodeEntry* node = snapshot.nodes->find(pod.node_name);
  std::optional<UnprovenPod> out;
  for (const Demand& demand : std::get<Demands>(demands)) {
    if (demand.policy->enforcement_action != EnforcementAction::kDeny) continue;
    auto unmet = evaluate(demand, node, now);
    if (!unmet) continue;
    if (out) {
      out->unmet_policies.push_back(demand.policy->name);
    } else {
      out = unproven(pod, reason_of(running, *ns, UnprovenReason::kUnmet), demand.policy->name,
                     *std::move(unmet));
    }
  }
  return out;
}

}  // namespace

std::string_view to_string(UnprovenReason reason) {
  switch (reason) {
    case UnprovenReason::kUnmet:
      return "unmet";
    case UnprovenReason::kRefused:
      return "refused";
    case UnprovenReason::kMirrorPod:
      return "mirror-pod";
    case UnprovenReason::kBreakGlass:
      return "break-glass";
    case UnprovenReason::kNotEnrolled:
      return "not-enrolled";
    case UnprovenReason::kUnreadable:
      return "unreadable";
  }
  return "unreadable";
}

void add_to(PoliciesAtStake& at_stake, const std::vector<UnprovenPod>& pods) {
  for (const UnprovenPod& pod : pods) {
    if (pod.reason != UnprovenReason::kUnmet) continue;
    at_stake[pod.node].insert(pod.unmet_policies.begin(), pod.unmet_policies.end());
  }
}

UnprovenPod unreadable_pod(const Error& error) {
  UnprovenPod out;
  out.reason = UnprovenReason::kUnreadable;
  out.unmet = {"unreadable", to_string(error), "look at the object with kubectl get pod -o yaml", {}};
  return out;
}

std::vector<UnprovenPod> sweep(std::span<const RunningPod> pods, const Snapshot& snapshot, UnixTime now) {
  std::vector<UnprovenPod> out;
  for (const RunningPod& pod : pods) {
    if (auto found = judge(pod, snapshot, now)) out.push_back(*std::move(found));
  }
  return out;
}

// The name of a Node is a DNS subdomain: nothing in it needs an escape.
std::string running_pods_path(const std::string& node) {
  std::string out = kRunningPodsPath;
  constexpr std::string_view kBound = "spec.nodeName%21%3D";
  return out.replace(out.find(kBound), kBound.size(), "spec.nodeName%3D" + node);
}

Result<std::optional<RunningPod>> parse_running_pod(const JsonValue& object) {
  NODEPROOF_TRY(placed, wire::summarize_placed_pod(object));
  const wire::PodSummary& pod = placed.pod;
  if (pod.node_name.empty() || placed.finished) return std::optional<RunningPod>();
  RunningPod out;
  out.pod = {
      std::string(pod.ns), std::string(pod.name), std::string(pod.uid), std::string(pod.node_name), {}};
  for (const auto& [key, value] : pod.markers) out.pod.markers.emplace(key, value);
  out.mirror = placed.mirror;
  return std::optional(std::move(out));
}

Result<PodPage> parse_pod_page(const JsonValue& list) {
  PodPage out;
  NODEPROOF_TRY(metadata, list.required("metadata"));
  NODEPROOF_TRY(next, metadata.optional_text("continue"));
  out.next = std::move(next);
  NODEPROOF_TRY(member, list.optional("items"));
  if (!member) return out;
  NODEPROOF_TRY(items, member->array());
  for (const JsonValue& item : items) {
    auto pod = parse_running_pod(item);
    if (!pod) {
      out.unreadable.push_back(std::move(pod).error());
    } else if (*pod) {
      out.running.push_back(**std::move(pod));
    }
  }
  return out;
}

UnprovenCounts::UnprovenCounts() {
  for (const UnprovenReason reason : kUnprovenReasons) by_reason[reason] = 0;
}

void UnprovenCounts::add(const std::vector<UnprovenPod>& pods) {
  for (const UnprovenPod& pod : pods) {
    ++by_reason[pod.reason];
    if (pod.reason != UnprovenReason::kUnreadable) ++by_node[pod.node];
  }
}

std::size_t UnprovenCounts::on_node(std::string_view name) const {
  const auto found = by_node.find(name);
  return found == by_node.end() ? 0 : found->second;
}

std::size_t UnprovenCounts::total() const {
  return std::accumulate(by_reason.begin(), by_reason.end(), std::size_t{0},
                         [](std::size_t sum, const auto& item) { return sum + item.second; });
}

}  // namespace nodeproof::webhook
