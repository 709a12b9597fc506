#include "webhook/template_warnings.hpp"

#include <algorithm>

#include "webhook/marker_form.hpp"

namespace nodeproof::webhook {
namespace {

// A marker on the object itself marks none of its pods, which is easily overlooked.
std::optional<std::string> misplaced_marker(const wire::PodTemplate& made_from) {
  for (const auto& [key, value] : made_from.owner.annotations) {
    if (key.starts_with(wire::kOurPrefix) && !made_from.annotations.contains(key)) return key;
  }
  return std::nullopt;
}

bool can_be_placed_now(const Demand& demand, const Snapshot& snapshot, UnixTime now) {
  return demand.policy->enforcement_action != attest::EnforcementAction::kDeny ||
         std::any_of(snapshot.nodes->begin(), snapshot.nodes->end(),
                     [&](const NodeMap::Entry& node) { return !evaluate(demand, node.get(), now); });
}

}  // namespace

std::vector<std::string> template_warnings(const wire::AdmissionRequest& request, const Snapshot& snapshot,
                                           UnixTime now) {
  const wire::PodTemplate& made_from = *request.pod_template;
  const std::string owner = made_from.kind + " " + pod_name(request.ns, made_from.owner.name);
  std::vector<std::string> out;
  if (const auto key = misplaced_marker(made_from)) {
    out.push_back(template_warning(owner, "annotation " + *key + " is not on its pods",
                                   "put it into spec.template.metadata.annotations"));
  }
  const auto tell = [&](const Refusal& refusal) {
    out.push_back(template_warning(owner, "its pods will be refused: " + refusal.what, refusal.remedy));
  };
  if (const auto refusal = refusal_of_form(made_from.labels, made_from.annotations)) {
    tell(*refusal);
    return out;
  }
  const PodEntry pod{request.ns, made_from.owner.name, {}, {}, markers_of(made_from.annotations)};
  const NamespaceEntry* ns = find_namespace(snapshot, request.ns);
  // Where nothing is enrolled, an unmarked pod is nobody's business.
  if (pod.markers.empty() && (ns == nullptr || ns->enforce != wire::kAllPods)) return out;

  const auto demands = demands_of(pod, ns, snapshot);
  if (const auto* refusal = std::get_if<Refusal>(&demands)) {
    tell(*refusal);
    return out;
  }
  for (const Demand& demand : std::get<Demands>(demands)) {
    if (can_be_placed_now(demand, snapshot, now)) continue;
    out.push_back(template_warning(
        owner, "no node meets policy " + demand.policy->name + " now; its pods will wait for one",
        "look at kubectl get nodeattestations"));
  }
  return out;
}

}  // namespace nodeproof::webhook
