#include "webhook/admission_policy_watch.hpp"

#include <spdlog/spdlog.h>

#include "wire/event.hpp"
#include "wire/objects.hpp"

namespace nodeproof::webhook {
namespace {

constexpr std::size_t kMaxObject = std::size_t{2} << 20U;  // above what etcd takes
// Told again by whoever leads then, while it lasts.
constexpr Seconds kSameOccasion{3600};

wire::Event event_of(const AdmissionPolicyObject& object, const std::string& drift, const std::string& uid,
                     const std::string& note, UnixTime now) {
  wire::Event out;
  out.about = {object.kind, "", object.name, uid, "admissionregistration.k8s.io/v1"};
  out.warning = true;
  out.reason = "AdmissionPolicyDrift";
  out.note = note;
  out.occasion = drift + '/' + std::to_string(to_unix(now) / kSameOccasion.count());
  return out;
}

}  // namespace

void AdmissionPolicyWatch::pass(UnixTime now, const std::function<bool()>& leading) {
  if (!installed_) return;
  if (!last()) keep({{}, UnixTime()});
  AdmissionPolicyOutcome outcome{{}, now};
  for (const AdmissionPolicyObject& object : installed_->objects()) {
    if (!leading()) return;
    const Found found = look_at(object);
    tell(object, found, now);
    outcome.objects.push_back({object.kind, object.name, found.drift});
  }
  keep(std::move(outcome));
}

AdmissionPolicyWatch::Found AdmissionPolicyWatch::look_at(const AdmissionPolicyObject& object) {
  const auto json = api_.get_if_exists(path_of(object));
  if (!json) return {"it is missing", ""};
  const auto document = attest::JsonDocument::parse(as_bytes(*json), kMaxObject, object.kind);
  if (!document) return {"it cannot be read: " + to_string(document.error()), ""};
  const auto meta = wire::parse_metadata(document->root());
  return {drift(object, document->root()).value_or(""), meta ? meta->uid : ""};
}

void AdmissionPolicyWatch::tell(const AdmissionPolicyObject& object, const Found& found, UnixTime now) {
  const std::string path = path_of(object);
  if (found.drift.empty()) {
    if (told_.erase(path) != 0) spdlog::info("{} {} is as installed again", object.kind, object.name);
    return;
  }
  const auto told = told_.find(path);
  if (told != told_.end() && told->second == found.drift) return;
  const std::string note = object.kind + " " + object.name +
                           " is not as the chart installed it: " + found.drift +
                           "; remedy: find out who did it, then helm upgrade";
  spdlog::error("ALERT: {}", note);
  told_.insert_or_assign(path, found.drift);
  const wire::Event event = event_of(object, found.drift, found.uid, note, now);
  try {
    api_.create(wire::event_path(event), wire::to_json(event, now));
  } catch (const kube::ApiError& e) {
    if (e.status() != 409)
      spdlog::warn("an Event about {} {} could not be written: {}", object.kind, object.name, e.what());
  }
}

void AdmissionPolicyWatch::keep(AdmissionPolicyOutcome outcome) {
  auto now = std::make_shared<const AdmissionPolicyOutcome>(std::move(outcome));
  const std::lock_guard lock(mutex_);
  last_ = std::move(now);
}

void AdmissionPolicyWatch::forget() {
  told_.clear();
  const std::lock_guard lock(mutex_);
  last_.reset();
}

std::shared_ptr<const AdmissionPolicyOutcome> AdmissionPolicyWatch::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace nodeproof::webhook
