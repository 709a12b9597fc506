#include "webhook/loss_keeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/fake_cluster_api.hpp"
#include "tests/unit/webhook/lost_nodes.hpp"

namespace nodeproof::webhook {
namespace {

using testing::answering;
using testing::at_stake_on;
using testing::cluster_of;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::failed_trust;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNow;
using testing::lost_node;
using ::testing::Not;
using testing::verified_trust;

constexpr Seconds kGrace{120};
const std::string kSystem = "/api/v1/namespaces/nodeproof-system/configmaps";
const std::string kBrake = kSystem + "/nodeproof-brake";

std::string pods_json(const std::vector<std::string>& names, const std::string& node) {
  std::string items;
  for (const std::string& name : names) {
    items += (items.empty() ? "" : ",") + std::string(R"({"metadata":{"name":")") + name +
             R"(","namespace":"demo","uid":"uid-of-)" + name +
             R"(","annotations":{"nodeproof.dev/policy":"confidential"}},"spec":{"nodeName":")" + node +
             R"("},"status":{"phase":"Running"}})";
  }
  return R"({"metadata":{},"items":[)" + items + "]}";
}

class LossKeeping : public ::testing::Test {
 protected:
  LossKeeping() {
    web::json::value epoch;
    epoch["metadata"]["creationTimestamp"] =
        web::json::value::string(to_rfc3339(kNow - std::chrono::hours(24)));
    api_.store(kSystem + "/nodeproof-epoch", epoch);
  }
  // `failed` of `nodes` nodes, each with these pods.
  void nodes(int failed, int nodes, const std::vector<std::string>& pods = {"api"}) {
    std::vector<NodeMap::Entry> entries;
    for (int i = 0; i < nodes; ++i) {
      entries.push_back(lost_node(i, i < failed ? failed_trust() : verified_trust()));
      const std::string name = "node-" + std::to_string(i);
      std::vector<std::string> own;
      for (const std::string& pod : pods) own.push_back(pod + "-" + std::to_string(i));
      api_.objects[running_pods_path(name) + "&limit=100"] = pods_json(own, name);
      api_.objects["/api/v1/nodes/" + name] = R"({"metadata":{"name":")" + name + R"(","uid":"uid-)" +
                                              std::to_string(i) + R"("},"spec":{"taints":[]}})";
    }
    snapshot_ = cluster_of(entries, {policy_});
  }
  void pass(LossKeeper& keeper, Seconds after) {
    api_.calls.clear();
    keeper.pass(snapshot_, at_stake_on(snapshot_), kNow + after, [this] { return leading_; });
  }
  void pass(Seconds after) { pass(keeper_, after); }
  // What was called but for Events and the ledger: "evict api-0", "delete api-0", "taint node-0".
  std::vector<std::string> done() const {
    std::vector<std::string> out;
    for (const auto& [call, body] : api_.calls) {
      if (call.ends_with("/eviction"))
        out.push_back("evict " + call.substr(call.find("/pods/") + 6).substr(0, 5));
      if (call.starts_with("remove ")) out.push_back("delete " + call.substr(call.rfind('/') + 1));
      if (call.starts_with("json-patch ")) out.push_back("taint " + call.substr(call.rfind('/') + 1));
    }
    return out;
  }
  std::vector<std::string> reasons() const {
    std::vector<std::string> out;
    for (const auto& [call, body] : api_.calls) {
      if (call.ends_with("/events")) out.push_back(web::json::value::parse(body)["reason"].as_string());
    }
    return out;
  }
  std::uint64_t counted(const std::string& action, const std::string& result) const {
    return keeper_.report().actions.at({action, result});
  }
  void refuse_evictions(int status) {
    api_.before = [status](const std::string& call) {
      if (call.ends_with("/eviction")) throw kube::ApiError(status, "TooManyRequests", "the budget says no");
    };
  }

  testing::FakeClusterApi api_;
  attest::AppraisalPolicy policy_ = answering(false, true);
  LossSettings settings_;
  BrakeLimits limits_;
  Snapshot snapshot_;
  bool leading_ = true;
  LossKeeper keeper_{api_, "nodeproof-system", settings_, limits_};
};

TEST_F(LossKeeping, EvictsOnceTheGraceIsOver) {
  nodes(1, 20);
  pass(Seconds(0));
  EXPECT_THAT(done(), IsEmpty());
  pass(kGrace - Seconds(1));
  EXPECT_THAT(done(), IsEmpty());
  pass(kGrace);
  EXPECT_THAT(done(), ElementsAre("evict api-0"));
  EXPECT_THAT(reasons(), ElementsAre("Evicted"));
  EXPECT_EQ(counted("evict", "done"), 1U);
  pass(kGrace + Seconds(60));
  EXPECT_THAT(done(), IsEmpty()) << "once";
}

TEST_F(LossKeeping, TheEvictionNamesThePodByItsUid) {
  nodes(1, 20);
  pass(Seconds(0));
  pass(kGrace);
  for (const auto& [call, body] : api_.calls) {
    if (call.ends_with("/eviction")) {
      EXPECT_THAT(body, HasSubstr(R"("preconditions":{"uid":"uid-of-api-0"})"));
      EXPECT_THAT(body, HasSubstr(R"("apiVersion":"policy/v1")"));
    }
  }
}

// What is done stands in the ledger first, whatever becomes of it.
TEST_F(LossKeeping, EntersTheLedgerBeforeItActs) {
  nodes(1, 20);
  pass(Seconds(0));
  EXPECT_FALSE(api_.objects.contains(kBrake)) << "nothing to enter";
  api_.before = [this](const std::string& call) {
    if (!call.ends_with("/eviction")) return;
    EXPECT_THAT(api_.objects[kBrake], HasSubstr("uid-0"));
    throw kube::ApiError(0, "Unreachable", "gone");
  };
  EXPECT_THROW(pass(kGrace), kube::ApiError);
  EXPECT_THAT(api_.objects[kBrake], HasSubstr("uid-0"));
}

TEST_F(LossKeeping, AnotherLeadersLedgerStopsThePass) {
  nodes(1, 20);
  pass(Seconds(0));
  api_.store(kBrake, web::json::value::parse(wire::brake_config_map({}, "nodeproof-system")));
  api_.before = [this](const std::string& call) {
    if (call.starts_with("replace")) api_.store(kBrake, web::json::value::parse(api_.objects[kBrake]));
  };
  EXPECT_THROW(pass(kGrace), kube::ApiError);
  EXPECT_THAT(done(), IsEmpty());
  api_.before = nullptr;
  pass(kGrace);
  EXPECT_THAT(done(), ElementsAre("evict api-0"));
}

TEST_F(LossKeeping, FiftyNodesAtOnceEngageTheBrakeAndNobodyIsEvicted) {
  nodes(50, 50);
  pass(Seconds(0));
  pass(kGrace);
  EXPECT_THAT(done(), IsEmpty());
  EXPECT_THAT(reasons(), ElementsAre("BrakeEngaged"));
  EXPECT_EQ(keeper_.report().engaged, true);
  pass(kGrace + Seconds(5));
  EXPECT_THAT(api_.calls, IsEmpty()) << "told once";
}

TEST_F(LossKeeping, ABrakeOutlivesItsLeaderAndEndsWithItsObject) {
  nodes(50, 50);
  pass(Seconds(0));
  pass(kGrace);
  nodes(1, 50);  // the rest is proven again; the brake stays
  LossKeeper successor(api_, "nodeproof-system", settings_, limits_);
  pass(successor, kGrace);
  EXPECT_EQ(successor.report().engaged, true);
  EXPECT_EQ(reasons(), std::vector<std::string>{"BrakeEngaged"})
      << "refused as a second one by a real API server";
  pass(successor, 3 * kGrace);
  EXPECT_THAT(done(), IsEmpty());
  api_.objects.erase(kBrake);
  pass(successor, 3 * kGrace);
  EXPECT_EQ(successor.report().engaged, false);
  EXPECT_THAT(done(), ElementsAre("evict api-0"));
}

TEST_F(LossKeeping, ALedgerThatCannotBeReadIsAnEngagedBrake) {
  nodes(1, 20);
  api_.store(kBrake, web::json::value::parse(R"({"metadata":{},"data":{"engagedAt":"soon"}})"));
  pass(Seconds(0));
  EXPECT_EQ(keeper_.report().engaged, true);
  pass(kGrace);
  EXPECT_THAT(done(), IsEmpty());
  EXPECT_THAT(api_.objects[kBrake], HasSubstr("soon")) << "left for a person to look at";
}

TEST_F(LossKeeping, ATooLongListOfPodsIsCutAtTheLimit) {
  LossKeeper keeper(api_, "nodeproof-system", settings_, {.evictions_per_hour = 2});
  nodes(1, 20, {"one", "two", "six"});
  pass(keeper, Seconds(0));
  pass(keeper, kGrace);
  EXPECT_THAT(done(), ElementsAre("evict one-0", "evict two-0"));
  EXPECT_THAT(reasons(), Contains("BrakeEngaged"));
  EXPECT_EQ(keeper.report().engaged, true);
}

// Without it nobody knows how long there has been a leader.
TEST_F(LossKeeping, DoesNothingWhereNobodyEverLed) {
  nodes(1, 20);
  api_.objects.erase(kSystem + "/nodeproof-epoch");
  pass(Seconds(0));
  pass(kGrace);
  EXPECT_THAT(api_.calls, IsEmpty());
}

TEST_F(LossKeeping, WhatABudgetHoldsIsToldOnceAndTriedAgain) {
  nodes(1, 20);
  refuse_evictions(429);
  pass(Seconds(0));
  pass(kGrace);
  EXPECT_THAT(reasons(), ElementsAre("EvictionBlocked"));
  EXPECT_EQ(counted("evict", "blocked"), 1U);
  pass(kGrace + Seconds(9));
  EXPECT_EQ(counted("evict", "blocked"), 1U) << "not yet";
  pass(kGrace + Seconds(10));
  EXPECT_EQ(counted("evict", "blocked"), 2U);
  EXPECT_THAT(reasons(), IsEmpty());
  api_.before = nullptr;
  pass(kGrace + Seconds(20));
  EXPECT_THAT(done(), ElementsAre("evict api-0"));
}

TEST_F(LossKeeping, DeletesAtTheDeadlineThatThePolicyNames) {
  policy_.on_loss.delete_after = Seconds(60);
  nodes(1, 20);
  refuse_evictions(429);
  pass(Seconds(0));
  pass(kGrace);
  pass(kGrace + Seconds(59));
  EXPECT_THAT(done(), IsEmpty());
  pass(kGrace + Seconds(70));
  EXPECT_THAT(done(), ElementsAre("delete api-0"));
  EXPECT_THAT(reasons(), ElementsAre("Deleted"));
}

TEST_F(LossKeeping, APodThatIsGoneIsNoFailure) {
  nodes(1, 20);
  refuse_evictions(404);
  pass(Seconds(0));
  pass(kGrace);
  EXPECT_EQ(counted("evict", "done"), 1U);
}

TEST_F(LossKeeping, WithoutTheRightItSaysSoAndGoesOn) {
  nodes(2, 50);
  refuse_evictions(403);
  pass(Seconds(0));
  pass(kGrace);
  EXPECT_THAT(reasons(), ElementsAre("EvictionFailed", "EvictionFailed"));
  EXPECT_EQ(counted("evict", "failed"), 2U);
}

TEST_F(LossKeeping, ADryRunTellsAndDoesNothing) {
  policy_ = answering(true, true);
  LossKeeper keeper(api_, "nodeproof-system", {.dry_run = true}, limits_);
  nodes(1, 20);
  pass(keeper, Seconds(0));
  pass(keeper, kGrace);
  EXPECT_THAT(done(), IsEmpty());
  EXPECT_THAT(reasons(), ElementsAre("WouldEvict", "WouldTaint"));
  EXPECT_EQ(keeper.report().actions.at({"evict", "dry-run"}), 1U);
  EXPECT_EQ(keeper.report().actions.at({"taint", "dry-run"}), 1U);
  pass(keeper, kGrace + Seconds(60));
  EXPECT_THAT(api_.calls, IsEmpty()) << "told once";
  nodes(50, 50);
  pass(keeper, kGrace + Seconds(65));
  pass(keeper, 2 * kGrace + Seconds(65));
  EXPECT_EQ(keeper.report().engaged, true) << "the brake can be tried out";
}

TEST_F(LossKeeping, TaintsAFailedNode) {
  policy_ = answering(true, false);
  nodes(1, 20);
  pass(Seconds(0));
  pass(kGrace);
  EXPECT_THAT(done(), ElementsAre("taint node-0"));
  EXPECT_THAT(reasons(), ElementsAre("Tainted"));
  EXPECT_EQ(counted("taint", "done"), 1U);
}

TEST_F(LossKeeping, TakesATaintOffEvenUnderTheBrake) {
  nodes(0, 1);
  snapshot_ = cluster_of({lost_node(0, verified_trust(), {testing::kUnverifiedTaint})}, {policy_});
  api_.objects["/api/v1/nodes/node-0"] =
      R"({"metadata":{"name":"node-0","uid":"uid-0"},"spec":{"taints":[{"key":"nodeproof.dev/unverified","effect":"NoSchedule"}]}})";
  BrakeState state;
  engage(state, "a person looks", kNow);
  api_.store(kBrake, web::json::value::parse(wire::brake_config_map(state, "nodeproof-system")));
  pass(Seconds(0));
  EXPECT_THAT(done(), ElementsAre("taint node-0"));
  EXPECT_EQ(counted("untaint", "done"), 1U);
}

TEST_F(LossKeeping, ATaintIsTriedAgainWhenTheNodeChangedMeanwhile) {
  policy_ = answering(true, false);
  nodes(1, 20);
  int conflicts = 2;
  api_.before = [&conflicts](const std::string& call) {
    if (call.starts_with("json-patch") && conflicts-- > 0)
      throw kube::ApiError(422, "Invalid", "the test failed");
  };
  pass(Seconds(0));
  pass(kGrace);
  EXPECT_EQ(counted("taint", "done"), 1U);
  EXPECT_EQ(counted("taint", "failed"), 0U);
}

TEST_F(LossKeeping, DoesNothingOnceTheLeadIsLost) {
  nodes(1, 20);
  pass(Seconds(0));
  leading_ = false;
  pass(kGrace);
  EXPECT_THAT(done(), IsEmpty());
  leading_ = true;
  keeper_.forget();
  EXPECT_EQ(keeper_.report().engaged, std::nullopt);
  pass(kGrace);
  EXPECT_THAT(done(), IsEmpty()) << "its grace begins anew";
}

TEST_F(LossKeeping, AsksForASweepOnceSomethingIsDue) {
  nodes(1, 20);
  pass(Seconds(0));
  EXPECT_EQ(keeper_.sweep_after(), std::nullopt);
  pass(kGrace);
  EXPECT_EQ(keeper_.sweep_after(), kNow + kGrace);
}

}  // namespace
}  // namespace nodeproof::webhook
