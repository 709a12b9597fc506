#include "agent/timer.hpp"

#include <condition_variable>
#include <mutex>

namespace nodeproof::agent {

SteadyTime SteadyTimer::now() const {
  return std::chrono::floor<Milliseconds>(std::chrono::steady_clock::now());
}

bool SteadyTimer::wait(Milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  condition.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace nodeproof::agent
