// Nodes that lost their proof, policies that answer it, and the pods that run there, for tests of losses.
#pragma once

#include "tests/unit/webhook/cluster_picture.hpp"
#include "webhook/loss.hpp"

namespace nodeproof::webhook::testing {

inline const wire::Taint kUnverifiedTaint{"nodeproof.dev/unverified", "NoSchedule"};
inline const wire::Taint kFailedTaint{"nodeproof.dev/failed", "NoExecute"};

inline std::shared_ptr<const NodeTrust> trust_of(wire::Phase phase, const std::string& code) {
  NodeTrust out;
  out.phase = phase;
  out.code = code;
  out.detail = "for a test";
  return std::make_shared<const NodeTrust>(std::move(out));
}
inline std::shared_ptr<const NodeTrust> failed_trust() {
  return trust_of(wire::Phase::kFailed, "quote-signature");
}
inline std::shared_ptr<const NodeTrust> silent_trust() {
  return trust_of(wire::Phase::kPending, "boot-changed");
}

// "node-7" has UID "uid-7".
inline NodeMap::Entry lost_node(int number, std::shared_ptr<const NodeTrust> trust,
                                std::vector<wire::Taint> taints = {}) {
  NodeEntry out;
  out.name = "node-" + std::to_string(number);
  out.identity = attest::BootIdentity{"uid-" + std::to_string(number), {}};
  out.trust = std::move(trust);
  out.taints = std::move(taints);
  return std::make_shared<const NodeEntry>(std::move(out));
}

// Grace 2 minutes, 30 of silence.
inline attest::AppraisalPolicy answering(bool taint, bool evict) {
  attest::AppraisalPolicy out = policy("confidential");
  out.on_loss.taint = taint;
  out.on_loss.evict = evict;
  out.on_loss.stale_grace_period = Seconds(1800);
  return out;
}

inline Snapshot cluster_of(const std::vector<NodeMap::Entry>& nodes,
                           const std::vector<attest::AppraisalPolicy>& policies) {
  Snapshot out;
  NodeMap map;
  for (const NodeMap::Entry& node : nodes) map.put(node);
  out.nodes = std::make_shared<const NodeMap>(std::move(map));
  PolicyMap by_name;
  for (const auto& item : policies) by_name.emplace(item.name, item);
  out.policies = std::make_shared<const PolicyMap>(std::move(by_name));
  out.namespaces = std::make_shared<const NamespaceMap>(
      NamespaceMap{{"demo", {"annotated-pods", {}}},
                   {"opened", {"annotated-pods", {}, BreakGlass{.reason = "incident"}}}});
  out.complete = true;
  return out;
}

inline RunningPod running_pod(const std::string& name, const std::string& node, bool sensitive = true) {
  RunningPod out;
  out.pod = {"demo", name, "uid-of-" + name, node, sensitive ? asks_for("confidential") : Markers()};
  return out;
}

inline PoliciesAtStake at_stake_on(const Snapshot& snapshot) {
  PoliciesAtStake out;
  for (const NodeMap::Entry& node : *snapshot.nodes) {
    for (const auto& [name, policy] : *snapshot.policies) out[node->name].insert(name);
  }
  return out;
}

}  // namespace nodeproof::webhook::testing
