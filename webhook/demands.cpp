#include "webhook/demands.hpp"

#include <algorithm>

namespace nodeproof::webhook {
namespace {

std::optional<std::string> marker(const Markers& markers, std::string_view key) {
  const auto found = markers.find(std::string(key));
  return found == markers.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Refusal> check_namespace(const PodEntry& pod, const NamespaceEntry* ns) {
  if (ns != nullptr && (ns->enforce == wire::kAnnotatedPods || ns->enforce == wire::kAllPods))
    return std::nullopt;
  if (ns == nullptr || ns->enforce.empty()) {
    return Refusal{"namespace-not-enrolled", "namespace " + pod.ns + " is not known here as enrolled",
                   "try again in a moment; if it stays so: kubectl label namespace " + pod.ns + " " +
                       std::string(wire::kEnforceLabel) + "=" + std::string(wire::kAnnotatedPods)};
  }
  return Refusal{
      "bad-enforce-label",
      "label " + std::string(wire::kEnforceLabel) + " of namespace " + pod.ns + " is '" + ns->enforce + "'",
      "set it to annotated-pods or all-pods"};
}

// A misspelt key would silently ask for nothing.
std::optional<Refusal> check_keys(const Markers& markers) {
  for (const auto& [key, value] : markers) {
    if (key == wire::kPolicyAnnotation || key == wire::kMaxAgeAnnotation) continue;
    return Refusal{
        "bad-annotation", "annotation " + key + " is not known",
        "use " + std::string(wire::kPolicyAnnotation) + " and " + std::string(wire::kMaxAgeAnnotation)};
  }
  return std::nullopt;
}

std::variant<Demand, Refusal> demand_for(const std::string& name, const std::optional<Seconds>& max_age,
                                         const Snapshot& snapshot) {
  const auto found = snapshot.policies->find(name);
  if (found == snapshot.policies->end()) {
    return Refusal{"unknown-policy", "there is no AttestationPolicy '" + name + "'",
                   "name one of those that kubectl get attestationpolicies lists"};
  }
  if (!found->second) {
    return Refusal{"invalid-policy",
                   "AttestationPolicy " + name + " cannot be used: " + to_string(found->second.error()),
                   "ask a cluster administrator to correct the policy"};
  }
  const attest::AppraisalPolicy& policy = *found->second;
  return Demand{&policy, std::min(policy.max_evidence_age, max_age.value_or(policy.max_evidence_age)),
                snapshot.inventory.get()};
}

std::string remedy_of(const NodeTrust& trust) {
  return trust.remedy.empty() ? "look at kubectl get nodeattestations" : trust.remedy;
}

}  // namespace

std::variant<Demands, Refusal> demands_of(const PodEntry& pod, const NamespaceEntry* ns,
                                          const Snapshot& snapshot) {
  if (auto refusal = check_namespace(pod, ns)) return *std::move(refusal);
  if (pod.markers.empty() && ns->enforce != wire::kAllPods) return Demands();
  if (auto refusal = check_keys(pod.markers)) return *std::move(refusal);

  std::optional<Seconds> max_age;
  if (const auto text = marker(pod.markers, wire::kMaxAgeAnnotation)) {
    const auto parsed = parse_duration(*text, wire::kMaxAgeAnnotation);
    if (!parsed) {
      return Refusal{"bad-annotation", to_string(parsed.error()), "write a duration such as 5m"};
    }
    max_age = *parsed;
  }
  std::vector<std::string> names;
  if (ns->policy) names.push_back(*ns->policy);
  if (const auto own = marker(pod.markers, wire::kPolicyAnnotation); own && own != ns->policy)
    names.push_back(*own);
  if (names.empty()) {
    return Refusal{
        "no-policy",
        "it must be placed by a policy, but neither the pod nor namespace " + pod.ns + " names one",
        "kubectl annotate namespace " + pod.ns + " " + std::string(wire::kPolicyAnnotation) + "=POLICY"};
  }
  Demands out;
  for (const std::string& name : names) {
    auto demand = demand_for(name, max_age, snapshot);
    if (auto* refusal = std::get_if<Refusal>(&demand)) return std::move(*refusal);
    out.push_back(std::get<Demand>(demand));
  }
  return out;
}

std::optional<Unmet> evaluate(const Demand& demand, const NodeEntry* node, UnixTime now) {
  if (node == nullptr) {
    return Unmet{
        "unknown-node", "there is no such Node", "place the pod on a node that kubectl get nodes lists", {}};
  }
  if (!node->trust) {
    return Unmet{"not-verified", "its evidence has not been verified yet", "try again in a moment", {}};
  }
  const NodeTrust& trust = *node->trust;
  if (!trust.claims) return Unmet{trust.code, trust.detail, remedy_of(trust), {}};
  attest::Appraisal appraisal = attest::appraise(*trust.claims, *demand.policy, demand.max_age, now);
  if (demand.policy->node_identity == attest::NodeIdentity::kInventory) {
    attest::Finding identity = demand.inventory->judge(node->name, *trust.claims);
    if (identity.outcome != attest::Outcome::kPassed) appraisal.findings.push_back(std::move(identity));
  }
  if (appraisal.findings.empty()) return std::nullopt;
  const attest::Finding& finding = appraisal.findings.front();
  return Unmet{std::string(attest::name_of(finding.check)), finding.detail, finding.remedy,
               attest::age_of(*trust.claims, now)};
}

std::optional<std::string> loosened(const Markers& before, const Markers& now) {
  for (const auto& [key, value] : before) {
    const auto kept = now.find(key);
    if (kept == now.end()) return "annotation " + key + " would be removed";
    if (kept->second == value) continue;
    if (key != wire::kMaxAgeAnnotation) return "annotation " + key + " would be changed";
    const auto old_age = parse_duration(value, key);
    const auto new_age = parse_duration(kept->second, key);
    if (old_age && new_age && *new_age > *old_age) return "annotation " + key + " would be loosened";
  }
  return std::nullopt;
}

}  // namespace nodeproof::webhook
