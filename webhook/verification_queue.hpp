// Names of nodes that wait to be judged: each at most once, and each at its own limited rate, so
// that a node which rewrites its objects in a loop delays only itself. Nothing is dropped. Pure.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace nodeproof::webhook {

class VerificationQueue {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Per node (DESIGN 5): one a second, five at once.
  static constexpr std::chrono::milliseconds kInterval{1000};
  static constexpr int kBurst = 5;

  void push(const std::string& name);
  // A name that may be judged at `now`, taken out of the queue.
  std::optional<std::string> pop(Time now);
  // When pop() has something to give; nothing when the queue is empty.
  std::optional<Time> due() const;
  // Forgets a node that is gone.
  void forget(const std::string& name);
  bool contains(const std::string& name) const { return waiting_.contains(name); }
  std::size_t size() const { return waiting_.size(); }
  bool empty() const { return waiting_.empty(); }

 private:
  static constexpr std::size_t kSweepFrom = 64;
  // Judged at its full rate, a node would have reached `reached`; it may be `kBurst` ahead of time.
  Time allowed_at(const std::string& name) const;
  void forget_rested(Time now);

  std::set<std::string> waiting_;
  std::set<std::pair<Time, std::string>> order_;  // by the time at which each may go
  std::map<std::string, Time> reached_;           // of those that were judged of late, and some others
  std::size_t sweep_at_ = kSweepFrom;             // when `reached_` is that large
};

}  // namespace nodeproof::webhook
