#include "webhook/periodic.hpp"

#include <spdlog/spdlog.h>

namespace nodeproof::webhook {

Periodic::Periodic(std::string name, std::chrono::milliseconds interval, std::function<void()> work)
    : name_(std::move(name)), interval_(interval), work_(std::move(work)) {}

Periodic::~Periodic() {
  stop();
}

void Periodic::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Periodic::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void Periodic::run(const std::stop_token& stop) {
  std::string last;
  while (!stop.stop_requested()) {
    try {
      work_();
      last.clear();
    } catch (const std::exception& e) {
      if (last != e.what())
        spdlog::warn("{}: {}; trying again every {} ms", name_, e.what(), interval_.count());
      last = e.what();
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, interval_, [] { return false; });
  }
}

}  // namespace nodeproof::webhook
