// The decision about one pod, for one node or for all, taken apart. Pure: what decides is webhook::decide
// itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "webhook/decide.hpp"

namespace nodeproof::cli {

// One policy that the pod must meet, and what one node has to say to it.
struct PolicyAnswer {
  std::string policy;
  attest::EnforcementAction action = attest::EnforcementAction::kDeny;
  Seconds max_age{};                    // the policy's, or less when the pod asks for it
  std::optional<webhook::Unmet> unmet;  // nothing when met
};

struct NodeAnswer {
  std::string node;
  webhook::AdmissionDecision decision;  // as of a Binding of the pod to this node
  std::vector<PolicyAnswer> policies;   // empty when the pod is refused whatever the node
  std::optional<Seconds> age;           // of the node's verified evidence
};

struct Explanation {
  std::string pod;   // "demo/api"
  std::string note;  // why nodeproof would not be asked, or has nothing to say; empty when it decides by node
  webhook::AdmissionDecision decision;  // as of the creation of the pod, without a node
  std::string remedy;                   // when that is a refusal
  std::vector<NodeAnswer> nodes;        // empty when the node does not matter

  // On at least one of the nodes; or at all, when the node does not matter.
  bool allowed() const;
};

// `pod`: with name and namespace. `node` empty: the one that the pod names, else every node of the snapshot.
Explanation explain(const wire::Pod& pod, const std::string& node, const webhook::Snapshot& snapshot,
                    UnixTime now);

}  // namespace nodeproof::cli
