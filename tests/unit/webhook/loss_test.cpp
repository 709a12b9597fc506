#include "webhook/loss.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/webhook/lost_nodes.hpp"

namespace nodeproof::webhook {
namespace {

using testing::answering;
using testing::at_stake_on;
using testing::cluster_of;
using ::testing::ElementsAre;
using testing::failed_trust;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNow;
using testing::lost_node;
using ::testing::Optional;
using testing::running_pod;
using testing::silent_trust;
using ::testing::SizeIs;
using testing::trust_of;
using testing::verified_trust;
using wire::Phase;

constexpr Seconds kGrace{120};
constexpr Seconds kStaleGrace{1800};
const UnixTime kLongAgo = kNow - std::chrono::hours(24);

std::string kind_of(const std::optional<Loss>& loss) {
  if (!loss) return "none";
  switch (loss->kind) {
    case LossKind::kRefuted:
      return "refuted";
    case LossKind::kUnmet:
      return "unmet";
    case LossKind::kSilent:
      return "silent";
    case LossKind::kDisputed:
      return "disputed";
  }
  return "?";
}

attest::AppraisalPolicy met_by_none() {
  attest::AppraisalPolicy out = answering(true, true);
  out.products = {attest::Product::kGenoa};
  return out;
}

attest::AppraisalPolicy by_inventory() {
  attest::AppraisalPolicy out = answering(true, true);
  out.node_identity = attest::NodeIdentity::kInventory;
  return out;
}

// Silence, and what is not the node's doing, is never taken for a contradiction.
TEST(Loss, IsToldByItsKind) {
  const struct {
    const char* what;
    std::shared_ptr<const NodeTrust> trust;
    attest::AppraisalPolicy policy;
    Seconds after;
    const char* kind;
  } cases[] = {
      {"proven", verified_trust(), answering(true, true), Seconds(0), "none"},
      {"a contradiction", failed_trust(), answering(true, true), Seconds(0), "refuted"},
      {"another policy's wish", verified_trust(), met_by_none(), Seconds(0), "unmet"},
      {"old", verified_trust(), answering(true, true), Seconds(3600), "silent"},
      {"old, and another policy's wish", verified_trust(), met_by_none(), Seconds(3600), "silent"},
      {"a new boot", silent_trust(), answering(true, true), Seconds(0), "silent"},
      {"nothing to prove with", trust_of(Phase::kUnsupported, "no-tpm"), answering(true, true), Seconds(0),
       "silent"},
      {"not judged yet", nullptr, answering(true, true), Seconds(0), "silent"},
      {"two Nodes of one identity", trust_of(Phase::kFailed, "duplicate-identity"), answering(true, true),
       Seconds(0), "disputed"},
      {"the inventory is silent about it", verified_trust(), by_inventory(), Seconds(0), "silent"},
  };
  for (const auto& item : cases) {
    const Snapshot snapshot = cluster_of({lost_node(1, item.trust)}, {item.policy});
    EXPECT_EQ(kind_of(loss_of(snapshot.nodes->at("node-1"), item.policy, snapshot, kNow + item.after)),
              item.kind)
        << item.what;
  }
}

TEST(Loss, AnotherVmThanTheInventoryNamesIsTheNodesOwn) {
  Snapshot snapshot = cluster_of({lost_node(1, verified_trust())}, {by_inventory()});
  Inventory inventory;
  inventory.put("pool", wire::NodeInventory{"pool", {{"node-1", "00000000-0000-4000-8000-000000000000"}}});
  snapshot.inventory = std::make_shared<const Inventory>(std::move(inventory));
  EXPECT_EQ(kind_of(loss_of(snapshot.nodes->at("node-1"), by_inventory(), snapshot, kNow)), "unmet");
}

TEST(Loss, OfThePhaseNeedsSomethingThatCanBeLost) {
  const struct {
    const char* what;
    std::shared_ptr<const NodeTrust> trust;
    Seconds after;
    const char* kind;
  } cases[] = {
      {"proven", verified_trust(), Seconds(0), "none"},
      {"old", verified_trust(), Seconds(3600), "silent"},
      {"a contradiction", failed_trust(), Seconds(0), "refuted"},
      {"pending", silent_trust(), Seconds(0), "silent"},
      {"disputed", trust_of(Phase::kFailed, "duplicate-identity"), Seconds(0), "disputed"},
      {"nothing to prove with", trust_of(Phase::kUnsupported, "no-tpm"), Seconds(0), "none"},
      {"nothing published yet", trust_of(Phase::kPending, "no-evidence"), Seconds(0), "none"},
      {"not judged yet", nullptr, Seconds(0), "none"},
  };
  for (const auto& item : cases) {
    const Snapshot snapshot = cluster_of({lost_node(1, item.trust)}, {answering(true, true)});
    EXPECT_EQ(kind_of(loss_of_phase(snapshot.nodes->at("node-1"), snapshot, kNow + item.after)), item.kind)
        << item.what;
  }
}

TEST(Loss, KeepsItsBeginningWhileItIsOfOneKind) {
  const auto seen = [](const Losses& before, std::shared_ptr<const NodeTrust> trust, Seconds after) {
    return observe(before, cluster_of({lost_node(1, std::move(trust))}, {answering(true, true)}), {},
                   kNow + after);
  };
  const LossKey key{"uid-1", "confidential"};
  Losses losses = seen({}, failed_trust(), Seconds(0));
  losses = seen(losses, trust_of(Phase::kFailed, "pcr-digest"), Seconds(60));
  EXPECT_EQ(losses.at(key).since, kNow) << "another finding of one kind";
  EXPECT_EQ(losses.at(key).code, "pcr-digest");
  losses = seen(losses, silent_trust(), Seconds(61));
  EXPECT_EQ(losses.at(key).since, kNow + Seconds(61)) << "silence has a grace of its own";
  losses = seen(losses, verified_trust(), Seconds(62));
  EXPECT_THAT(losses, IsEmpty());
  losses = seen(losses, failed_trust(), Seconds(63));
  EXPECT_EQ(losses.at(key).since, kNow + Seconds(63)) << "lost anew";
  losses = seen(losses, failed_trust(), Seconds(10));
  EXPECT_EQ(losses.at(key).since, kNow + Seconds(10)) << "a clock that was put back";
}

TEST(Loss, IsForgottenWithItsNode) {
  const Losses losses =
      observe({}, cluster_of({lost_node(1, failed_trust())}, {answering(true, true)}), {}, kNow);
  ASSERT_THAT(losses, SizeIs(1));
  EXPECT_THAT(
      observe(losses, cluster_of({lost_node(2, verified_trust())}, {answering(true, true)}), {}, kNow),
      IsEmpty());
}

TEST(Loss, IsNotFollowedWhereNothingCanFollow) {
  attest::AppraisalPolicy warns = answering(true, true);
  warns.enforcement_action = attest::EnforcementAction::kWarn;
  for (const attest::AppraisalPolicy& policy : {answering(false, false), warns}) {
    EXPECT_THAT(observe({}, cluster_of({lost_node(1, failed_trust())}, {policy}), {}, kNow), IsEmpty());
  }
}

// What is due of one failed or silent node, in words: "taint evict unverified".
struct Scene {
  std::shared_ptr<const NodeTrust> trust = failed_trust();
  attest::AppraisalPolicy policy = answering(true, true);
  std::vector<wire::Taint> taints = {};
  LossSettings settings = {};
  Seconds lost_for = kGrace;
  UnixTime began = kLongAgo;
  bool staked = true;

  LossPlan plan() const {
    const Snapshot snapshot = cluster_of({lost_node(1, trust, taints)}, {policy});
    const UnixTime seen = kNow + extra();
    const Losses losses = observe({}, snapshot, settings, seen);
    const Losses later = observe(losses, snapshot, settings, seen + lost_for);
    return plan_losses(snapshot, later, staked ? at_stake_on(snapshot) : PoliciesAtStake(), settings, began,
                       seen + lost_for);
  }
  // A verified node is made old.
  Seconds extra() const { return trust->phase == Phase::kVerified ? Seconds(3600) : Seconds(0); }
  std::string due() const {
    std::string out;
    for (const Reaction& item : plan().due) {
      if (!item.failed_for.empty()) out += "taint ";
      if (!item.evict_for.empty()) out += "evict ";
      if (item.unverified_taint) out += "unverified ";
    }
    return out;
  }
};

TEST(LossPlan, HoldsWhatIsDue) {
  attest::AppraisalPolicy no_stale = answering(true, true);
  no_stale.on_loss.stale_grace_period.reset();
  const LossSettings asked{.taint_unverified = true};
  const struct {
    const char* what;
    Scene scene;
    const char* due;
  } cases[] = {
      {"both", {}, "taint evict "},
      {"within the grace", {.lost_for = kGrace - Seconds(1)}, ""},
      {"taint alone", {.policy = answering(true, false)}, "taint "},
      {"evict alone", {.policy = answering(false, true)}, "evict "},
      {"report alone", {.policy = answering(false, false)}, ""},
      {"tainted already", {.taints = {testing::kFailedTaint}}, "evict "},
      {"the key with another effect", {.taints = {{"nodeproof.dev/failed", "NoSchedule"}}}, "taint evict "},
      {"no pod asks for the policy there", {.staked = false}, ""},
      {"silent, after the grace of a contradiction", {.trust = silent_trust()}, ""},
      {"silent, after its own grace", {.trust = silent_trust(), .lost_for = kStaleGrace}, "taint evict "},
      {"silent, no grace named", {.trust = silent_trust(), .policy = no_stale, .lost_for = kStaleGrace}, ""},
      {"failed, no grace of silence named", {.policy = no_stale}, "taint evict "},
      {"old for its own grace", {.trust = verified_trust(), .lost_for = kStaleGrace}, "taint evict "},
      {"another policy's wish", {.trust = verified_trust(), .policy = met_by_none(), .lost_for = kGrace}, ""},
      {"disputed", {.trust = trust_of(Phase::kFailed, "duplicate-identity"), .lost_for = kStaleGrace}, ""},
      {"disputed, unverified asked for",
       {.trust = trust_of(Phase::kFailed, "duplicate-identity"), .settings = asked, .lost_for = kStaleGrace},
       ""},
      {"unverified asked for", {.settings = asked}, "taint evict unverified "},
      {"unverified asked for, no policy answers",
       {.policy = answering(false, false), .settings = asked, .lost_for = Seconds(0)},
       "unverified "},
      {"unverified already", {.taints = {testing::kUnverifiedTaint}, .settings = asked}, "taint evict "},
      {"pending for a moment", {.trust = silent_trust(), .settings = asked, .lost_for = Seconds(599)}, ""},
      {"pending for long",
       {.trust = silent_trust(), .settings = asked, .lost_for = Seconds(600)},
       "unverified "},
      {"stale", {.trust = verified_trust(), .settings = asked, .lost_for = Seconds(0)}, "unverified "},
      {"the first maxEvidenceAge", {.settings = asked, .began = kNow + kGrace - Seconds(599)}, ""},
      {"the end of it",
       {.settings = asked, .began = kNow + kGrace - Seconds(600)},
       "taint evict unverified "},
  };
  for (const auto& item : cases) EXPECT_EQ(item.scene.due(), item.due) << item.what;
}

// A fresh proof that a policy does not like costs its pods their place, and the node nothing.
TEST(LossPlan, AWishOfOnePolicyNeverTaints) {
  const Snapshot snapshot = cluster_of({lost_node(1, verified_trust())}, {met_by_none()});
  const Losses losses = observe({}, snapshot, {}, kNow);
  const LossPlan plan = plan_losses(snapshot, losses, at_stake_on(snapshot), {}, kLongAgo, kNow + kGrace);
  ASSERT_THAT(plan.due, SizeIs(1));
  EXPECT_THAT(plan.due[0].failed_for, IsEmpty());
  EXPECT_THAT(plan.due[0].evict_for, ElementsAre("confidential"));
}

TEST(LossPlan, TakesOffWhatDoesNotHoldAnyMore) {
  const std::vector<wire::Taint> both{testing::kUnverifiedTaint, testing::kFailedTaint};
  const struct {
    const char* what;
    std::shared_ptr<const NodeTrust> trust;
    attest::AppraisalPolicy policy;
    const char* removed;
  } cases[] = {
      {"proven", verified_trust(), answering(true, false), "unverified failed "},
      {"proven, another policy's wish", verified_trust(), met_by_none(), "unverified failed "},
      {"failed", failed_trust(), answering(true, false), ""},
      {"failed, the policy asks for no taint any more", failed_trust(), answering(false, true), "failed "},
      {"booting", silent_trust(), answering(true, false), ""},
      {"disputed", trust_of(Phase::kFailed, "duplicate-identity"), answering(true, false), ""},
      {"nothing to prove with", trust_of(Phase::kUnsupported, "no-tpm"), answering(true, false), ""},
  };
  for (const auto& item : cases) {
    std::string removed;
    const Snapshot snapshot = cluster_of({lost_node(1, item.trust, both)}, {item.policy});
    for (const TaintRemoval& taint : plan_losses(snapshot, {}, {}, {}, kLongAgo, kNow).removals) {
      EXPECT_EQ(taint.node_uid, "uid-1");
      removed += taint.taint.key.substr(std::string("nodeproof.dev/").size()) + " ";
    }
    EXPECT_EQ(removed, item.removed) << item.what;
  }
}

TEST(LossPlan, LeavesOtherTaintsAlone) {
  const Snapshot snapshot = cluster_of(
      {lost_node(1, verified_trust(),
                 {{"nodeproof.dev/unverified", "NoExecute"}, {"nodeproof.dev/other", "NoSchedule"}})},
      {answering(true, true)});
  EXPECT_THAT(plan_losses(snapshot, {}, {}, {}, kLongAgo, kNow).removals, IsEmpty());
}

TEST(LossPlan, AsksForASweepThatSawTheNewestLoss) {
  const Snapshot snapshot =
      cluster_of({lost_node(1, failed_trust()), lost_node(2, failed_trust())}, {answering(true, true)});
  Losses losses = observe({}, snapshot, {}, kNow);
  losses.at({"uid-2", "confidential"}).since = kNow - Seconds(30);
  const auto newest = [&](Seconds after) {
    return plan_losses(snapshot, losses, {}, {}, kLongAgo, kNow + after).newest_due;
  };
  EXPECT_EQ(newest(Seconds(89)), std::nullopt);
  EXPECT_EQ(newest(Seconds(90)), kNow + Seconds(90));
  EXPECT_EQ(newest(Seconds(300)), kNow + Seconds(120));
}

Snapshot crowd(int failed, int proven) {
  std::vector<NodeMap::Entry> nodes;
  for (int i = 0; i < failed + proven; ++i)
    nodes.push_back(lost_node(i, i < failed ? failed_trust() : verified_trust()));
  nodes.push_back(lost_node(failed + proven, trust_of(Phase::kUnsupported, "no-tpm")));
  return cluster_of(nodes, {answering(true, true)});
}

std::optional<std::string> brake_on(int failed, int proven, Seconds after, const BrakeState& state = {}) {
  const Snapshot snapshot = crowd(failed, proven);
  const Losses losses = observe({}, snapshot, {}, kNow);
  return too_many(plan_losses(snapshot, losses, at_stake_on(snapshot), {}, kLongAgo, kNow + after), state,
                  {});
}

TEST(TooMany, CountsWhatFailsAtOnceBeforeAnythingIsDone) {
  EXPECT_EQ(brake_on(5, 45, kGrace), std::nullopt);
  EXPECT_THAT(brake_on(6, 44, kGrace), Optional(HasSubstr("6 nodes")));
  EXPECT_THAT(brake_on(50, 0, kGrace), Optional(HasSubstr("lets 5 of 50")));
  EXPECT_THAT(brake_on(50, 0, kGrace / 2), Optional(HasSubstr("50 nodes")))
      << "half of the grace is enough to tell";
  EXPECT_EQ(brake_on(50, 0, kGrace / 2 - Seconds(1)), std::nullopt);
  EXPECT_EQ(brake_on(1, 0, kGrace), std::nullopt) << "one node is always let";
  EXPECT_EQ(brake_on(0, 50, kGrace), std::nullopt);
}

TEST(TooMany, CountsTheLedgerToo) {
  BrakeState state;
  for (const char* uid : {"uid-0", "uid-1", "gone-1", "gone-2"}) state.nodes.emplace(uid, kNow);
  EXPECT_EQ(brake_on(3, 47, kGrace, state), std::nullopt) << "two of the three count already";
  EXPECT_THAT(brake_on(4, 46, kGrace, state), Optional(HasSubstr("6 nodes")));
  EXPECT_EQ(brake_on(0, 50, kGrace, state), std::nullopt) << "nothing more is asked for";
}

// Nodes that fail bit by bit, in any order, under leaders that know nothing but the ledger: no hour sees more
// than the allowed share lose anything, and once the brake is engaged nobody does.
TEST(LossProperty, NoHourSeesMoreThanTheAllowedShare) {
  constexpr int kNodes = 40;
  constexpr std::size_t kAllowed = 4;
  attest::AppraisalPolicy policy = answering(true, true);
  policy.on_loss.stale_grace_period.reset();
  std::size_t reacted = 0;
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    std::vector<bool> failed(kNodes);
    BrakeState state;
    std::map<std::string, UnixTime> done;
    Losses losses;
    UnixTime now = kNow;
    for (int step = 0; step < 40; ++step) {
      now += Seconds(random() % 600);
      if (random() % 4 == 0) failed[random() % kNodes] = true;
      if (random() % 40 == 0) failed.assign(kNodes, true);
      if (random() % 10 == 0) losses.clear();  // another leader
      std::vector<NodeMap::Entry> nodes;
      for (int i = 0; i < kNodes; ++i)
        nodes.push_back(lost_node(i, failed[static_cast<std::size_t>(i)] ? failed_trust() : silent_trust()));
      const Snapshot snapshot = cluster_of(nodes, {policy});
      losses = observe(losses, snapshot, {}, now);
      const LossPlan plan = plan_losses(snapshot, losses, at_stake_on(snapshot), {}, kLongAgo, now);
      forget_old(state, now);
      if (const auto reason = too_many(plan, state, {})) engage(state, *reason, now);
      for (const Reaction& due : plan.due) {
        if (enter(state, {}, kAllowed, due.node_uid, 1, now)) done[due.node_uid] = now;
      }
      const auto lately = std::count_if(done.begin(), done.end(), [&](const auto& item) {
        return item.second + std::chrono::hours(1) > now;
      });
      ASSERT_LE(static_cast<std::size_t>(lately), kAllowed) << "seed " << seed;
    }
    reacted += done.size();
  }
  EXPECT_GT(reacted, 60U) << "something was let";
}

std::string told(const NodeActions& actions) {
  std::string out = actions.failed_taint ? "taint " : "";
  for (const PodAction& pod : actions.pods) out += std::string(to_string(pod.verb)) + " " + pod.name + " ";
  return out + std::to_string(actions.charge);
}

class LossActions : public ::testing::Test {
 protected:
  std::string on(const std::vector<RunningPod>& pods, Seconds after = Seconds(0)) const {
    const Snapshot snapshot = cluster_of({lost_node(1, failed_trust())}, {policy_});
    return told(actions_on(due_, pods, snapshot, attempts_, kNow + after));
  }
  attest::AppraisalPolicy policy_ = answering(true, true);
  Attempts attempts_;
  Reaction due_{"node-1", "uid-1", false, {}, {"confidential"}, "quote-signature"};
};

TEST_F(LossActions, AreForPodsThatAskForThePolicy) {
  RunningPod mirror = running_pod("static", "node-1");
  mirror.mirror = true;
  RunningPod opened = running_pod("rescued", "node-1");
  opened.pod.ns = "opened";
  RunningPod foreign = running_pod("foreign", "node-1");
  foreign.pod.ns = "elsewhere";
  EXPECT_EQ(on({running_pod("api", "node-1")}), "evict api 1");
  EXPECT_EQ(on({running_pod("plain", "node-1", false)}), "0");
  EXPECT_EQ(on({mirror}), "0");
  EXPECT_EQ(on({opened}), "0") << "break-glass";
  EXPECT_EQ(on({foreign}), "0") << "not enrolled";
  EXPECT_EQ(on({running_pod("moved", "node-2")}), "0");
  EXPECT_EQ(on({}), "0");
}

TEST_F(LossActions, ATaintIsChargedForAllThatItEnds) {
  due_.failed_for = {"confidential"};
  RunningPod mirror = running_pod("static", "node-1", false);
  mirror.mirror = true;
  EXPECT_EQ(on({running_pod("api", "node-1"), running_pod("plain", "node-1", false), mirror}),
            "taint evict api 2");
  EXPECT_EQ(on({running_pod("plain", "node-1", false)}), "0") << "for nobody's sake";
}

TEST_F(LossActions, AreTriedAgainInTimeAndChargedOnce) {
  attempts_["uid-of-api"] = {kNow, kNow + Seconds(10), false};
  EXPECT_EQ(on({running_pod("api", "node-1")}, Seconds(9)), "0");
  EXPECT_EQ(on({running_pod("api", "node-1")}, Seconds(10)), "evict api 0");
  attempts_["uid-of-api"].settled = true;
  EXPECT_EQ(on({running_pod("api", "node-1")}, Seconds(10)), "0");
}

TEST_F(LossActions, DeletionWaitsForItsDeadlineAndForAPolicyThatNamesOne) {
  attempts_["uid-of-api"] = {kNow, kNow + Seconds(10), false};
  EXPECT_EQ(on({running_pod("api", "node-1")}, Seconds(100000)), "evict api 0") << "never";
  policy_.on_loss.delete_after = Seconds(60);
  EXPECT_EQ(on({running_pod("api", "node-1")}, Seconds(59)), "evict api 0");
  EXPECT_EQ(on({running_pod("api", "node-1")}, Seconds(60)), "delete api 0");
  EXPECT_EQ(on({running_pod("new", "node-1")}, Seconds(60)), "evict new 1") << "eviction comes first";
}

TEST(Fit, LeavesOutWhatIsTooMuch) {
  NodeActions all;
  all.failed_taint = true;
  all.pods = {{.counted = true, .name = "old"}, {.name = "a"}, {.name = "b"}, {.name = "c"}};
  all.charge = 9;
  NodeActions fits = all;
  EXPECT_TRUE(fit(fits, 9));
  EXPECT_EQ(told(fits), "taint evict old evict a evict b evict c 9");
  NodeActions cut = all;
  EXPECT_FALSE(fit(cut, 2));
  EXPECT_EQ(told(cut), "evict old evict a evict b 2");
  NodeActions none = all;
  EXPECT_FALSE(fit(none, 0));
  EXPECT_EQ(told(none), "evict old 0");
}

}  // namespace
}  // namespace nodeproof::webhook
