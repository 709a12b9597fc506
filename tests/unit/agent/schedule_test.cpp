#include "agent/schedule.hpp"

#include <gtest/gtest.h>

#include <set>

namespace nodeproof::agent {
namespace {

TEST(Backoff, DoublesToItsLimitAndStaysWithinTheJitter) {
  Backoff backoff(1);
  for (const int full : {800, 1600, 3200, 6400, 12'800, 25'600, 30'000, 30'000}) {
    const Milliseconds wait = backoff.next();
    EXPECT_GE(wait, Milliseconds(full) / 2);
    EXPECT_LE(wait, Milliseconds(full));
  }
  backoff.reset();
  EXPECT_LE(backoff.next(), Backoff::kFirst);
}

TEST(Backoff, DiffersBySeed) {
  std::set<Milliseconds> waits;
  for (std::uint32_t seed = 1; seed <= 20; ++seed) waits.insert(Backoff(seed * 7919).next());
  EXPECT_GT(waits.size(), 10U);
}

const SteadyTime kStart{std::chrono::hours(5)};

TEST(RefreshSchedule, KeepsItsPlaceInThePeriodHoweverLateAnyRefreshIs) {
  const RefreshSchedule schedule("node-1", Seconds(120), kStart);
  const SteadyTime first = schedule.after(kStart);
  EXPECT_GE(first, kStart);
  EXPECT_LE(first, kStart + Seconds(120));
  EXPECT_EQ(schedule.after(first), first + Seconds(120));
  EXPECT_EQ(schedule.after(first + Seconds(119)), first + Seconds(120));
  EXPECT_EQ(schedule.after(first + Seconds(500)), first + Seconds(600));
}

TEST(RefreshSchedule, SpreadsNodesOverThePeriod) {
  std::set<std::int64_t> tenths;
  for (int i = 0; i < 200; ++i) {
    const RefreshSchedule schedule("aks-pool-vmss" + std::to_string(i), Seconds(100), kStart);
    tenths.insert((schedule.after(kStart) - kStart).count() / 10'000);
  }
  EXPECT_EQ(tenths.size(), 10U);
}

TEST(RefreshSchedule, IsTheSameForTheSameName) {
  EXPECT_EQ(RefreshSchedule("node-1", Seconds(120), kStart).after(kStart),
            RefreshSchedule("node-1", Seconds(120), kStart).after(kStart));
}

}  // namespace
}  // namespace nodeproof::agent
