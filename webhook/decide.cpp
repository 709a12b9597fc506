#include "webhook/decide.hpp"

#include <algorithm>

#include "webhook/template_warnings.hpp"

namespace nodeproof::webhook {
namespace {

using attest::EnforcementAction;
using wire::AdmissionRequest;

// One request on its way to a decision.
struct Case {
  const AdmissionRequest& request;
  const Snapshot& snapshot;
  UnixTime now;
  const std::optional<Refusal>& unfit;
  Rule rule = Rule::kUnknown;
};

AdmissionDecision allow(Rule rule, std::string reason) {
  AdmissionDecision out;
  out.rule = rule;
  out.allowed = true;
  out.reason = std::move(reason);
  return out;
}

AdmissionDecision deny(Rule rule, std::string reason, std::string message) {
  AdmissionDecision out;
  out.rule = rule;
  out.audit.emplace("denied", reason);
  out.reason = std::move(reason);
  out.message = std::move(message);
  return out;
}

AdmissionDecision refuse(const Case& c, const PodEntry& pod, const Refusal& refusal) {
  return refusal_of(c.rule, pod, refusal);
}

// What was proven when the decision was made, so that the API server's audit log answers it by itself.
void audit_proof(const std::string& node_name, const NodeEntry* node,
                 std::map<std::string, std::string>& audit) {
  audit["node"] = node_name;
  if (node == nullptr || !node->trust || !node->trust->claims) return;
  audit["evidence-digest"] = to_hex(node->trust->evidence_digest);
  audit["epoch"] = std::to_string(node->trust->epoch);
}

void add_to(std::string& list, const std::string& item) {
  list += (list.empty() ? "" : ", ") + item;
}

// A policy that warns is told of before one that only looks on.
void tolerate(std::optional<Toleration>& told, EnforcementAction action, const std::string& code,
              std::string message) {
  if (told && (told->action == EnforcementAction::kWarn || action == EnforcementAction::kDryRun)) return;
  told = Toleration{action, code, std::move(message)};
}

// The first Deny policy that the node does not meet refuses; Warn and DryRun speak up and let pass.
AdmissionDecision decide_for_node(const Case& c, const PodEntry& pod, const std::string& node_name,
                                  const Demands& demands) {
  const NodeEntry* node = c.snapshot.nodes->find(node_name);
  AdmissionDecision out = allow(c.rule, "met");
  audit_proof(node_name, node, out.audit);
  for (const Demand& demand : demands) {
    const auto unmet = evaluate(demand, node, c.now);
    const std::string& policy = demand.policy->name;
    if (!unmet) {
      add_to(out.audit["policy-met"], policy);
      continue;
    }
    out.reason = unmet->code;
    add_to(out.audit["policy-unmet"], policy + ": " + unmet->code);
    if (demand.policy->enforcement_action == EnforcementAction::kDeny) {
      out.allowed = false;
      out.tolerated.reset();
      out.message = unmet_message(pod_name(pod.ns, pod.name), node_name, policy, *unmet);
      out.audit.emplace("denied", unmet->code);
      return out;
    }
    if (demand.policy->enforcement_action == EnforcementAction::kWarn) {
      out.warnings.push_back(unmet_warning(node_name, policy, *unmet));
    }
    tolerate(out.tolerated, demand.policy->enforcement_action, unmet->code,
             tolerated_message(pod_name(pod.ns, pod.name), node_name, policy, *unmet));
  }
  return out;
}

// Demands of the pod first, then its node when it has or gets one.
AdmissionDecision decide_for_pod(const Case& c, const PodEntry& pod, const std::string& node_name) {
  const auto demands = demands_of(pod, find_namespace(c.snapshot, pod.ns), c.snapshot);
  if (const auto* refusal = std::get_if<Refusal>(&demands)) return refuse(c, pod, *refusal);
  const Demands& list = std::get<Demands>(demands);
  if (list.empty()) return allow(c.rule, "not-sensitive");
  if (c.unfit) return refuse(c, pod, *c.unfit);
  if (!node_name.empty()) return decide_for_node(c, pod, node_name, list);

  AdmissionDecision out = allow(c.rule, "valid");
  for (const Demand& demand : list) {
    const bool met_somewhere =
        std::any_of(c.snapshot.nodes->begin(), c.snapshot.nodes->end(),
                    [&](const NodeMap::Entry& node) { return !evaluate(demand, node.get(), c.now); });
    if (!met_somewhere) out.warnings.push_back(no_node_warning(demand.policy->name));
  }
  return out;
}

AdmissionDecision decide_create(const Case& c) {
  const wire::Pod& pod = *c.request.pod;
  if (c.rule == Rule::kMirrorPod) {
    AdmissionDecision out = allow(c.rule, "mirror-pod");
    out.audit.emplace("mirror-pod", pod.node_name);
    return out;
  }
  return decide_for_pod(c, pod_of(c.request, pod), pod.node_name);
}

AdmissionDecision decide_update(const Case& c) {
  const PodEntry before = pod_of(c.request, *c.request.old_pod);
  const PodEntry after = pod_of(c.request, *c.request.pod);
  if (before.markers == after.markers) return allow(c.rule, "unchanged");
  if (const auto what = loosened(before.markers, after.markers)) {
    return refuse(c, before,
                  {"marker-loosened", *what, "delete the pod and create it anew with what it needs"});
  }
  return decide_for_pod(c, after, before.node_name);
}

AdmissionDecision decide_binding_of(const Case& c, const PodEntry& pod) {
  const wire::Binding& binding = *c.request.binding;
  const bool same_name = pod.ns == c.request.ns && pod.name == c.request.name;
  if (!same_name || (!binding.meta.uid.empty() && binding.meta.uid != pod.uid)) {
    return refuse(c, {c.request.ns, c.request.name, {}, {}, {}},
                  {"other-pod", "the binding's uid is of another pod than the one with this name",
                   "bind the pod that exists now"});
  }
  return decide_for_pod(c, pod, binding.target_name);
}

std::optional<Refusal> check_binding(const AdmissionRequest& request) {
  const wire::Binding& binding = *request.binding;
  for (const auto* keys : {&binding.meta.annotations, &binding.meta.labels}) {
    for (const auto& [key, value] : *keys) {
      if (!key.starts_with(wire::kOurPrefix)) continue;
      return Refusal{"binding-keys", "the binding carries " + key + ", which would be copied onto the pod",
                     "bind without nodeproof.dev annotations and labels"};
    }
  }
  if (!binding.target_kind.empty() && binding.target_kind != "Node") {
    return Refusal{"binding-target", "the binding's target is a '" + binding.target_kind + "'",
                   "bind to a Node"};
  }
  if (binding.target_name.empty()) {
    return Refusal{"binding-target", "the binding names no target", "name the Node to bind to"};
  }
  if (!binding.meta.name.empty() && binding.meta.name != request.name) {
    return Refusal{"binding-target", "the binding names another pod than the request",
                   "name the same pod in both"};
  }
  return std::nullopt;
}

AdmissionDecision decide_binding(const Case& c, const PodLookup& lookup) {
  const PodEntry named{c.request.ns, c.request.name, {}, {}, {}};
  if (const auto refusal = check_binding(c.request)) return refuse(c, named, *refusal);
  if (const auto* pod = std::get_if<PodEntry>(&lookup)) return decide_binding_of(c, *pod);
  if (std::holds_alternative<PodAbsent>(lookup))
    return allow(c.rule, "no-such-pod");  // the bind itself fails
  return refuse(c, named,
                {"pod-unavailable", "the pod could not be read: " + std::get<PodUnavailable>(lookup).why,
                 "try again; the scheduler does so by itself"});
}

// Told, not refused: while nothing can be known, nothing is said.
AdmissionDecision warn_of_template(const Case& c) {
  AdmissionDecision out = allow(c.rule, "valid");
  if (!c.snapshot.complete || c.unfit) return out;
  out.warnings = template_warnings(c.request, c.snapshot, c.now);
  if (!out.warnings.empty()) out.reason = "warned";
  return out;
}

Rule rule_of(const AdmissionRequest& request) {
  const bool pods = request.resource == "pods";
  if (request.operation == "CREATE" && request.binding &&
      ((pods && request.sub_resource == "binding") ||
       (request.resource == "bindings" && request.sub_resource.empty()))) {
    return Rule::kBinding;
  }
  if (request.pod_template && request.sub_resource.empty()) return Rule::kTemplate;
  if (!pods || !request.pod) return Rule::kUnknown;
  if (request.operation == "CREATE" && request.sub_resource.empty()) {
    if (is_mirror_pod(request)) return Rule::kMirrorPod;
    return request.pod->node_name.empty() ? Rule::kPodCreate : Rule::kPodOnNode;
  }
  if (request.operation != "UPDATE" || !request.old_pod) return Rule::kUnknown;
  if (request.sub_resource == "ephemeralcontainers") return Rule::kEphemeralContainers;
  if (request.sub_resource.empty() || request.sub_resource == "status") return Rule::kPodUpdate;
  return Rule::kUnknown;
}

}  // namespace

PodEntry pod_of(const AdmissionRequest& request, const wire::Pod& pod) {
  PodEntry out = entry_of(pod);
  out.ns = request.ns;
  if (out.name.empty()) out.name = request.name;
  return out;
}

bool is_mirror_pod(const AdmissionRequest& request) {
  const wire::Pod& pod = *request.pod;
  const auto& groups = request.user.groups;
  return !pod.node_name.empty() && pod.meta.annotations.contains(std::string(wire::kMirrorAnnotation)) &&
         request.user.username == "system:node:" + pod.node_name &&
         std::find(groups.begin(), groups.end(), "system:nodes") != groups.end();
}

Refusal still_starting() {
  return {"starting", "this webhook is still reading the cluster's state", "try again in a moment"};
}

AdmissionDecision refusal_of(Rule rule, const PodEntry& pod, const Refusal& refusal) {
  return deny(rule, refusal.reason,
              refusal_message(pod_name(pod.ns, pod.name), refusal.what, refusal.remedy));
}

std::string_view to_string(Rule rule) {
  switch (rule) {
    case Rule::kPodCreate:
      return "pod-create";
    case Rule::kPodOnNode:
      return "pod-on-node";
    case Rule::kMirrorPod:
      return "mirror-pod";
    case Rule::kPodUpdate:
      return "pod-update";
    case Rule::kEphemeralContainers:
      return "ephemeral-containers";
    case Rule::kBinding:
      return "binding";
    case Rule::kTemplate:
      return "template";
    case Rule::kSteering:
      return "steering";
    case Rule::kUnknown:
      return "unknown";
  }
  return "unknown";
}

bool needs_pod(const AdmissionRequest& request) {
  return rule_of(request) == Rule::kBinding;
}

AdmissionDecision decide(const AdmissionRequest& request, const Snapshot& snapshot, const PodLookup& lookup,
                         UnixTime now, const std::optional<Refusal>& unfit) {
  const Case c{request, snapshot, now, unfit, rule_of(request)};
  if (c.rule == Rule::kTemplate) return warn_of_template(c);
  if (!snapshot.complete) return refuse(c, {request.ns, request.name, {}, {}, {}}, still_starting());
  switch (c.rule) {
    case Rule::kPodCreate:
    case Rule::kPodOnNode:
    case Rule::kMirrorPod:
      return decide_create(c);
    case Rule::kPodUpdate:
      return decide_update(c);
    case Rule::kEphemeralContainers: {
      // The stored pod counts: such an update cannot change its annotations.
      const PodEntry pod = pod_of(request, *request.old_pod);
      return decide_for_pod(c, pod, pod.node_name);
    }
    case Rule::kBinding:
      return decide_binding(c, lookup);
    case Rule::kTemplate:
    case Rule::kSteering:
    case Rule::kUnknown:
      break;
  }
  return deny(Rule::kUnknown, "not-understood",
              refusal_message(pod_name(request.ns, request.name),
                              "a request to " + request.operation + " " + request.resource +
                                  (request.sub_resource.empty() ? "" : "/" + request.sub_resource) +
                                  " is not one that nodeproof judges",
                              "correct the rules of the webhook configuration"));
}

}  // namespace nodeproof::webhook
