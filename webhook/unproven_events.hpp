// Running pods that their node no longer proves, as Events on them, for those who look at their pod alone:
// kubectl describe pod. One for each pod and what is wrong, as the leader's sweeps find it; one that a crowd
// pushed out is told by the next sweep.
#pragma once

#include <cstddef>
#include <optional>
#include <unordered_set>
#include <vector>

#include "webhook/event_writer.hpp"
#include "webhook/sweep.hpp"

namespace nodeproof::webhook {

// Nothing where something else than the node keeps the pod unproven, such as its marker or its namespace.
std::optional<wire::Event> unproven_event(const UnprovenPod& pod, UnixTime now);

// One thread calls it.
class UnprovenEvents {
 public:
  explicit UnprovenEvents(EventWriter& events) : events_(events) {}  // borrowed

  // A sweep begins, finds pods, and comes to its end. What its end does not see is news when it is found
  // again.
  void begin() { found_.clear(); }
  void tell(const std::vector<UnprovenPod>& pods, UnixTime now, EventLimiter::Time time);
  void finish() { told_.swap(found_); }
  // After leadership was lost.
  void forget();

 private:
  using Hashes = std::unordered_set<std::size_t>;  // of pods and reasons: there may be very many

  EventWriter& events_;
  Hashes told_;   // of the last sweep that came to its end
  Hashes found_;  // of this one
};

}  // namespace nodeproof::webhook
