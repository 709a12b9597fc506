#include "webhook/unproven_events.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/fake_cluster_api.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::HasSubstr;

const UnixTime kNow = from_unix(1'787'616'000);
const EventLimiter::Time kStart{};

UnprovenPod pod(const std::string& name, const std::string& code = "evidence-age") {
  return {"vault",
          name,
          name + "-uid",
          "cvm-1",
          UnprovenReason::kUnmet,
          "confidential",
          {"confidential"},
          {code, "the proof is 9 m old", "look at the agent", Seconds(540)}};
}

TEST(UnprovenEvent, SaysWhatIsWrongWithTheNodeAndWhatToDo) {
  const auto event = unproven_event(pod("api"), kNow);
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->warning);
  EXPECT_EQ(event->reason, "NodeUnproven");
  EXPECT_EQ(event->about.kind, "Pod");
  EXPECT_EQ(event->about.ns, "vault");
  EXPECT_EQ(event->about.uid, "api-uid");
  for (const char* part :
       {"vault/api", "cvm-1", "confidential", "evidence-age", "9 m old", "look at the agent"})
    EXPECT_THAT(event->note, HasSubstr(part));
}

TEST(UnprovenEvent, IsOnlyOfWhatTheNodeLacks) {
  for (const UnprovenReason reason : kUnprovenReasons) {
    UnprovenPod other = pod("api");
    other.reason = reason;
    EXPECT_EQ(unproven_event(other, kNow).has_value(), reason == UnprovenReason::kUnmet) << to_string(reason);
  }
}

class Telling : public ::testing::Test {
 protected:
  // How many Events a sweep that finds these pods brings, `later` than the one before.
  std::size_t sweep(const std::vector<UnprovenPod>& pods, Seconds later = std::chrono::minutes(5)) {
    time_ += later;
    events_.begin();
    events_.tell(pods, kNow + std::chrono::floor<Seconds>(time_ - kStart), time_);
    events_.finish();
    const std::size_t before = api_.calls.size();
    writer_.write();
    return api_.calls.size() - before;
  }

  testing::FakeClusterApi api_;
  EventWriter writer_{api_};
  UnprovenEvents events_{writer_};
  EventLimiter::Time time_ = kStart;
};

TEST_F(Telling, OnceForWhatGoesOn) {
  EXPECT_EQ(sweep({pod("api"), pod("job")}), 2U);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(sweep({pod("api"), pod("job")}), 0U) << i;
}

TEST_F(Telling, AnewWhenSomethingElseIsWrong) {
  EXPECT_EQ(sweep({pod("api")}), 1U);
  EXPECT_EQ(sweep({pod("api", "event-log-replay")}), 1U);
}

TEST_F(Telling, AnewWhenItWasGoodMeanwhile) {
  EXPECT_EQ(sweep({pod("api")}), 1U);
  EXPECT_EQ(sweep({}), 0U);
  EXPECT_EQ(sweep({pod("api")}, kSameReason), 1U);
}

TEST_F(Telling, ACrowdIsToldBySeveralSweeps) {
  std::vector<UnprovenPod> crowd;
  for (int i = 0; i < 70; ++i) crowd.push_back(pod("api-" + std::to_string(i)));
  EXPECT_EQ(sweep(crowd), 50U);
  EXPECT_EQ(sweep(crowd), 20U);
  EXPECT_EQ(sweep(crowd), 0U);
}

TEST_F(Telling, ASweepThatWasCutShortForgetsNothing) {
  EXPECT_EQ(sweep({pod("api"), pod("job")}), 2U);
  events_.begin();
  events_.tell({pod("api")}, kNow, time_);
  EXPECT_EQ(sweep({pod("api"), pod("job")}), 0U);
}

// The API server keeps an Event for an hour, under a name that every leader gives it.
TEST_F(Telling, ASuccessorTellsNothingTwice) {
  EXPECT_EQ(sweep({pod("api")}), 1U);
  EventWriter other(api_);
  UnprovenEvents successor(other);
  successor.begin();
  successor.tell({pod("api")}, kNow, time_);
  other.write();
  EXPECT_EQ(other.counts().repeated, 1U);
}

TEST_F(Telling, BeginsAnewAfterTheLeadWasLost) {
  EXPECT_EQ(sweep({pod("api")}), 1U);
  events_.forget();
  EXPECT_EQ(sweep({pod("api")}, kSameReason), 1U);
}

}  // namespace
}  // namespace nodeproof::webhook
