#include "webhook/verification_queue.hpp"

#include <algorithm>

namespace nodeproof::webhook {

void VerificationQueue::push(const std::string& name) {
  if (waiting_.insert(name).second) order_.emplace(allowed_at(name), name);
}

std::optional<std::string> VerificationQueue::pop(Time now) {
  if (order_.empty() || order_.begin()->first > now) return std::nullopt;
  std::string name = order_.begin()->second;
  order_.erase(order_.begin());
  waiting_.erase(name);
  forget_rested(now);
  Time& reached = reached_[name];
  reached = std::max(reached, now) + kInterval;
  return name;
}

std::optional<VerificationQueue::Time> VerificationQueue::due() const {
  if (order_.empty()) return std::nullopt;
  return order_.begin()->first;
}

void VerificationQueue::forget(const std::string& name) {
  if (waiting_.erase(name) > 0) {
    std::erase_if(order_, [&name](const auto& item) { return item.second == name; });
  }
  reached_.erase(name);
}

VerificationQueue::Time VerificationQueue::allowed_at(const std::string& name) const {
  const auto found = reached_.find(name);
  return found == reached_.end() ? Time() : found->second - kInterval * (kBurst - 1);
}

// A node whose time lies behind has its whole burst again, like one that was never judged.
void VerificationQueue::forget_rested(Time now) {
  if (reached_.size() < sweep_at_) return;
  std::erase_if(reached_, [now](const auto& item) { return item.second <= now; });
  sweep_at_ = std::max(kSweepFrom, 2 * reached_.size());
}

}  // namespace nodeproof::webhook
