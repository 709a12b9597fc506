#include "cli/explanation.hpp"

#include <algorithm>

#include "webhook/marker_form.hpp"

namespace nodeproof::cli {
namespace {

using webhook::AdmissionDecision;
using webhook::NamespaceEntry;
using webhook::NodeEntry;
using webhook::PodEntry;
using webhook::Snapshot;

// Requests as an API server would send them.
wire::AdmissionRequest request_about(const wire::Pod& pod) {
  wire::AdmissionRequest out;
  out.resource = "pods";
  out.operation = "CREATE";
  out.name = pod.meta.name;
  out.ns = pod.meta.ns;
  return out;
}

AdmissionDecision decide_creation(wire::Pod pod, const Snapshot& snapshot, UnixTime now) {
  wire::AdmissionRequest request = request_about(pod);
  pod.node_name.clear();
  request.pod = std::move(pod);
  return webhook::decide(request, snapshot, webhook::PodAbsent{}, now, std::nullopt);
}

AdmissionDecision decide_binding(const wire::Pod& pod, const std::string& node, const Snapshot& snapshot,
                                 UnixTime now) {
  wire::AdmissionRequest request = request_about(pod);
  request.sub_resource = "binding";
  wire::Binding binding;
  binding.meta.name = pod.meta.name;
  binding.meta.ns = pod.meta.ns;
  binding.target_kind = "Node";
  binding.target_name = node;
  request.binding = std::move(binding);
  return webhook::decide(request, snapshot, webhook::entry_of(pod), now, std::nullopt);
}

NodeAnswer answer_for(const wire::Pod& pod, const std::string& name, const webhook::Demands& demands,
                      const Snapshot& snapshot, UnixTime now) {
  const NodeEntry* node = snapshot.nodes->find(name);
  NodeAnswer out;
  out.node = name;
  out.decision = decide_binding(pod, name, snapshot, now);
  for (const webhook::Demand& demand : demands) {
    out.policies.push_back({demand.policy->name, demand.policy->enforcement_action, demand.max_age,
                            webhook::evaluate(demand, node, now)});
  }
  if (node != nullptr && node->trust && node->trust->claims)
    out.age = attest::age_of(*node->trust->claims, now);
  return out;
}

std::vector<std::string> asked_nodes(const wire::Pod& pod, const std::string& node,
                                     const Snapshot& snapshot) {
  if (!node.empty()) return {node};
  if (!pod.node_name.empty()) return {pod.node_name};
  std::vector<std::string> out;
  for (const webhook::NodeMap::Entry& entry : *snapshot.nodes) out.push_back(entry->name);
  return out;
}

// The webhook's selectors leave these namespaces out; what the pod asks for is then nobody's business, but
// for the marker, which a ValidatingAdmissionPolicy refuses there.
std::string why_not_asked(const PodEntry& pod, const NamespaceEntry* ns) {
  if (ns != nullptr && ns->break_glass)
    return "namespace " + pod.ns + " is out of the gate (break-glass): its pods are placed without proof";
  const bool enrolled = ns != nullptr && !ns->enforce.empty();
  if (!enrolled && pod.markers.empty())
    return "namespace " + pod.ns + " is not enrolled, so nodeproof does not judge this pod";
  return {};
}

// By the chart's ValidatingAdmissionPolicy, in every namespace; a mirror is only the picture of a static pod.
std::optional<webhook::Refusal> refused_form(const wire::Pod& pod) {
  if (pod.meta.annotations.contains(std::string(wire::kMirrorAnnotation))) return std::nullopt;
  return webhook::refusal_of_form(pod.meta.labels, pod.meta.annotations);
}

}  // namespace

bool Explanation::allowed() const {
  if (nodes.empty()) return decision.allowed && (decision.reason != "valid");
  return std::any_of(nodes.begin(), nodes.end(),
                     [](const NodeAnswer& answer) { return answer.decision.allowed; });
}

Explanation explain(const wire::Pod& pod, const std::string& node, const Snapshot& snapshot, UnixTime now) {
  Explanation out;
  const PodEntry entry = webhook::entry_of(pod);
  out.pod = webhook::pod_name(entry.ns, entry.name);
  if (const auto refusal = refused_form(pod)) {
    out.decision = webhook::refusal_of(webhook::Rule::kPodCreate, entry, *refusal);
    out.remedy = refusal->remedy;
    return out;
  }
  const NamespaceEntry* ns = webhook::find_namespace(snapshot, entry.ns);
  out.note = why_not_asked(entry, ns);
  if (!out.note.empty()) {
    out.decision.allowed = true;
    out.decision.reason = "not-asked";
    return out;
  }
  out.decision = decide_creation(pod, snapshot, now);
  const auto demands = webhook::demands_of(entry, ns, snapshot);
  if (const auto* refusal = std::get_if<webhook::Refusal>(&demands)) {
    out.remedy = refusal->remedy;
    return out;
  }
  const auto& list = std::get<webhook::Demands>(demands);
  if (list.empty()) {
    out.note = "the pod is not sensitive: it carries no annotation of ours, and namespace " + entry.ns +
               " is enrolled for annotated pods alone";
    return out;
  }
  for (const std::string& name : asked_nodes(pod, node, snapshot))
    out.nodes.push_back(answer_for(pod, name, list, snapshot, now));
  return out;
}

}  // namespace nodeproof::cli
