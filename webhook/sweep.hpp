// The sweep: sensitive pods that run where nothing proves what they ask for. Admission looks only ahead, and
// there are ways past it (docs/bypass-routes.md); this looks at what came of them. Pure.
//
// How a pod got to its node is recorded nowhere: the reason says only what can be seen now.
#pragma once

#include <array>
#include <map>
#include <set>
#include <span>

#include "webhook/demands.hpp"

namespace nodeproof::webhook {

enum class UnprovenReason {
  kUnmet,        // its node does not meet its policies now: lost its proof, or was never asked for it
  kRefused,      // what it asks for cannot be made out: an unknown or unusable policy, a bad annotation
  kMirrorPod,    // a static pod: its kubelet asked nobody
  kBreakGlass,   // its namespace is out of the gate
  kNotEnrolled,  // it is marked where nobody acts on the marker
  kUnreadable,   // it could not be read
};
inline constexpr std::array kUnprovenReasons{UnprovenReason::kUnmet,       UnprovenReason::kRefused,
                                             UnprovenReason::kMirrorPod,   UnprovenReason::kBreakGlass,
                                             UnprovenReason::kNotEnrolled, UnprovenReason::kUnreadable};
std::string_view to_string(UnprovenReason reason);  // "unmet", ...

struct RunningPod {
  PodEntry pod;  // bound
  bool mirror = false;
};

struct UnprovenPod {
  std::string ns;
  std::string name;
  std::string uid;
  std::string node;
  UnprovenReason reason = UnprovenReason::kUnmet;
  std::string policy;                       // the first that is not met; empty when it did not come to that
  std::vector<std::string> unmet_policies;  // that one and the others
  Unmet unmet;
};

// Policies that running pods ask for and that their node does not meet, by name of the node: whose loss
// matters. Pods that no gate was asked about, such as static ones, are not among them.
using PoliciesAtStake = std::map<std::string, std::set<std::string>, std::less<>>;
void add_to(PoliciesAtStake& at_stake, const std::vector<UnprovenPod>& pods);

// A pod of a list that cannot be read.
UnprovenPod unreadable_pod(const Error& error);

// Those of `pods` that are sensitive and whose node does not meet every Deny policy that they ask for at
// `now`, and those whose marker nobody acts on, wherever they run. `snapshot` must be complete.
std::vector<UnprovenPod> sweep(std::span<const RunningPod> pods, const Snapshot& snapshot, UnixTime now);

// One page of a LIST of pods: what runs of it.
struct PodPage {
  std::vector<RunningPod> running;
  std::vector<Error> unreadable;  // one for each pod that cannot be read
  std::string next;               // token of the next page; empty: this was the last
};
// What such a list is asked for: bound pods that are not finished.
inline constexpr const char* kRunningPodsPath =
    "/api/v1/pods?fieldSelector=spec.nodeName%21%3D%2Cstatus.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed";
Result<PodPage> parse_pod_page(const attest::JsonValue& list);
// Likewise of one node.
std::string running_pods_path(const std::string& node);
// Nothing when it waits for a node or is finished.
Result<std::optional<RunningPod>> parse_running_pod(const attest::JsonValue& object);

struct UnprovenCounts {
  std::map<UnprovenReason, std::size_t> by_reason;          // every reason
  std::map<std::string, std::size_t, std::less<>> by_node;  // without those that could not be read
  bool operator==(const UnprovenCounts&) const = default;

  UnprovenCounts();  // nothing yet
  void add(const std::vector<UnprovenPod>& pods);
  std::size_t total() const;
  std::size_t on_node(std::string_view name) const;
};

}  // namespace nodeproof::webhook
