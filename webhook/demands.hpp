// What a pod asks of its node: the namespace's floor and its own policy, and whether a node meets
// them. Pure.
#pragma once

#include <variant>
#include <vector>

#include "webhook/messages.hpp"
#include "webhook/snapshot.hpp"

namespace nodeproof::webhook {

// One policy that must be met. Borrows from the snapshot.
struct Demand {
  const attest::AppraisalPolicy* policy;
  Seconds max_age;  // the policy's, or less when the pod asks for it
  const Inventory* inventory;
};

// Why a request is refused before any node is looked at. `reason` is a short stable word.
struct Refusal {
  std::string reason;
  std::string what;
  std::string remedy;
};

// Empty: the pod is not sensitive. A sensitive pod has at least one demand.
using Demands = std::vector<Demand>;

// `ns`: null when the namespace is not known. A namespace that is not enrolled in this view is
// refused: the API server asks only about enrolled ones, so the view is behind.
std::variant<Demands, Refusal> demands_of(const PodEntry& pod, const NamespaceEntry* ns,
                                          const Snapshot& snapshot);

// Nothing when met. `node`: null when there is no such Node.
std::optional<Unmet> evaluate(const Demand& demand, const NodeEntry* node, UnixTime now);

using Markers = std::map<std::string, std::string>;
// What `now` removes or loosens of `before`, as a clause; nothing when it is equal or tighter.
std::optional<std::string> loosened(const Markers& before, const Markers& now);

}  // namespace nodeproof::webhook
