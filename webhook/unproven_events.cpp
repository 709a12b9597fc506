#include "webhook/unproven_events.hpp"

#include <functional>
#include <string>

namespace nodeproof::webhook {
namespace {

std::size_t hash_of(const UnprovenPod& pod) {
  return std::hash<std::string>()(pod.uid + '/' + pod.policy + '/' + pod.unmet.code + '/' +
                                  std::string(to_string(pod.reason)));
}

}  // namespace

std::optional<wire::Event> unproven_event(const UnprovenPod& pod, UnixTime now) {
  if (pod.reason != UnprovenReason::kUnmet) return std::nullopt;
  return wire::Event{{"Pod", pod.ns, pod.name, pod.uid},
                     true,
                     "NodeUnproven",
                     unproven_message(pod_name(pod.ns, pod.name), pod.node, pod.policy, pod.unmet),
                     occasion_of(pod.unmet.code, now)};
}

void UnprovenEvents::tell(const std::vector<UnprovenPod>& pods, UnixTime now, EventLimiter::Time time) {
  for (const UnprovenPod& pod : pods) {
    const std::size_t hash = hash_of(pod);
    // Most were told before: their sentence is not made again.
    if (told_.contains(hash)) {
      found_.insert(hash);
      continue;
    }
    auto event = unproven_event(pod, now);
    if (event && events_.offer(*std::move(event), now, time) == EventLimiter::Verdict::kWrite)
      found_.insert(hash);
  }
}

void UnprovenEvents::forget() {
  told_.clear();
  found_.clear();
}

}  // namespace nodeproof::webhook
