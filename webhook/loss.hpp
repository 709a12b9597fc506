// When a node loses its proof (DESIGN 8): what its loss is, when it is due to have a consequence, and which.
// Pure; the brake (brake.hpp) has the last word.
//
// Consequences are for pods: a policy counts on a node only while a sweep finds pods there that ask for it.
// Silence and contradiction are different losses with a grace of their own.
#pragma once

#include <span>
#include <tuple>

#include "webhook/brake.hpp"
#include "webhook/sweep.hpp"

namespace nodeproof::webhook {

enum class LossKind {
  kRefuted,   // the node is Failed: its evidence contradicts
  kUnmet,     // a fresh proof that says something else than the policy asks for
  kSilent,    // no proof, or an old one; also what is a matter of lists and dates rather than of the node
  kDisputed,  // two Nodes claim one identity: this alone never has a consequence
};

struct Loss {
  LossKind kind = LossKind::kSilent;
  UnixTime since;    // when it was first seen to be of this kind
  std::string code;  // the finding
};

// Whether and how `node` does not meet `policy` at `now`; `since` is `now`.
std::optional<Loss> loss_of(const NodeEntry& node, const attest::AppraisalPolicy& policy,
                            const Snapshot& snapshot, UnixTime now);
// Likewise its phase alone, by the shortest maxEvidenceAge. A node that has nothing to prove with, or has
// published nothing yet, has lost nothing.
std::optional<Loss> loss_of_phase(const NodeEntry& node, const Snapshot& snapshot, UnixTime now);

struct LossSettings {
  bool taint_unverified = false;  // put nodeproof.dev/unverified on nodes that lost their proof
  bool dry_run = false;           // tell what would be done, do nothing
  bool operator==(const LossSettings&) const = default;
};

struct LossKey {
  std::string node_uid;
  std::string policy;  // empty: of the phase
  bool operator<(const LossKey& other) const {
    return std::tie(node_uid, policy) < std::tie(other.node_uid, other.policy);
  }
};
// Of all nodes and the policies whose loss has a consequence, and of phases where they have one.
using Losses = std::map<LossKey, Loss>;

// A loss that is in `before` and still of the same kind keeps its beginning.
Losses observe(const Losses& before, const Snapshot& snapshot, const LossSettings& settings, UnixTime now);

// When a loss for this policy is due to have a consequence; nothing: never.
std::optional<UnixTime> due_time(const Loss& loss, const attest::AppraisalPolicy& policy);

// A taint of ours, by name and UID of the Node.
struct TaintRemoval {
  std::string node;
  std::string node_uid;
  wire::Taint taint;
};

// What is due on one node, before its pods and the brake were asked.
struct Reaction {
  std::string node;
  std::string node_uid;
  bool unverified_taint = false;        // is to be put
  std::vector<std::string> failed_for;  // policies that ask for the taint nodeproof.dev/failed
  std::vector<std::string> evict_for;   // policies whose pods are to be evicted
  std::string code;                     // the finding of the first
};

struct LossPlan {
  std::vector<TaintRemoval> removals;  // of what does not hold any more; the brake stops none
  std::vector<Reaction> due;           // in the order of the nodes
  std::set<std::string> exposed;       // UIDs of nodes whose reaction is due or nearly so
  std::size_t provable = 0;            // nodes that could prove themselves
  std::optional<UnixTime> newest_due;  // of all losses: what a sweep must have seen
};

// `began`: when the first leader ever took up. Nothing is put and nobody evicted for a policy before one full
// maxEvidenceAge of it has passed since.
LossPlan plan_losses(const Snapshot& snapshot, const Losses& losses, const PoliciesAtStake& at_stake,
                     const LossSettings& settings, UnixTime began, UnixTime now);

// Why the brake must engage before anything is done, or nothing: the nodes of the ledger and those of the
// plan together are more than may lose their pods within an hour. Half of the grace tells how many fail at
// once.
std::optional<std::string> too_many(const LossPlan& plan, const BrakeState& state, const BrakeLimits& limits);

// What was tried with a pod before.
struct Attempt {
  UnixTime first;        // when its eviction was first asked for
  UnixTime next;         // not before
  bool settled = false;  // nothing more is to be done about it
};
using Attempts = std::map<std::string, Attempt, std::less<>>;  // by UID of the pod

enum class PodVerb { kEvict, kDelete };
std::string_view to_string(PodVerb verb);  // "evict", "delete"

struct PodAction {
  PodVerb verb = PodVerb::kEvict;
  bool counted = false;  // in the ledger, by an earlier attempt
  std::string ns;
  std::string name;
  std::string uid;
  std::string policy;  // for whose sake
};

struct NodeActions {
  bool unverified_taint = false;
  bool failed_taint = false;
  std::vector<PodAction> pods;
  std::uint64_t charge = 0;  // pods that are to be entered in the ledger
  bool nothing() const { return !unverified_taint && !failed_taint && pods.empty(); }
};

// What `due` comes to, given what runs on that node now. A taint of NoExecute counts as the eviction of all
// that runs there but static pods.
NodeActions actions_on(const Reaction& due, std::span<const RunningPod> running, const Snapshot& snapshot,
                       const Attempts& attempts, UnixTime now);

// Leaves out what would take more than `evictions_left`. False when something was left out.
bool fit(NodeActions& actions, std::uint64_t evictions_left);

}  // namespace nodeproof::webhook
