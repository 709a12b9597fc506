// SIGTERM and SIGINT as a stop_token.
#pragma once

#include <csignal>
#include <stop_token>
#include <thread>

namespace nodeproof::agent {

// Construct it before any other thread is started: signals are blocked in threads started later,
// and taken by one of its own.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  std::stop_token token() const { return source_.get_token(); }

 private:
  sigset_t signals_{};
  std::stop_source source_;
  std::thread waiter_;
};

}  // namespace nodeproof::agent
