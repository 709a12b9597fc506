// What we read of Kubernetes' own objects. Values; untrusted until authenticated by their source.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "attest/strict_json_fwd.hpp"
#include "base/result.hpp"

namespace nodeproof::wire {

// A member that is a map of strings; nothing when it is absent or null.
Result<std::optional<std::map<std::string, std::string>>> optional_string_map(const attest::JsonValue& object,
                                                                              std::string_view key);

struct ObjectMeta {
  std::string name;
  std::string ns;  // metadata.namespace; empty for cluster-scoped objects
  std::string uid;
  std::string resource_version;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  bool deleting = false;  // deletionTimestamp is set
};
// `object` is a whole API object. Labels and annotations must be string maps.
Result<ObjectMeta> parse_metadata(const attest::JsonValue& object);

struct Taint {
  std::string key;
  std::string effect;  // "NoSchedule", "NoExecute", ...
  // NOLINTNEXTLINE(modernize-use-nullptr)
  auto operator<=>(const Taint&) const = default;
};

struct Node {
  ObjectMeta meta;
  std::string boot_id;        // status.nodeInfo: the kubelet's own words; empty when absent
  std::string system_uuid;    // likewise
  std::vector<Taint> taints;  // spec.taints: those of our prefix, in their order
  std::string image;          // AKS's node image version, else status.nodeInfo.osImage; empty when absent
};
Result<Node> parse_node(const attest::JsonValue& object);

struct Pod {
  ObjectMeta meta;
  std::string node_name;                                            // spec.nodeName; empty: not bound
  std::optional<std::map<std::string, std::string>> node_selector;  // spec.nodeSelector, when there is one
};
Result<Pod> parse_pod(const attest::JsonValue& object);

// The few members that a directory of all waiting pods keeps. Borrows from the object.
struct PodSummary {
  std::string_view name;
  std::string_view ns;
  std::string_view uid;
  std::string_view node_name;  // empty: not bound
  std::vector<std::pair<std::string_view, std::string_view>>
      markers;  // annotations of our prefix, as they come
};
// As parse_pod, at a fraction of its cost: a list may hold 150,000 pods. A pod without a name is refused.
Result<PodSummary> summarize_pod(const attest::JsonValue& object);

// A pod as a sweep of what runs sees it. Borrows from the object.
struct PlacedPod {
  PodSummary pod;
  bool mirror = false;    // stands for a static pod
  bool finished = false;  // Succeeded or Failed: nothing of it runs any more
};
Result<PlacedPod> summarize_placed_pod(const attest::JsonValue& object);

struct Namespace {
  ObjectMeta meta;
};
Result<Namespace> parse_namespace(const attest::JsonValue& object);

struct Binding {
  ObjectMeta meta;  // uid is the pod's, or empty (the legacy resource wipes it)
  std::string target_kind;
  std::string target_name;
};
Result<Binding> parse_binding(const attest::JsonValue& object);

// Our names (DESIGN 4.1).
inline constexpr std::string_view kPolicyAnnotation = "nodeproof.dev/policy";
inline constexpr std::string_view kMaxAgeAnnotation = "nodeproof.dev/max-evidence-age";
inline constexpr std::string_view kEnforceLabel = "nodeproof.dev/enforce";
inline constexpr std::string_view kAnnotatedPods = "annotated-pods";  // its values
inline constexpr std::string_view kAllPods = "all-pods";
inline constexpr std::string_view kBreakGlassLabel = "nodeproof.dev/break-glass";
inline constexpr std::string_view kBreakGlassUntilAnnotation = "nodeproof.dev/break-glass-until";
inline constexpr std::string_view kOurPrefix = "nodeproof.dev/";
inline constexpr std::string_view kNodeLabelPrefix = "nodeproof.node-restriction.kubernetes.io/";
inline constexpr std::string_view kPolicyLabelPrefix = "policy.nodeproof.node-restriction.kubernetes.io/";
inline constexpr std::string_view kPolicyMet = "met";  // value of a label with that prefix
inline constexpr std::string_view kUnverifiedTaint = "nodeproof.dev/unverified";  // NoSchedule
inline constexpr std::string_view kFailedTaint = "nodeproof.dev/failed";          // NoExecute
inline constexpr std::string_view kMirrorAnnotation = "kubernetes.io/config.mirror";

}  // namespace nodeproof::wire
