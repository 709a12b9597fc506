#include "agent/timer.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "agent/stop_signal.hpp"
#include "base/time.hpp"

namespace nodeproof::agent {
namespace {

TEST(SteadyTimer, WaitsForTheTime) {
  SteadyTimer timer;
  const SteadyTime before = timer.now();
  EXPECT_TRUE(timer.wait(Milliseconds(30), {}));
  EXPECT_GE(timer.now() - before, Milliseconds(29));
}

TEST(SteadyTimer, IsEndedByAStop) {
  SteadyTimer timer;
  std::stop_source source;
  const SteadyTime before = timer.now();
  std::jthread stopper([&] {
    std::this_thread::sleep_for(Milliseconds(30));
    source.request_stop();
  });
  EXPECT_FALSE(timer.wait(std::chrono::minutes(5), source.get_token()));
  EXPECT_LT(timer.now() - before, Seconds(30));
}

TEST(SteadyTimer, DoesNotBeginAfterAStop) {
  std::stop_source source;
  source.request_stop();
  EXPECT_FALSE(SteadyTimer().wait(std::chrono::minutes(5), source.get_token()));
}

class StopSignalTest : public testing::TestWithParam<int> {};

// In a process of its own: signal masks and SIGPIPE are the process's.
TEST_P(StopSignalTest, TurnsASignalIntoAStop) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        const StopSignal signal;
        ::kill(::getpid(), GetParam());
        std::_Exit(SteadyTimer().wait(Seconds(30), signal.token()) ? 1 : 0);
      },
      testing::ExitedWithCode(0), "");
}
INSTANTIATE_TEST_SUITE_P(Signals, StopSignalTest, testing::Values(SIGTERM, SIGINT));

TEST(StopSignal, EndsWithoutASignal) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        { const StopSignal signal; }
        std::_Exit(0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace nodeproof::agent
