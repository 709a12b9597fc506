// Placements that were refused, or that a Warn or DryRun policy let pass unproven, as Events on the pods, for
// those who do not see the answer to the scheduler's request: kubectl describe pod. Which are written, and
// how often; no thread and no clock.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "webhook/decide.hpp"
#include "wire/event.hpp"

namespace nodeproof::webhook {

// The scheduler tries a pod again every few seconds and forgets why it failed; one Event for each reason
// in that time, whichever replica refuses.
inline constexpr Seconds kSameReason{600};
// The occasion of such an Event: its reason, and which of those times it is.
std::string occasion_of(std::string_view reason, UnixTime now);

// A refusal and a Warn policy's word are Warnings, a DryRun policy's is not. Nothing for what is proven, for
// dry runs of the request, and for refusals that are told to whoever asked alone.
std::optional<wire::Event> placement_event(const wire::AdmissionRequest& request, const PodLookup& lookup,
                                           const AdmissionDecision& decision, UnixTime now);

// Pods are tried again and again, so all reasons of one share its rate; what happens to a node is news each
// time, so each reason has its own.
enum class EventsAbout { kPods, kNodes };

// Keeps an outage from becoming a flood of Events: at most one a minute for a pod, one in kSameReason for
// the same reason, and for all objects together a burst of 50, then 5 a second.
class EventLimiter {
 public:
  explicit EventLimiter(EventsAbout about = EventsAbout::kPods) : about_(about) {}

  using Time = std::chrono::steady_clock::time_point;
  enum class Verdict { kWrite, kRepeated, kTooMany };
  static constexpr std::size_t kMaxPods = 4096;  // or nodes by reason; remembered at once

  Verdict judge(const wire::Event& event, Time now);
  std::size_t remembered() const { return told_.size(); }

 private:
  struct Told {
    std::string occasion;
    Time at;
  };
  bool make_room(Time now);
  bool take_token(Time now);

  EventsAbout about_;
  std::unordered_map<std::string, Told> told_;  // by pod, or by node and reason
  double tokens_ = 0;
  std::optional<Time> filled_;  // when tokens_ was right; nothing before the first event
};

}  // namespace nodeproof::webhook
