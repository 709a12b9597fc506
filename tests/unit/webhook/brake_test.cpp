#include "webhook/brake.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "tests/unit/webhook/forged_node.hpp"

namespace nodeproof::webhook {
namespace {

using testing::kNow;

constexpr Seconds kHour = std::chrono::hours(1);

TEST(Brake, LetsAShareOfTheNodes) {
  const struct {
    std::uint64_t percent;
    std::size_t nodes;
    std::size_t allowed;
  } cases[] = {{10, 100, 10}, {10, 59, 5}, {10, 9, 1}, {10, 0, 1}, {0, 100, 0}, {100, 3, 3}, {1, 5000, 50}};
  for (const auto& item : cases) {
    EXPECT_EQ(nodes_allowed({.nodes_percent = item.percent}, item.nodes), item.allowed)
        << item.percent << " % of " << item.nodes;
  }
}

TEST(Brake, LedgerForgetsAfterAnHourAndNotBefore) {
  BrakeState state;
  ASSERT_TRUE(enter(state, {}, 5, "a", 3, kNow));
  forget_old(state, kNow + kHour - Seconds(1));
  EXPECT_EQ(state.nodes.size(), 1U);
  EXPECT_EQ(state.evictions.size(), 1U);
  forget_old(state, kNow + kHour);
  EXPECT_TRUE(state.nodes.empty());
  forget_old(state, kNow + kHour + Seconds(60));
  EXPECT_TRUE(state.evictions.empty());
}

// A clock that was ahead: what it entered is no less done.
TEST(Brake, WhatLiesAheadCounts) {
  BrakeState state;
  ASSERT_TRUE(enter(state, {.evictions_per_hour = 3}, 5, "a", 3, kNow + 5 * kHour));
  forget_old(state, kNow);
  EXPECT_EQ(evictions_left(state, {.evictions_per_hour = 3}), 0U);
}

TEST(Brake, LetsNoMoreThanItsLimits) {
  const BrakeLimits limits{.evictions_per_hour = 10};
  BrakeState state;
  EXPECT_TRUE(enter(state, limits, 2, "a", 4, kNow));
  EXPECT_TRUE(enter(state, limits, 2, "b", 0, kNow));
  EXPECT_FALSE(enter(state, limits, 2, "c", 0, kNow)) << "a third node";
  EXPECT_FALSE(enter(state, limits, 2, "a", 7, kNow)) << "an eleventh pod";
  EXPECT_TRUE(enter(state, limits, 2, "a", 6, kNow)) << "a node that counts already, and the tenth pod";
  EXPECT_EQ(evictions_left(state, limits), 0U);
  EXPECT_FALSE(state.nodes.contains("c"));
}

TEST(Brake, LetsNothingOnceEngaged) {
  BrakeState state;
  engage(state, "a person looks", kNow);
  EXPECT_FALSE(enter(state, {}, 5, "a", 0, kNow));
  EXPECT_TRUE(state.nodes.empty());
  engage(state, "another reason", kNow + Seconds(1));
  EXPECT_EQ(state.reason, "a person looks");
  EXPECT_EQ(state.engaged, kNow);
}

TEST(Brake, LimitsThatWereLoweredLeaveNothing) {
  BrakeState state;
  ASSERT_TRUE(enter(state, {.evictions_per_hour = 10}, 5, "a", 10, kNow));
  EXPECT_EQ(evictions_left(state, {.evictions_per_hour = 4}), 0U);
}

struct Done {
  UnixTime at;
  std::string node;
  std::uint64_t evictions;
};

// In any hour that ends with `last`: distinct nodes and pods.
std::pair<std::size_t, std::uint64_t> within_an_hour(const std::vector<Done>& all, const Done& last) {
  std::set<std::string> nodes;
  std::uint64_t evictions = 0;
  for (const Done& done : all) {
    if (done.at > last.at || done.at + kHour <= last.at) continue;
    nodes.insert(done.node);
    evictions += done.evictions;
  }
  return {nodes.size(), evictions};
}

// Whatever is asked for, in whatever order, over leaders that only know the ledger.
TEST(BrakeProperty, NoHourSeesMoreThanIsAllowed) {
  const BrakeLimits limits{.evictions_per_hour = 20};
  constexpr std::size_t kAllowed = 4;
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&random](unsigned below) { return static_cast<unsigned>(random() % below); };
    BrakeState state;
    std::vector<Done> done;
    UnixTime now = kNow;
    for (int i = 0; i < 200; ++i) {
      now += Seconds(pick(900));
      forget_old(state, now);
      const std::string node = "node-" + std::to_string(pick(12));
      const std::uint64_t evictions = pick(9);
      if (enter(state, limits, kAllowed, node, evictions, now)) done.push_back({now, node, evictions});
    }
    ASSERT_GT(done.size(), 10U) << "the ledger lets something";
    for (const Done& last : done) {
      const auto [nodes, evictions] = within_an_hour(done, last);
      ASSERT_LE(nodes, kAllowed) << "seed " << seed;
      ASSERT_LE(evictions, limits.evictions_per_hour) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace nodeproof::webhook
