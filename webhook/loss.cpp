#include "webhook/loss.hpp"

#include <algorithm>

namespace nodeproof::webhook {
namespace {

using attest::AppraisalPolicy;
using attest::Check;
using attest::EnforcementAction;
using wire::Phase;

const wire::Taint kUnverified{std::string(wire::kUnverifiedTaint), "NoSchedule"};
const wire::Taint kFailed{std::string(wire::kFailedTaint), "NoExecute"};

bool has_taint(const NodeEntry& node, const wire::Taint& taint) {
  return std::find(node.taints->begin(), node.taints->end(), taint) != node.taints->end();
}

bool reacts(const AppraisalPolicy& policy) {
  return policy.enforcement_action == EnforcementAction::kDeny &&
         (policy.on_loss.taint || policy.on_loss.evict);
}

LossKind kind_of_failure(const NodeTrust& trust) {
  return trust.code == attest::name_of(Check::kDuplicateIdentity) ? LossKind::kDisputed : LossKind::kRefuted;
}

// Of a node whose pair verified: only what a fresh proof says against it is its own loss.
LossKind kind_of_unmet(const NodeEntry& node, const Unmet& unmet, const Snapshot& snapshot) {
  if (unmet.code == attest::name_of(Check::kDuplicateIdentity)) return LossKind::kDisputed;
  if (unmet.code == attest::name_of(Check::kEvidenceAge)) return LossKind::kSilent;
  if (unmet.code == attest::name_of(Check::kCertificateChain)) return LossKind::kSilent;
  if (unmet.code == attest::name_of(Check::kNodeInventory)) {
    const attest::Finding identity = snapshot.inventory->judge(node.name, *node.trust->claims);
    return identity.outcome == attest::Outcome::kFailed ? LossKind::kUnmet : LossKind::kSilent;
  }
  return LossKind::kUnmet;
}

// Half of its grace is over: what is due soon, too, tells how many fail at once.
bool is_near(UnixTime since, UnixTime due, UnixTime now) {
  return now >= since + (due - since) / 2;
}

// One policy's view of one node.
struct Case {
  const NodeEntry* node;
  const AppraisalPolicy* policy;
  const Loss* loss;
  UnixTime due;
};

std::optional<Case> case_of(const NodeEntry& node, const AppraisalPolicy& policy, const Losses& losses) {
  const auto loss = losses.find({node.uid(), policy.name});
  if (loss == losses.end()) return std::nullopt;
  const auto due = due_time(loss->second, policy);
  if (!due) return std::nullopt;
  return Case{&node, &policy, &loss->second, *due};
}

// Of the phase: at once when it is Failed or Stale, else when it lasts.
std::optional<UnixTime> phase_due(const Losses& losses, const NodeEntry& node, Seconds patience) {
  const auto loss = losses.find({node.uid(), {}});
  if (loss == losses.end() || loss->second.kind == LossKind::kDisputed) return std::nullopt;
  const bool at_once =
      loss->second.kind == LossKind::kRefuted || loss->second.code == attest::name_of(Check::kEvidenceAge);
  return at_once ? loss->second.since : loss->second.since + patience;
}

// NoExecute is for nodes that cannot be relied on at all, not for one policy's wishes.
bool wants_failed_taint(const Case& found) {
  return found.policy->on_loss.taint && found.loss->kind != LossKind::kUnmet &&
         !has_taint(*found.node, kFailed);
}

void add_policy(const Case& found, Reaction& to) {
  if (to.code.empty()) to.code = found.loss->code;
  if (wants_failed_taint(found)) to.failed_for.push_back(found.policy->name);
  if (found.policy->on_loss.evict) to.evict_for.push_back(found.policy->name);
}

// The taint stays while any policy that asks for it is not met in a way that could have set it.
bool keeps_failed_taint(const NodeEntry& node, const Snapshot& snapshot, UnixTime now) {
  return std::any_of(snapshot.policies->begin(), snapshot.policies->end(), [&](const auto& item) {
    if (!item.second || !reacts(*item.second) || !item.second->on_loss.taint) return false;
    const auto loss = loss_of(node, *item.second, snapshot, now);
    return loss && loss->kind != LossKind::kUnmet;
  });
}

bool is_verified(const NodeEntry& node, Seconds max_age, UnixTime now) {
  return node.trust && phase_at(*node.trust, max_age, now) == Phase::kVerified;
}

// What is due on one node; each adds to the node's reaction and to the plan. Borrows.
struct Planner {
  const Snapshot& snapshot;
  const Losses& losses;
  const PoliciesAtStake& at_stake;
  UnixTime began;
  UnixTime now;
  Seconds max_age;  // the shortest

  void add_removals(const NodeEntry& node, LossPlan& out) const {
    if (has_taint(node, kUnverified) && is_verified(node, max_age, now))
      out.removals.push_back({node.name, node.uid(), kUnverified});
    if (has_taint(node, kFailed) && !keeps_failed_taint(node, snapshot, now))
      out.removals.push_back({node.name, node.uid(), kFailed});
  }

  void add_phase(const NodeEntry& node, Reaction& reaction, LossPlan& out) const {
    if (has_taint(node, kUnverified) || now < began + max_age) return;
    const auto due = phase_due(losses, node, max_age);
    if (!due || *due > now) return;
    reaction.unverified_taint = true;
    reaction.code = losses.at({node.uid(), {}}).code;
    out.exposed.insert(node.uid());
  }

  void add_policies(const NodeEntry& node, Reaction& reaction, LossPlan& out) const {
    const auto staked = at_stake.find(node.name);
    for (const auto& [name, policy] : *snapshot.policies) {
      if (!policy || !reacts(*policy) || now < began + policy->max_evidence_age) continue;
      const auto found = case_of(node, *policy, losses);
      if (!found) continue;
      if (found->due <= now) out.newest_due = std::max(found->due, out.newest_due.value_or(found->due));
      if (staked == at_stake.end() || !staked->second.contains(name)) continue;
      if (!policy->on_loss.evict && !wants_failed_taint(*found)) continue;
      if (is_near(found->loss->since, found->due, now)) out.exposed.insert(node.uid());
      if (found->due <= now) add_policy(*found, reaction);
    }
  }
};

std::string first_common(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const auto found = std::find_first_of(a.begin(), a.end(), b.begin(), b.end());
  return found == a.end() ? std::string() : *found;
}

std::optional<PodVerb> verb_for(const Attempts& attempts, const UnprovenPod& pod,
                                const AppraisalPolicy& policy, UnixTime now) {
  const auto tried = attempts.find(pod.uid);
  if (tried == attempts.end()) return PodVerb::kEvict;
  if (tried->second.settled || now < tried->second.next) return std::nullopt;
  const auto& limit = policy.on_loss.delete_after;
  return limit && now >= tried->second.first + *limit ? PodVerb::kDelete : PodVerb::kEvict;
}

std::uint64_t uncounted(const std::vector<PodAction>& pods) {
  return static_cast<std::uint64_t>(
      std::count_if(pods.begin(), pods.end(), [](const PodAction& pod) { return !pod.counted; }));
}

// Static pods are their kubelet's; the API can end none.
std::uint64_t ended_by_taint(std::span<const RunningPod> running, const Attempts& attempts) {
  return static_cast<std::uint64_t>(std::count_if(running.begin(), running.end(), [&](const RunningPod& pod) {
    return !pod.mirror && !attempts.contains(pod.pod.uid);
  }));
}

}  // namespace

std::optional<Loss> loss_of(const NodeEntry& node, const AppraisalPolicy& policy, const Snapshot& snapshot,
                            UnixTime now) {
  const auto unmet = evaluate({&policy, policy.max_evidence_age, snapshot.inventory.get()}, &node, now);
  if (!unmet) return std::nullopt;
  LossKind kind = LossKind::kSilent;
  if (node.trust && node.trust->phase == Phase::kFailed) kind = kind_of_failure(*node.trust);
  if (node.trust && node.trust->phase == Phase::kVerified) kind = kind_of_unmet(node, *unmet, snapshot);
  return Loss{kind, now, unmet->code};
}

std::optional<Loss> loss_of_phase(const NodeEntry& node, const Snapshot& snapshot, UnixTime now) {
  if (!node.trust || node.trust->code == kNoEvidence) return std::nullopt;
  switch (phase_at(*node.trust, shortest_max_age(*snapshot.policies), now)) {
    case Phase::kVerified:
    case Phase::kUnsupported:
      return std::nullopt;
    case Phase::kFailed:
      return Loss{kind_of_failure(*node.trust), now, node.trust->code};
    case Phase::kStale:
      return Loss{LossKind::kSilent, now, std::string(attest::name_of(Check::kEvidenceAge))};
    case Phase::kPending:
      return Loss{LossKind::kSilent, now, node.trust->code};
  }
  return std::nullopt;
}

Losses observe(const Losses& before, const Snapshot& snapshot, const LossSettings& settings, UnixTime now) {
  Losses out;
  const auto note = [&](LossKey key, std::optional<Loss> loss) {
    if (!loss) return;
    const auto known = before.find(key);
    if (known != before.end() && known->second.kind == loss->kind)
      loss->since = std::min(known->second.since, now);
    out.emplace(std::move(key), *std::move(loss));
  };
  for (const NodeMap::Entry& node : *snapshot.nodes) {
    for (const auto& [name, policy] : *snapshot.policies) {
      if (policy && reacts(*policy)) note({node->uid(), name}, loss_of(*node, *policy, snapshot, now));
    }
    if (settings.taint_unverified) note({node->uid(), {}}, loss_of_phase(*node, snapshot, now));
  }
  return out;
}

std::optional<UnixTime> due_time(const Loss& loss, const AppraisalPolicy& policy) {
  switch (loss.kind) {
    case LossKind::kRefuted:
    case LossKind::kUnmet:
      return loss.since + policy.on_loss.grace_period;
    case LossKind::kSilent:
      if (!policy.on_loss.stale_grace_period) return std::nullopt;
      return loss.since + *policy.on_loss.stale_grace_period;
    case LossKind::kDisputed:
      return std::nullopt;
  }
  return std::nullopt;
}

LossPlan plan_losses(const Snapshot& snapshot, const Losses& losses, const PoliciesAtStake& at_stake,
                     const LossSettings& settings, UnixTime began, UnixTime now) {
  const Planner planner{snapshot, losses, at_stake, began, now, shortest_max_age(*snapshot.policies)};
  LossPlan out;
  for (const NodeMap::Entry& node : *snapshot.nodes) {
    if (!node->trust || node->trust->phase != Phase::kUnsupported) ++out.provable;
    planner.add_removals(*node, out);
    Reaction reaction{node->name, node->uid(), false, {}, {}, {}};
    if (settings.taint_unverified) planner.add_phase(*node, reaction, out);
    planner.add_policies(*node, reaction, out);
    if (reaction.unverified_taint || !reaction.failed_for.empty() || !reaction.evict_for.empty())
      out.due.push_back(std::move(reaction));
  }
  return out;
}

std::optional<std::string> too_many(const LossPlan& plan, const BrakeState& state,
                                    const BrakeLimits& limits) {
  if (plan.exposed.empty()) return std::nullopt;
  std::set<std::string> nodes = plan.exposed;
  for (const auto& [uid, at] : state.nodes) nodes.insert(uid);
  const std::size_t allowed = nodes_allowed(limits, plan.provable);
  if (nodes.size() <= allowed) return std::nullopt;
  return std::to_string(nodes.size()) + " nodes lost their proof within an hour, and maxNodesFraction lets " +
         std::to_string(allowed) + " of " + std::to_string(plan.provable) + " lose pods for it";
}

std::string_view to_string(PodVerb verb) {
  return verb == PodVerb::kEvict ? "evict" : "delete";
}

NodeActions actions_on(const Reaction& due, std::span<const RunningPod> running, const Snapshot& snapshot,
                       const Attempts& attempts, UnixTime now) {
  NodeActions out;
  out.unverified_taint = due.unverified_taint;
  for (const UnprovenPod& pod : sweep(running, snapshot, now)) {
    if (pod.reason != UnprovenReason::kUnmet || pod.node != due.node) continue;
    if (!first_common(pod.unmet_policies, due.failed_for).empty()) out.failed_taint = true;
    const std::string policy = first_common(pod.unmet_policies, due.evict_for);
    if (policy.empty()) continue;
    const auto verb = verb_for(attempts, pod, *snapshot.policies->find(policy)->second, now);
    if (!verb) continue;
    out.pods.push_back({*verb, attempts.contains(pod.uid), pod.ns, pod.name, pod.uid, policy});
  }
  out.charge = out.failed_taint ? ended_by_taint(running, attempts) : uncounted(out.pods);
  return out;
}

bool fit(NodeActions& actions, std::uint64_t evictions_left) {
  if (actions.charge <= evictions_left) return true;
  actions.failed_taint = false;  // it can be put or not, and nothing in between
  std::uint64_t left = evictions_left;
  std::erase_if(actions.pods, [&left](const PodAction& pod) {
    if (pod.counted) return false;
    if (left == 0) return true;
    --left;
    return false;
  });
  actions.charge = uncounted(actions.pods);
  return false;
}

}  // namespace nodeproof::webhook
