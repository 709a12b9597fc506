// The admission decision: a pure function of the request, the snapshot and whether it may be relied on,
// the pod that a Binding is for, and the time (DESIGN 7). What is not understood is denied.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "webhook/demands.hpp"
#include "webhook/snapshot.hpp"
#include "wire/admission_review.hpp"

namespace nodeproof::webhook {

enum class Rule {
  kPodCreate,            // no node named: policy and annotations are checked
  kPodOnNode,            // created with spec.nodeName: no binding follows
  kMirrorPod,            // a static pod's mirror, made by its own node
  kPodUpdate,            // pods and pods/status: our annotations only ever tighten
  kEphemeralContainers,  // on the pod's node
  kBinding,              // pods/binding and the legacy bindings
  kTemplate,             // what makes pods: warned of, never refused
  kSteering,             // pods before they are created (steering.hpp); never a result of `decide`
  kUnknown,
};
std::string_view to_string(Rule rule);  // "pod-create", ...

// Whether the API server has the pod that a Binding names.
struct PodAbsent {};
struct PodUnavailable {
  std::string why;
};
using PodLookup = std::variant<PodAbsent, PodEntry, PodUnavailable>;

// The pod that a request is about. The request's namespace counts: it is where the API server puts it.
PodEntry pod_of(const wire::AdmissionRequest& request, const wire::Pod& pod);

// Whether a kubelet tells of a static pod: the annotation alone exempts nobody. Of requests with a pod.
bool is_mirror_pod(const wire::AdmissionRequest& request);

// Why nothing can be said before the snapshot is complete.
Refusal still_starting();

// Whether `decide` reads the lookup for this request at all.
bool needs_pod(const wire::AdmissionRequest& request);

// What a Warn or DryRun policy let pass.
struct Toleration {
  attest::EnforcementAction action = attest::EnforcementAction::kWarn;
  std::string code;     // why the policy is not met: a check, or what stands in for it
  std::string message;  // one sentence, as a refusal's
};

struct AdmissionDecision {
  Rule rule = Rule::kUnknown;
  bool allowed = false;
  std::string reason;   // short stable word for metrics: a check, or what stands in for it
  std::string message;  // one sentence, empty when allowed
  std::vector<std::string> warnings;
  // Of an allowed placement: the first policy that only warns, else the first that only looks on, which the
  // node does not meet.
  std::optional<Toleration> tolerated;
  // Audit annotations, keys without prefix: "denied" with the reason; of a decision about a node also "node",
  // "policy-met" and "policy-unmet", and of its proof "evidence-digest" and "epoch".
  std::map<std::string, std::string> audit;
};

// A pod that is refused for what it asks, whatever its node.
AdmissionDecision refusal_of(Rule rule, const PodEntry& pod, const Refusal& refusal);

// `unfit`: why the snapshot must not be relied on now (readiness.hpp); sensitive pods are then refused.
AdmissionDecision decide(const wire::AdmissionRequest& request, const Snapshot& snapshot,
                         const PodLookup& lookup, UnixTime now, const std::optional<Refusal>& unfit);

}  // namespace nodeproof::webhook
