#include "webhook/event_writer.hpp"

#include <spdlog/spdlog.h>

namespace nodeproof::webhook {

EventLimiter::Verdict EventWriter::offer(wire::Event event, UnixTime now, EventLimiter::Time time) {
  const std::lock_guard lock(mutex_);
  const auto verdict =
      waiting_.size() >= kMaxWaiting ? EventLimiter::Verdict::kTooMany : limiter_.judge(event, time);
  switch (verdict) {
    case EventLimiter::Verdict::kRepeated:
      ++counts_.repeated;
      break;
    case EventLimiter::Verdict::kTooMany:
      ++counts_.dropped;
      break;
    case EventLimiter::Verdict::kWrite:
      waiting_.push_back({std::move(event), now});
  }
  return verdict;
}

void EventWriter::write() {
  while (const auto next = take()) {
    try {
      api_.create(wire::event_path(next->event), wire::to_json(next->event, next->at));
      count(&EventCounts::written);
    } catch (const kube::ApiError& e) {
      if (e.status() == 409) {
        count(&EventCounts::repeated);
        continue;
      }
      count(&EventCounts::failed);
      spdlog::warn("an Event about {} {}/{} could not be written: {}", next->event.about.kind,
                   next->event.about.ns, next->event.about.name, e.what());
      if (e.status() == 0 || e.status() == 429) return;
    }
  }
}

std::optional<EventWriter::Waiting> EventWriter::take() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) return std::nullopt;
  Waiting out = std::move(waiting_.front());
  waiting_.pop_front();
  return out;
}

void EventWriter::count(std::uint64_t EventCounts::*field) {
  const std::lock_guard lock(mutex_);
  ++(counts_.*field);
}

EventCounts EventWriter::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace nodeproof::webhook
