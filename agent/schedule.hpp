// When to act: waits after failures, and a place for every node in the refresh period. Pure, but
// for the random numbers of the jitter, which are seeded from outside.
#pragma once

#include <random>
#include <string_view>

#include "agent/timer.hpp"
#include "base/time.hpp"

namespace nodeproof::agent {

// 0.8 s, doubling to 30 s; each wait is a random part between half and all of that, so that nodes
// which failed together do not return together.
class Backoff {
 public:
  static constexpr Milliseconds kFirst{800};
  static constexpr Milliseconds kLast{30'000};

  explicit Backoff(std::uint32_t seed) : random_(seed) {}
  Milliseconds next();
  void reset() { current_ = kFirst; }

 private:
  Milliseconds current_ = kFirst;
  std::minstd_rand random_;
};

// Refreshes at start + offset + k * period, the offset drawn from the node's name: however a fleet
// started, its quotes come spread evenly, and a delayed one does not move the later ones.
class RefreshSchedule {
 public:
  RefreshSchedule(std::string_view node_name, Seconds period, SteadyTime start);
  // The first such time after `now`.
  SteadyTime after(SteadyTime now) const;

 private:
  Milliseconds period_;
  SteadyTime anchor_;
};

}  // namespace nodeproof::agent
