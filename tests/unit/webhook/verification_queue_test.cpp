#include "webhook/verification_queue.hpp"

#include <gtest/gtest.h>

namespace nodeproof::webhook {
namespace {

using Time = VerificationQueue::Time;
constexpr auto kInterval = VerificationQueue::kInterval;
const Time kStart = Time() + std::chrono::hours(1);

TEST(VerificationQueue, HoldsEachNameOnce) {
  VerificationQueue queue;
  EXPECT_EQ(queue.due(), std::nullopt);
  queue.push("a");
  queue.push("a");
  queue.push("b");
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(queue.pop(kStart), "a");
  EXPECT_EQ(queue.pop(kStart), "b");
  EXPECT_EQ(queue.pop(kStart), std::nullopt);
  EXPECT_TRUE(queue.empty());
}

TEST(VerificationQueue, DelaysANodeThatHasHadItsBurst) {
  VerificationQueue queue;
  for (int i = 0; i < VerificationQueue::kBurst; ++i) {
    queue.push("busy");
    ASSERT_EQ(queue.pop(kStart), "busy") << i;
  }
  queue.push("busy");
  EXPECT_EQ(queue.pop(kStart), std::nullopt);
  EXPECT_EQ(queue.due(), kStart + kInterval);
  queue.push("calm");
  EXPECT_EQ(queue.pop(kStart), "calm") << "others are not held up";
  EXPECT_EQ(queue.pop(kStart + kInterval), "busy") << "delayed, not dropped";

  queue.push("busy");
  EXPECT_EQ(queue.due(), kStart + 2 * kInterval) << "then one per interval";
}

TEST(VerificationQueue, RemembersABusyNodeAmongManyThatRested) {
  VerificationQueue queue;
  const auto judge = [&queue](const std::string& name, Time now) {
    queue.push(name);
    return queue.pop(now).has_value();
  };
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(judge("rested-" + std::to_string(i), kStart));
  const Time later = kStart + kInterval;
  for (int i = 0; i < VerificationQueue::kBurst; ++i) ASSERT_TRUE(judge("busy", later)) << i;
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(judge("other-" + std::to_string(i), later));
  EXPECT_FALSE(judge("busy", later));
  EXPECT_EQ(queue.due(), later + kInterval);
}

TEST(VerificationQueue, RestoresTheBurstWithTime) {
  VerificationQueue queue;
  const auto burst_at = [&queue](Time now) {
    int taken = 0;
    for (queue.push("a"); queue.pop(now); queue.push("a")) ++taken;
    queue.forget("a");
    return taken;
  };
  EXPECT_EQ(burst_at(kStart), VerificationQueue::kBurst);
  for (int i = 0; i < VerificationQueue::kBurst; ++i) {
    queue.push("b");
    queue.pop(kStart);
  }
  queue.push("b");
  EXPECT_EQ(queue.pop(kStart + kInterval * VerificationQueue::kBurst), "b");
  queue.push("b");
  EXPECT_EQ(queue.pop(kStart + kInterval * VerificationQueue::kBurst), "b");
}

TEST(VerificationQueue, ForgetsNodesThatAreGone) {
  VerificationQueue queue;
  for (int i = 0; i < VerificationQueue::kBurst; ++i) {
    queue.push("a");
    queue.pop(kStart);
  }
  queue.push("a");
  queue.forget("a");
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.due(), std::nullopt);
  queue.push("a");
  EXPECT_EQ(queue.pop(kStart), "a") << "a new node with an old name starts anew";
}

}  // namespace
}  // namespace nodeproof::webhook
