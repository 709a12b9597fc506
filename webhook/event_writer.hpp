// Takes Events from the path of requests, or of reports, and writes them later: neither waits for them.
#pragma once

#include <deque>
#include <mutex>

#include "webhook/cluster_api.hpp"
#include "webhook/placement_events.hpp"

namespace nodeproof::webhook {

// Counts since start.
struct EventCounts {
  std::uint64_t written = 0;
  std::uint64_t repeated = 0;  // told already, by this replica or another
  std::uint64_t dropped = 0;   // too many at once
  std::uint64_t failed = 0;    // refused by the API server, or not answered
};

// offer() and counts() from any thread; write() from one.
class EventWriter {
 public:
  static constexpr std::size_t kMaxWaiting = 256;

  explicit EventWriter(ClusterApi& api, EventsAbout about = EventsAbout::kPods)  // api: borrowed
      : api_(api), limiter_(about) {}

  // Never waits for anybody. Says what becomes of it.
  EventLimiter::Verdict offer(wire::Event event, UnixTime now, EventLimiter::Time time);

  // Writes what waits. When the API server does not answer, the rest is left to the next call.
  void write();

  EventCounts counts() const;

 private:
  struct Waiting {
    wire::Event event;
    UnixTime at;
  };
  std::optional<Waiting> take();
  void count(std::uint64_t EventCounts::*field);

  ClusterApi& api_;
  mutable std::mutex mutex_;
  EventLimiter limiter_;
  std::deque<Waiting> waiting_;
  EventCounts counts_;
};

}  // namespace nodeproof::webhook
