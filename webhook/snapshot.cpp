#include "webhook/snapshot.hpp"

namespace nodeproof::webhook {

PodEntry entry_of(const wire::Pod& pod) {
  PodEntry out{pod.meta.ns, pod.meta.name, pod.meta.uid, pod.node_name, {}};
  for (const auto& [key, value] : pod.meta.annotations) {
    if (key.starts_with(wire::kOurPrefix)) out.markers.emplace(key, value);
  }
  return out;
}

NamespaceEntry entry_of(const wire::Namespace& ns) {
  NamespaceEntry out;
  if (const auto label = ns.meta.labels.find(std::string(wire::kEnforceLabel));
      label != ns.meta.labels.end()) {
    out.enforce = label->second;
  }
  if (const auto floor = ns.meta.annotations.find(std::string(wire::kPolicyAnnotation));
      floor != ns.meta.annotations.end()) {
    out.policy = floor->second;
  }
  return out;
}

Seconds shortest_max_age(const PolicyMap& policies) {
  std::optional<Seconds> shortest;
  for (const auto& [name, policy] : policies) {
    if (policy && (!shortest || policy->max_evidence_age < *shortest)) shortest = policy->max_evidence_age;
  }
  return shortest.value_or(attest::AppraisalPolicy{}.max_evidence_age);
}

}  // namespace nodeproof::webhook
