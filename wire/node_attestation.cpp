#include "wire/node_attestation.hpp"

#include <cpprest/json.h>

#include <limits>

#include "attest/strict_json.hpp"
#include "wire/fields.hpp"
#include "wire/json_writer.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonValue;
using web::json::value;

// A merge patch removes a member only by an explicit null: an empty text must not leave the one
// of an earlier status in place.
value text_or_null(std::string_view text) {
  return text.empty() ? value::null() : json_text(text);
}

void set_text(value& object, const char* key, std::string_view text) {
  if (!text.empty()) object[key] = json_text(text);
}

value to_value(const attest::Finding& finding) {
  value out = value::object();
  out["check"] = json_text(attest::name_of(finding.check));
  out["outcome"] = json_text(attest::to_string(finding.outcome));
  set_text(out, "code", finding.code);
  set_text(out, "detail", finding.detail);
  set_text(out, "remedy", finding.remedy);
  return out;
}

value to_value(const PolicyOutcome& outcome) {
  value out = value::object();
  out["policy"] = json_text(outcome.policy);
  out["met"] = value::boolean(outcome.met);
  set_text(out, "code", outcome.code);
  set_text(out, "detail", outcome.detail);
  return out;
}

value to_value(const std::string& text) {
  return json_text(text);
}

value to_value(const StatusCondition& condition) {
  value out = value::object();
  out["type"] = json_text(condition.type);
  out["status"] = json_text(condition.status);
  out["reason"] = json_text(condition.reason);
  out["message"] = json_text(condition.message);
  out["lastTransitionTime"] = json_text(to_rfc3339(condition.since));
  return out;
}

// Lists are replaced whole by a merge patch, so an empty one clears.
template <typename T>
value list_of(const std::vector<T>& items) {
  std::vector<value> out;
  for (const T& item : items) out.push_back(to_value(item));
  return value::array(std::move(out));
}

Result<StatusCondition> parse_condition(const attest::JsonValue& item) {
  NODEPROOF_TRY(type, item.optional_text("type"));
  NODEPROOF_TRY(status, item.optional_text("status"));
  NODEPROOF_TRY(reason, item.optional_text("reason"));
  NODEPROOF_TRY(message, item.optional_text("message"));
  NODEPROOF_TRY(since, item.optional_text("lastTransitionTime"));
  NODEPROOF_TRY(time, parse_rfc3339(since, item.path() + ".lastTransitionTime"));
  return StatusCondition{std::move(type), std::move(status), std::move(reason), std::move(message), time};
}

Status read_conditions(const attest::JsonValue& status, std::vector<StatusCondition>& out) {
  NODEPROOF_TRY(member, status.optional("conditions"));
  if (!member) return Ok{};
  NODEPROOF_TRY(items, member->array());
  for (const attest::JsonValue& item : items) {
    auto condition = parse_condition(item);
    if (condition) out.push_back(*std::move(condition));
  }
  return Ok{};
}

value to_value(const CounterMark& mark) {
  value out = value::object();
  out["ak"] = value::string(to_hex(mark.ak));
  out["bootID"] = json_text(mark.boot_id);
  out["resetCount"] = value::number(mark.reset_count);
  out["restartCount"] = value::number(mark.restart_count);
  out["clock"] = value::number(mark.clock);
  out["epoch"] = value::number(mark.epoch);
  out["bootOver"] = value::boolean(mark.boot_over);
  return out;
}

Result<std::uint64_t> counter(const JsonValue& object, std::string_view key, std::uint64_t limit) {
  NODEPROOF_TRY(member, object.required(key));
  NODEPROOF_TRY(number, member.unsigned_integer());
  if (number > limit) return Error{Errc::kBadValue, member.path(), "is larger than a TPM's"};
  return number;
}

Result<CounterMark> parse_counters(const JsonValue& object) {
  constexpr std::uint64_t kMax32 = std::numeric_limits<std::uint32_t>::max();
  // As the API server stores them.
  constexpr std::uint64_t kMax64 = std::numeric_limits<std::int64_t>::max();
  NODEPROOF_TRY(ak_member, object.required("ak"));
  NODEPROOF_TRY(ak, hex_digest(ak_member));
  NODEPROOF_TRY(boot_member, object.required("bootID"));
  NODEPROOF_TRY(boot_id, boot_member.text());
  NODEPROOF_TRY(reset_count, counter(object, "resetCount", kMax32));
  NODEPROOF_TRY(restart_count, counter(object, "restartCount", kMax32));
  NODEPROOF_TRY(clock, counter(object, "clock", kMax64));
  NODEPROOF_TRY(epoch, counter(object, "epoch", kMax64));
  NODEPROOF_TRY(over_member, object.required("bootOver"));
  NODEPROOF_TRY(boot_over, over_member.boolean());
  return CounterMark{ak,
                     std::move(boot_id),
                     static_cast<std::uint32_t>(reset_count),
                     static_cast<std::uint32_t>(restart_count),
                     clock,
                     epoch,
                     boot_over};
}

// The contents of a TPM2B_ID_OBJECT are 68 bytes, those of a TPM2B_ENCRYPTED_SECRET 256.
constexpr std::size_t kMaxIdObject = 96;
constexpr std::size_t kMaxEncryptedSeed = 384;

Result<ActivationOffer> parse_offer(const JsonValue& object) {
  NODEPROOF_TRY(kid_member, object.required("kid"));
  NODEPROOF_TRY(kid_text, kid_member.string());
  NODEPROOF_TRY(kid, parse_kid(kid_text, kid_member.path()));
  NODEPROOF_TRY(ak_member, object.required("ak"));
  NODEPROOF_TRY(ak, hex_digest(ak_member));
  NODEPROOF_TRY(ek_member, object.required("ek"));
  NODEPROOF_TRY(ek, hex_digest(ek_member));
  NODEPROOF_TRY(object_member, object.required("idObject"));
  NODEPROOF_TRY(id_object, bounded_base64(object_member, kMaxIdObject));
  NODEPROOF_TRY(seed_member, object.required("encryptedSeed"));
  NODEPROOF_TRY(seed, bounded_base64(seed_member, kMaxEncryptedSeed));
  return ActivationOffer{std::move(kid), ak, ek, {std::move(id_object), std::move(seed)}};
}

// spec.nodeUID; an object without one is of no Node.
Result<std::string> node_uid_of(const JsonValue& object) {
  NODEPROOF_TRY(spec, object.required("spec"));
  NODEPROOF_TRY(uid, spec.required("nodeUID"));
  return uid.text();
}

}  // namespace

std::string_view to_string(Phase phase) {
  switch (phase) {
    case Phase::kPending:
      return "Pending";
    case Phase::kVerified:
      return "Verified";
    case Phase::kStale:
      return "Stale";
    case Phase::kFailed:
      return "Failed";
    case Phase::kUnsupported:
      return "Unsupported";
  }
  return "Pending";
}

std::string_view attestation_label(Phase phase) {
  switch (phase) {
    case Phase::kPending:
      return "pending";
    case Phase::kVerified:
      return "verified";
    case Phase::kStale:
      return "stale";
    case Phase::kFailed:
      return "failed";
    case Phase::kUnsupported:
      return "unsupported";
  }
  return "pending";
}

std::string status_patch(const NodeAttestationStatus& status,
                         const std::vector<StatusCondition>& conditions) {
  value out = value::object();
  out["phase"] = json_text(to_string(status.phase));
  out["code"] = text_or_null(status.code);
  out["detail"] = text_or_null(status.detail);
  out["remedy"] = text_or_null(status.remedy);
  out["tee"] = json_text(status.tee);
  out["product"] = text_or_null(status.product);
  out["measurement"] = text_or_null(status.measurement);
  out["chipId"] = text_or_null(status.chip_id);
  out["tcb"] = text_or_null(status.tcb);
  out["vmId"] = text_or_null(status.vm_id);
  out["trustedLaunch"] = json_text(status.trusted_launch);
  out["vtpm"] = json_text(status.vtpm);
  out["secureBoot"] = json_text(status.secure_boot);
  out["measuredBoot"] = json_text(status.measured_boot);
  out["evidenceDigest"] = text_or_null(status.evidence_digest);
  out["verifiedAt"] = text_or_null(status.verified_at);
  out["expiresAt"] = text_or_null(status.expires_at);
  out["findings"] = list_of(status.findings);
  out["coverage"] = list_of(status.coverage);
  out["policies"] = list_of(status.policies);
  out["conditions"] = list_of(conditions);
  if (status.counters) out["counters"] = to_value(*status.counters);

  value object = value::object();
  object["status"] = std::move(out);
  return object.serialize();
}

std::string activation_patch(const ActivationOffer& offer) {
  value out = value::object();
  out["kid"] = json_text(offer.kid);
  out["ak"] = value::string(to_hex(offer.ak));
  out["ek"] = value::string(to_hex(offer.ek));
  out["idObject"] = value::string(to_base64(offer.credential.id_object));
  out["encryptedSeed"] = value::string(to_base64(offer.credential.encrypted_seed));
  value object = value::object();
  object["status"]["activation"] = std::move(out);
  return object.serialize();
}

Result<std::optional<ActivationOffer>> parse_activation_offer(const JsonValue& object,
                                                              std::string_view node_uid) {
  NODEPROOF_TRY(of_node, node_uid_of(object));
  NODEPROOF_TRY(status, object.optional("status"));
  if (!status || of_node != node_uid) return std::optional<ActivationOffer>();
  NODEPROOF_TRY(member, status->optional("activation"));
  if (!member) return std::optional<ActivationOffer>();
  NODEPROOF_TRY(offer, parse_offer(*member));
  return std::optional(std::move(offer));
}

Result<StoredMark> parse_stored_mark(const JsonValue& object) {
  StoredMark out;
  NODEPROOF_TRY(node_uid, node_uid_of(object));
  out.node_uid = std::move(node_uid);
  NODEPROOF_TRY(status, object.optional("status"));
  if (!status) return out;
  NODEPROOF_TRY(counters, status->optional("counters"));
  if (!counters) return out;
  NODEPROOF_TRY(mark, parse_counters(*counters));
  out.counters = std::move(mark);
  return out;
}

std::string new_node_attestation(std::string_view node_name, std::string_view node_uid) {
  value object = node_owned_object("NodeAttestation", node_name, node_uid, {});
  object["spec"]["nodeUID"] = json_text(node_uid);
  return object.serialize();
}

Result<ToldAttestation> parse_node_attestation(const attest::JsonValue& object) {
  ToldAttestation out;
  NODEPROOF_TRY(meta, parse_metadata(object));
  out.name = std::move(meta.name);
  NODEPROOF_TRY(spec, object.optional("spec"));
  if (spec) {
    NODEPROOF_TRY(uid, spec->optional_text("nodeUID"));
    out.node_uid = std::move(uid);
  }
  NODEPROOF_TRY(status, object.optional("status"));
  if (!status) return out;
  NODEPROOF_TRY(phase, status->optional_text("phase"));
  NODEPROOF_TRY(code, status->optional_text("code"));
  NODEPROOF_TRY(verified_at, status->optional_text("verifiedAt"));
  out.phase = std::move(phase);
  out.code = std::move(code);
  out.verified_at = std::move(verified_at);
  NODEPROOF_CHECK(read_conditions(*status, out.conditions));
  return out;
}

}  // namespace nodeproof::wire
