#include "kube/leader_lease.hpp"

#include <cpprest/json.h>
#include <spdlog/spdlog.h>

#include "attest/strict_json.hpp"
#include "base/clock.hpp"
#include "base/or_throw.hpp"

namespace nodeproof::kube {
namespace {

using attest::JsonDocument;
using attest::JsonValue;
using std::chrono::steady_clock;
using web::json::value;

constexpr std::size_t kMaxLease = 256U << 10U;
constexpr Seconds kReleasedDuration{1};

Result<std::uint64_t> optional_number(const JsonValue& object, std::string_view key) {
  NODEPROOF_TRY(member, object.optional(key));
  if (!member) return std::uint64_t{0};
  return member->unsigned_integer();
}

// The API server takes a MicroTime only with exactly six fraction digits.
std::string micro_time(UnixTime time) {
  std::string text = to_rfc3339(time);
  text.replace(text.size() - 1, 1, ".000000Z");
  return text;
}

}  // namespace

// What a Lease says, as far as the election is concerned.
struct LeaderLease::Record {
  std::string holder;
  std::string acquired;
  std::string renewed;
  std::uint64_t transitions = 0;
  Seconds duration{0};
  std::string resource_version;

  // Two records with the same text have not been renewed in between.
  std::string text() const {
    return holder + "|" + acquired + "|" + renewed + "|" + std::to_string(transitions) + "|" +
           std::to_string(duration.count());
  }

  static Result<Record> parse(const std::string& json) {
    NODEPROOF_TRY(document, JsonDocument::parse(as_bytes(json), kMaxLease, "Lease"));
    const JsonValue root = document.root();
    NODEPROOF_TRY(metadata, root.required("metadata"));
    NODEPROOF_TRY(resource_version, metadata.optional_text("resourceVersion"));
    Record out;
    out.resource_version = std::move(resource_version);
    NODEPROOF_TRY(spec, root.optional("spec"));
    if (!spec) return out;
    NODEPROOF_TRY(holder, spec->optional_text("holderIdentity"));
    NODEPROOF_TRY(acquired, spec->optional_text("acquireTime"));
    NODEPROOF_TRY(renewed, spec->optional_text("renewTime"));
    NODEPROOF_TRY(transitions, optional_number(*spec, "leaseTransitions"));
    NODEPROOF_TRY(duration, optional_number(*spec, "leaseDurationSeconds"));
    out.holder = std::move(holder);
    out.acquired = std::move(acquired);
    out.renewed = std::move(renewed);
    // int32 in the API.
    out.transitions = transitions & 0x7fffffffU;
    out.duration = Seconds(static_cast<std::int64_t>(duration & 0x7fffffffU));
    return out;
  }
};

LeaderLease::LeaderLease(ApiClient& client, std::string ns, std::string name, std::string identity,
                         LeaseTimes times)
    : client_(client),
      path_("/apis/coordination.k8s.io/v1/namespaces/" + ns + "/leases"),
      ns_(std::move(ns)),
      name_(std::move(name)),
      identity_(std::move(identity)),
      times_(times) {}

bool LeaderLease::step(steady_clock::time_point now) {
  const auto entered = steady_clock::now();
  bool renewed = false;
  if (is_due(now)) {
    tried_at_ = now;
    try {
      renewed = try_lead(now);
      if (!renewed) leading_ = false;
    } catch (const std::exception& error) {
      spdlog::warn("lease {}/{}: {}", ns_, name_, error.what());
    }
  }
  // The lease counts from before the request, and waiting for an answer counts too.
  if (renewed) {
    if (!leading_) spdlog::info("lease {}/{}: leading as {}", ns_, name_, identity_);
    leading_ = true;
    renewed_at_ = now;
  }
  const auto later = now + (steady_clock::now() - entered);
  if (leading_ && later - renewed_at_ > times_.renew_deadline) {
    spdlog::warn("lease {}/{}: lost, not renewed for {} s", ns_, name_, times_.renew_deadline.count());
    leading_ = false;
  }
  return leading_;
}

void LeaderLease::look(steady_clock::time_point now) {
  if (!is_due(now)) return;
  tried_at_ = now;
  try {
    (void)client_.get_if_exists(path_ + "/" + name_);
  } catch (const std::exception& error) {
    spdlog::debug("lease {}/{}: {}", ns_, name_, error.what());
  }
}

bool LeaderLease::is_due(steady_clock::time_point now) const {
  return !tried_at_ || now - *tried_at_ >= times_.retry_period;
}

bool LeaderLease::try_lead(steady_clock::time_point now) {
  const std::optional<std::string> json = client_.get_if_exists(path_ + "/" + name_);
  std::optional<Record> record;
  if (json) {
    record = or_throw(Record::parse(*json));
    if (!may_take(*record, now)) return false;
  }
  try {
    write(record ? &*record : nullptr, identity_, times_.duration);
  } catch (const ApiError& error) {
    if (error.status() != 409) throw;
    return false;  // somebody else was faster
  }
  return true;
}

bool LeaderLease::may_take(const Record& record, steady_clock::time_point now) {
  const std::string text = record.text();
  if (text != observed_record_) {
    observed_record_ = text;
    observed_at_ = now;
  }
  if (record.holder.empty() || record.holder == identity_) return true;
  return now >= observed_at_ + record.duration;
}

void LeaderLease::write(const Record* current, std::string_view holder, Seconds duration) {
  const std::string now = micro_time(SystemClock().now());
  const bool takes_over = current == nullptr || current->holder != identity_;
  const std::uint64_t transitions = current == nullptr ? 0 : current->transitions + (takes_over ? 1U : 0U);

  value lease = value::object();
  lease["apiVersion"] = value::string("coordination.k8s.io/v1");
  lease["kind"] = value::string("Lease");
  lease["metadata"]["name"] = value::string(name_);
  lease["metadata"]["namespace"] = value::string(ns_);
  lease["spec"]["holderIdentity"] = value::string(std::string(holder));
  lease["spec"]["leaseDurationSeconds"] = value::number(duration.count());
  lease["spec"]["acquireTime"] =
      value::string(takes_over || current->acquired.empty() ? now : current->acquired);
  lease["spec"]["renewTime"] = value::string(now);
  lease["spec"]["leaseTransitions"] = value::number(transitions);
  if (current == nullptr) {
    client_.create(path_, lease.serialize());
    return;
  }
  lease["metadata"]["resourceVersion"] = value::string(current->resource_version);
  client_.replace(path_ + "/" + name_, lease.serialize());
}

void LeaderLease::release() {
  if (!leading_) return;
  leading_ = false;
  try {
    const std::optional<std::string> json = client_.get_if_exists(path_ + "/" + name_);
    if (!json) return;
    const Result<Record> record = Record::parse(*json);
    if (record && record->holder == identity_) write(&*record, "", kReleasedDuration);
  } catch (const std::exception& error) {
    // The successor then waits for the lease to run out.
    spdlog::warn("lease {}/{}: not released: {}", ns_, name_, error.what());
  }
}

}  // namespace nodeproof::kube
