// Monotonic time and waits that a stop ends at once; faked in tests.
#pragma once

#include <chrono>
#include <stop_token>

namespace nodeproof::agent {

using Milliseconds = std::chrono::milliseconds;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, Milliseconds>;

// Thread-safe.
class Timer {
 public:
  virtual ~Timer() = default;
  virtual SteadyTime now() const = 0;
  // False when a stop was requested before the time was up.
  virtual bool wait(Milliseconds time, const std::stop_token& stop) = 0;
};

class SteadyTimer final : public Timer {
 public:
  SteadyTime now() const override;
  bool wait(Milliseconds time, const std::stop_token& stop) override;
};

}  // namespace nodeproof::agent
