#include "webhook/periodic.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace nodeproof::webhook {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

TEST(Periodic, RunsAgainAndSurvivesExceptions) {
  std::atomic<int> runs{0};
  Periodic task("test", milliseconds(1), [&runs] {
    if (++runs % 2 == 0) throw std::runtime_error("every other time");
  });
  task.start();
  const auto deadline = steady_clock::now() + std::chrono::minutes(1);
  while (runs < 5 && steady_clock::now() < deadline) std::this_thread::yield();
  task.stop();
  EXPECT_GE(runs, 5);
  const int stopped_at = runs;
  std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(runs, stopped_at);
}

TEST(Periodic, StopsWithoutWaitingForTheInterval) {
  std::atomic<int> runs{0};
  Periodic task("test", std::chrono::hours(1), [&runs] { ++runs; });
  task.start();
  while (runs == 0) std::this_thread::yield();
  const auto began = steady_clock::now();
  task.stop();
  EXPECT_LT(steady_clock::now() - began, std::chrono::seconds(5));
  EXPECT_EQ(runs, 1);
}

TEST(Periodic, MayBeStoppedWithoutAStart) {
  Periodic task("test", milliseconds(1), [] {});
  task.stop();
}

}  // namespace
}  // namespace nodeproof::webhook
