#include "wire/on_loss.hpp"

#include "attest/strict_json.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonValue;

Result<bool> flag(const JsonValue& section, std::string_view key) {
  NODEPROOF_TRY(member, section.optional(key));
  if (!member) return false;
  return member->boolean();
}

Result<std::optional<Seconds>> duration(const JsonValue& section, std::string_view key) {
  NODEPROOF_TRY(member, section.optional(key));
  if (!member) return std::optional<Seconds>();
  NODEPROOF_TRY(text, member->string());
  NODEPROOF_TRY(value, parse_duration(text, member->path()));
  return std::optional(value);
}

// What only makes sense together.
Status check(const JsonValue& section, const attest::LossPolicy& policy) {
  if (policy.stale_grace_period && *policy.stale_grace_period <= policy.grace_period) {
    return Error{Errc::kBadValue, section.path() + ".staleGracePeriod",
                 "must be longer than gracePeriod (" + to_duration(policy.grace_period) +
                     "): silence is no sign of compromise"};
  }
  if (policy.delete_after && !policy.evict) {
    return Error{Errc::kBadValue, section.path() + ".deleteAfter",
                 "deletes only what could not be evicted; set evict"};
  }
  return Ok{};
}

}  // namespace

Result<attest::LossPolicy> parse_on_loss(const JsonValue& section) {
  NODEPROOF_CHECK(section.only({"taint", "evict", "gracePeriod", "staleGracePeriod", "deleteAfter"}));
  attest::LossPolicy out;
  NODEPROOF_TRY(taint, flag(section, "taint"));
  NODEPROOF_TRY(evict, flag(section, "evict"));
  NODEPROOF_TRY(grace, duration(section, "gracePeriod"));
  NODEPROOF_TRY(stale_grace, duration(section, "staleGracePeriod"));
  NODEPROOF_TRY(delete_after, duration(section, "deleteAfter"));
  out.taint = taint;
  out.evict = evict;
  out.grace_period = grace.value_or(out.grace_period);
  out.stale_grace_period = stale_grace;
  out.delete_after = delete_after;
  NODEPROOF_CHECK(check(section, out));
  return out;
}

}  // namespace nodeproof::wire
