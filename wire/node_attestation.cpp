#include "wire/node_attestation.hpp"

#include <cpprest/json.h>

#include "attest/strict_json.hpp"
#include "wire/json_writer.hpp"

namespace nodeproof::wire {
namespace {

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

  value object = value::object();
  object["status"] = std::move(out);
  return object.serialize();
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
