#include "webhook/placement_events.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"
#include "tests/unit/webhook/fake_cluster_api.hpp"
#include "webhook/event_writer.hpp"

namespace nodeproof::webhook {
namespace {

using testing::asks_for;
using testing::binding_request;
using testing::create_request;
using ::testing::HasSubstr;
using testing::kNow;
using testing::kPodUid;
using testing::pod;
using Verdict = EventLimiter::Verdict;

const PodEntry kMarked = entry_of(pod("demo", asks_for("confidential")));

std::optional<wire::Event> event_about(const wire::AdmissionRequest& request, const PodLookup& lookup,
                                       UnixTime now = kNow) {
  return placement_event(request, lookup, testing::decide_now(request, lookup), now);
}

TEST(PlacementEvent, SaysTheSameAsTheRefusal) {
  const auto request = binding_request("demo", "plain-1");
  const auto event = event_about(request, kMarked);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->note, testing::decide_now(request, kMarked).message);
  EXPECT_EQ(event->reason, "PlacementRefused");
  EXPECT_TRUE(event->warning);
  EXPECT_EQ(event->about.kind, "Pod");
  EXPECT_EQ(event->about.ns, "demo");
  EXPECT_EQ(event->about.name, "api");
  EXPECT_EQ(event->about.uid, kPodUid);
}

TEST(PlacementEvent, OfAPodThatNamesItsNode) {
  wire::AdmissionRequest request = create_request(pod("demo", asks_for("confidential"), "plain-1"));
  const auto event = event_about(request, PodAbsent{});
  ASSERT_TRUE(event);
  EXPECT_EQ(event->about.uid, kPodUid);
  EXPECT_THAT(event->note, HasSubstr("no-tpm"));
  request.pod->meta.name.clear();
  request.name.clear();
  EXPECT_FALSE(event_about(request, PodAbsent{})) << "there is no name to find it by";
}

TEST(PlacementEvent, NothingForWhatPlacesNothing) {
  EXPECT_FALSE(event_about(binding_request("demo", "cvm-1"), kMarked)) << "allowed";
  wire::AdmissionRequest dry = binding_request("demo", "plain-1");
  dry.dry_run = true;
  EXPECT_FALSE(event_about(dry, kMarked)) << "a dry run has no side effects";
  EXPECT_FALSE(event_about(create_request(pod("demo", asks_for("nope"))), PodAbsent{}))
      << "told to who creates it";
  const wire::Pod marked = pod("demo", asks_for("confidential"));
  EXPECT_FALSE(event_about(testing::update_request(marked, pod("demo", {})), PodAbsent{}));
  PodEntry other = kMarked;
  other.uid = "another";
  EXPECT_FALSE(event_about(binding_request("demo", "plain-1"), other))
      << "the pod of that name is not at fault";
}

TEST(PlacementEvent, OfAPodThatCouldNotBeRead) {
  wire::AdmissionRequest request = binding_request("demo", "cvm-1");
  const auto event = event_about(request, PodUnavailable{"no answer in time"});
  ASSERT_TRUE(event);
  EXPECT_EQ(event->about.uid, kPodUid);
  request.binding->meta.uid.clear();
  EXPECT_EQ(event_about(request, PodUnavailable{"no answer"})->about.uid, "");
}

// What a Warn or DryRun policy let pass is told in the same words.
TEST(PlacementEvent, OfWhatAPolicyOnlyWarnsOf) {
  const PodEntry warned = entry_of(pod("warned", {}));
  const auto event = event_about(binding_request("warned", "cvm-1"), warned);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->reason, "PlacementUnproven");
  EXPECT_TRUE(event->warning);
  EXPECT_EQ(
      event->note,
      "pod warned/api may be placed on node cvm-1 unproven: policy warn is not met because of policy: the "
      "node's processor is a Milan, which the policy does not accept (evidence 0s old); remedy: use a node "
      "pool whose processors the policy's sevSnp.products names");
  EXPECT_TRUE(event->occasion.starts_with("policy/"));
  wire::AdmissionRequest dry = binding_request("warned", "cvm-1");
  dry.dry_run = true;
  EXPECT_FALSE(event_about(dry, warned)) << "a dry run has no side effects";
  EXPECT_TRUE(event_about(create_request(pod("warned", {}, "cvm-1")), PodAbsent{}));
  EXPECT_FALSE(event_about(create_request(pod("warned", {})), PodAbsent{})) << "it is placed nowhere yet";
}

TEST(PlacementEvent, OfADryRunPolicyIsNoWarning) {
  const auto event =
      event_about(binding_request("demo", "cvm-1"), entry_of(pod("demo", asks_for("dry-run"))));
  ASSERT_TRUE(event);
  EXPECT_FALSE(event->warning);
  EXPECT_EQ(event->reason, "PlacementUnproven");
}

TEST(PlacementEvent, OfTwoPoliciesTheOneThatWarnsIsTold) {
  const auto event =
      event_about(binding_request("warned", "cvm-1"), entry_of(pod("warned", asks_for("dry-run"))));
  ASSERT_TRUE(event);
  EXPECT_TRUE(event->warning);
  EXPECT_THAT(event->note, HasSubstr("policy warn is not met"));
}

TEST(PlacementEvent, ARefusalIsToldInsteadOfWhatWasTolerated) {
  const auto request = binding_request("warned", "cvm-1");
  const PodEntry both = entry_of(pod("warned", asks_for("genoa")));
  EXPECT_FALSE(testing::decide_now(request, both).tolerated);
  EXPECT_EQ(event_about(request, both)->reason, "PlacementRefused");
}

// Replicas that refuse the same in the same minutes give the Event one name.
TEST(PlacementEvent, IsTheSameOccasionForEveryReplica) {
  const auto request = binding_request("demo", "plain-1");
  const UnixTime begin = kNow - Seconds(to_unix(kNow) % kSameReason.count());
  const auto first = event_about(request, kMarked, begin);
  EXPECT_EQ(first->occasion, event_about(request, kMarked, begin + kSameReason - Seconds(1))->occasion);
  EXPECT_NE(first->occasion, event_about(request, kMarked, begin + kSameReason)->occasion);
}

const EventLimiter::Time kStart{std::chrono::hours(1)};

wire::Event event_of(const std::string& uid, const std::string& reason) {
  return {{"Pod", "demo", "api", uid}, true, "PlacementRefused", "a sentence", reason + "/7"};
}

TEST(EventLimiter, TellsTheSameReasonOnceInTenMinutes) {
  EventLimiter limiter;
  EXPECT_EQ(limiter.judge(event_of("u", "no-tpm"), kStart), Verdict::kWrite);
  EXPECT_EQ(limiter.judge(event_of("u", "no-tpm"), kStart), Verdict::kRepeated);
  EXPECT_EQ(limiter.judge(event_of("u", "no-tpm"), kStart + Seconds(599)), Verdict::kRepeated);
  EXPECT_EQ(limiter.judge(event_of("u", "no-tpm"), kStart + Seconds(600)), Verdict::kWrite);
}

TEST(EventLimiter, TellsAnotherReasonOnceAMinute) {
  EventLimiter limiter;
  EXPECT_EQ(limiter.judge(event_of("u", "no-tpm"), kStart), Verdict::kWrite);
  EXPECT_EQ(limiter.judge(event_of("u", "evidence-age"), kStart + Seconds(59)), Verdict::kRepeated);
  EXPECT_EQ(limiter.judge(event_of("u", "evidence-age"), kStart + Seconds(60)), Verdict::kWrite);
  EXPECT_EQ(limiter.judge(event_of("v", "no-tpm"), kStart), Verdict::kWrite) << "another pod";
}

TEST(EventLimiter, AllPodsTogetherAreHeldToARate) {
  EventLimiter limiter;
  int next = 0;
  const auto written = [&](int events, EventLimiter::Time now) {
    int out = 0;
    for (int i = 0; i < events; ++i)
      out += limiter.judge(event_of(std::to_string(next++), "no-tpm"), now) == Verdict::kWrite ? 1 : 0;
    return out;
  };
  EXPECT_EQ(written(200, kStart), 50);
  EXPECT_EQ(written(200, kStart + Seconds(2)), 10);
  EXPECT_EQ(written(200, kStart + std::chrono::hours(1)), 50) << "the bucket holds no more";
}

// A thread may be late with its time: that neither fills nor empties the bucket.
TEST(EventLimiter, ATimeBeforeTheLastChangesNothing) {
  EventLimiter limiter;
  EXPECT_EQ(limiter.judge(event_of("u", "no-tpm"), kStart), Verdict::kWrite);
  EXPECT_EQ(limiter.judge(event_of("v", "no-tpm"), kStart - Seconds(60)), Verdict::kWrite);
}

// What was held back is told when there is room again.
TEST(EventLimiter, WhatIsDroppedIsNotRemembered) {
  EventLimiter limiter;
  for (int i = 0; i < 50; ++i) limiter.judge(event_of(std::to_string(i), "no-tpm"), kStart);
  EXPECT_EQ(limiter.judge(event_of("late", "no-tpm"), kStart), Verdict::kTooMany);
  EXPECT_EQ(limiter.judge(event_of("late", "no-tpm"), kStart + Seconds(1)), Verdict::kWrite);
}

// 4,096 pods in ten minutes are more than the rate lets through, so that the bound stands behind it.
TEST(EventLimiter, RemembersABoundedNumberOfPods) {
  static_assert(EventLimiter::kMaxPods > 50 + 5 * kSameReason.count());
  EventLimiter limiter;
  for (std::size_t i = 0; i < 3 * EventLimiter::kMaxPods; ++i) {
    const auto now = kStart + i * std::chrono::milliseconds(200);
    EXPECT_EQ(limiter.judge(event_of(std::to_string(i), "no-tpm"), now), Verdict::kWrite);
    ASSERT_LE(limiter.remembered(), EventLimiter::kMaxPods);
  }
}

class PlacementEventWriter : public ::testing::Test {
 protected:
  void offer(const std::string& uid) { writer_.offer(event_of(uid, "no-tpm"), kNow, kStart); }

  testing::FakeClusterApi api_;
  EventWriter writer_{api_};
};

TEST_F(PlacementEventWriter, WritesWhatWasOffered) {
  offer("u");
  offer("u");
  EXPECT_TRUE(api_.calls.empty()) << "not on the path of the request";
  writer_.write();
  ASSERT_EQ(api_.calls.size(), 1U);
  EXPECT_EQ(api_.calls[0].first, "create /api/v1/namespaces/demo/events");
  EXPECT_EQ(writer_.counts().written, 1U);
  EXPECT_EQ(writer_.counts().repeated, 1U);
  writer_.write();
  EXPECT_EQ(api_.calls.size(), 1U);
}

TEST_F(PlacementEventWriter, AnEventThatAnotherReplicaWroteIsARepetition) {
  EventWriter other(api_);
  offer("u");
  other.offer(event_of("u", "no-tpm"), kNow, kStart);
  writer_.write();
  other.write();
  EXPECT_EQ(writer_.counts().written, 1U);
  EXPECT_EQ(other.counts().written, 0U);
  EXPECT_EQ(other.counts().repeated, 1U);
  EXPECT_EQ(other.counts().failed, 0U);
}

TEST_F(PlacementEventWriter, AnErrorIsCountedAndTheNextIsTried) {
  api_.before = [](const std::string&) { throw kube::ApiError(403, "Forbidden", "no"); };
  offer("u");
  offer("v");
  writer_.write();
  EXPECT_EQ(writer_.counts().failed, 2U);
}

TEST_F(PlacementEventWriter, TheRestWaitsWhileTheApiServerDoesNotAnswer) {
  int asked = 0;
  api_.before = [&asked](const std::string&) {
    ++asked;
    throw kube::ApiError(0, "Unreachable", "no answer");
  };
  offer("u");
  offer("v");
  writer_.write();
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(writer_.counts().failed, 1U);
  api_.before = nullptr;
  writer_.write();
  EXPECT_EQ(writer_.counts().written, 1U);
}

TEST_F(PlacementEventWriter, TheQueueIsBounded) {
  for (std::size_t i = 0; i < EventWriter::kMaxWaiting + 10; ++i)
    writer_.offer(event_of(std::to_string(i), "no-tpm"), kNow, kStart + Seconds(i));
  EXPECT_EQ(writer_.counts().dropped, 10U);
  writer_.write();
  EXPECT_EQ(writer_.counts().written, EventWriter::kMaxWaiting);
}

// Every change of a node is news, but the same one again is not.
TEST(EventLimiter, OfNodesEachReasonHasItsOwnRate) {
  EventLimiter limiter(EventsAbout::kNodes);
  const EventLimiter::Time start{};
  const auto judge = [&](const std::string& reason, const std::string& code, int seconds) {
    return limiter.judge({{"Node", "", "n", "u"}, true, reason, "", code + "/x"},
                         start + std::chrono::seconds(seconds));
  };
  EXPECT_EQ(judge("AttestationVerified", "", 0), Verdict::kWrite);
  EXPECT_EQ(judge("AttestationFailed", "vm-id", 1), Verdict::kWrite);
  EXPECT_EQ(judge("AttestationFailed", "quote-signature", 2), Verdict::kWrite);
  EXPECT_EQ(judge("AttestationVerified", "", 3), Verdict::kRepeated);
  EXPECT_EQ(judge("AttestationFailed", "vm-id", 599), Verdict::kRepeated);
  EXPECT_EQ(judge("AttestationFailed", "vm-id", 601), Verdict::kWrite);
}

}  // namespace
}  // namespace nodeproof::webhook
