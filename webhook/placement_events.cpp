#include "webhook/placement_events.hpp"

#include <algorithm>

namespace nodeproof::webhook {
namespace {

using std::chrono::duration;

constexpr std::chrono::minutes kSamePod{1};
constexpr double kBurst = 50;
constexpr double kPerSecond = 5;

// The pod that the API server asks about, with what is known of it; nothing when another one bears the name.
std::optional<wire::InvolvedObject> placed_pod(const wire::AdmissionRequest& request, const PodLookup& lookup,
                                               const AdmissionDecision& decision) {
  if (decision.rule == Rule::kPodOnNode) {
    return wire::InvolvedObject{"Pod", request.ns, pod_of(request, *request.pod).name, request.pod->meta.uid};
  }
  if (decision.rule != Rule::kBinding) return std::nullopt;
  wire::InvolvedObject out{"Pod", request.ns, request.name, request.binding->meta.uid};
  if (const auto* pod = std::get_if<PodEntry>(&lookup)) {
    if (pod->ns != request.ns || pod->name != request.name) return std::nullopt;
    if (!out.uid.empty() && out.uid != pod->uid) return std::nullopt;
    out.uid = pod->uid;
  }
  return out;
}

}  // namespace

std::string occasion_of(std::string_view reason, UnixTime now) {
  return std::string(reason) + "/" + std::to_string(to_unix(now) / kSameReason.count());
}

std::optional<wire::Event> placement_event(const wire::AdmissionRequest& request, const PodLookup& lookup,
                                           const AdmissionDecision& decision, UnixTime now) {
  if ((decision.allowed && !decision.tolerated) || request.dry_run) return std::nullopt;
  auto pod = placed_pod(request, lookup, decision);
  // A pod that is to get a name from the API server has none to find its Event by.
  if (!pod || pod->name.empty()) return std::nullopt;
  if (!decision.allowed)
    return wire::Event{*std::move(pod), true, "PlacementRefused", decision.message,
                       occasion_of(decision.reason, now)};
  const Toleration& tolerated = *decision.tolerated;
  return wire::Event{*std::move(pod), tolerated.action == attest::EnforcementAction::kWarn,
                     "PlacementUnproven", tolerated.message, occasion_of(tolerated.code, now)};
}

EventLimiter::Verdict EventLimiter::judge(const wire::Event& event, Time now) {
  std::string pod = event.about.ns + "/" + event.about.name + "/" + event.about.uid;
  const std::string reason = event.occasion.substr(0, event.occasion.find('/'));
  if (about_ == EventsAbout::kNodes) pod += "/" + event.reason + "/" + reason;
  const auto found = told_.find(pod);
  if (found != told_.end()) {
    const auto since = now - found->second.at;
    if (since < kSamePod || (since < kSameReason && found->second.occasion == reason))
      return Verdict::kRepeated;
  }
  if (found == told_.end() && !make_room(now)) return Verdict::kTooMany;
  if (!take_token(now)) return Verdict::kTooMany;
  told_.insert_or_assign(pod, Told{reason, now});
  return Verdict::kWrite;
}

bool EventLimiter::make_room(Time now) {
  if (told_.size() < kMaxPods) return true;
  std::erase_if(told_, [now](const auto& item) { return now - item.second.at >= kSameReason; });
  return told_.size() < kMaxPods;
}

// Threads may come with their times out of order: nothing is filled then.
bool EventLimiter::take_token(Time now) {
  if (!filled_) {
    filled_ = now;
    tokens_ = kBurst;
  }
  if (now > *filled_) {
    tokens_ = std::min(kBurst, tokens_ + kPerSecond * duration<double>(now - *filled_).count());
    filled_ = now;
  }
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

}  // namespace nodeproof::webhook
