#include "webhook/steering.hpp"

namespace nodeproof::webhook {
namespace {

Steering unchanged(std::string reason) {
  Steering out;
  out.decision.rule = Rule::kSteering;
  out.decision.allowed = true;
  out.decision.reason = std::move(reason);
  return out;
}

Steering refused(const PodEntry& pod, const Refusal& refusal) {
  Steering out;
  out.decision = refusal_of(Rule::kSteering, pod, refusal);
  return out;
}

bool creates_pod(const wire::AdmissionRequest& request) {
  return request.resource == "pods" && request.sub_resource.empty() && request.operation == "CREATE" &&
         request.pod.has_value();
}

// The labels of the policies that are not among `have`, whatever their value there.
NodeSelector missing_of(const Demands& demands, const NodeSelector& have) {
  NodeSelector out;
  for (const Demand& demand : demands) {
    for (const auto& [key, value] : selector_of(*demand.policy)) {
      if (!have.contains(key)) out.emplace(key, value);
    }
  }
  return out;
}

}  // namespace

NodeSelector selector_of(const attest::AppraisalPolicy& policy) {
  if (policy.enforcement_action != attest::EnforcementAction::kDeny) return {};
  if (!policy.placement.node_selector.empty()) return policy.placement.node_selector;
  if (!policy.placement.require_node_label) return {};
  return {{std::string(wire::kPolicyLabelPrefix) + policy.name, std::string(wire::kPolicyMet)}};
}

Steering steer(const wire::AdmissionRequest& request, const Snapshot& snapshot) {
  if (!creates_pod(request)) return unchanged("not-understood");
  if (is_mirror_pod(request)) return unchanged("mirror-pod");
  const PodEntry pod = pod_of(request, *request.pod);
  if (!snapshot.complete) return refused(pod, still_starting());
  const auto demands = demands_of(pod, find_namespace(snapshot, pod.ns), snapshot);
  if (const auto* refusal = std::get_if<Refusal>(&demands)) return refused(pod, *refusal);
  if (std::get<Demands>(demands).empty()) return unchanged("not-sensitive");

  NodeSelector added =
      missing_of(std::get<Demands>(demands), request.pod->node_selector.value_or(NodeSelector()));
  Steering out = unchanged(added.empty() ? "unchanged" : "steered");
  out.added = std::move(added);
  return out;
}

}  // namespace nodeproof::webhook
