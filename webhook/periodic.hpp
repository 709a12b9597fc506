// A thread that does one thing again and again, and survives what it throws.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace nodeproof::webhook {

class Periodic {
 public:
  // `work` runs at start and then `interval` after each end of it. Its exceptions are logged; the same
  // message in a row only once.
  Periodic(std::string name, std::chrono::milliseconds interval, std::function<void()> work);
  ~Periodic();  // stops
  Periodic(const Periodic&) = delete;
  Periodic& operator=(const Periodic&) = delete;

  void start();
  void stop();  // joins; waits for work under way

 private:
  void run(const std::stop_token& stop);

  const std::string name_;
  const std::chrono::milliseconds interval_;
  const std::function<void()> work_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;
};

}  // namespace nodeproof::webhook
