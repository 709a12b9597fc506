#include "wire/node_evidence.hpp"

#include <cpprest/json.h>

#include <algorithm>

#include "attest/event_log.hpp"
#include "attest/gzip.hpp"
#include "attest/strict_json.hpp"
#include "wire/fields.hpp"
#include "wire/json_writer.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonValue;
using web::json::value;

constexpr std::string_view kKind = "NodeEvidence";

// Limits of crds/nodeevidences.yaml, in bytes before base64.
constexpr std::size_t kMaxBlob = std::size_t{16} << 10U;
constexpr std::size_t kMaxCertificates = 8;
constexpr std::size_t kMaxCode = 63;
constexpr std::size_t kMaxTime = 40;
// A CRD's maxLength counts characters of up to 4 bytes.
constexpr std::size_t kMaxDetail = 4 * kMaxStatusText;

Result<std::string> parse_platform(const JsonValue& spec) {
  NODEPROOF_TRY(member, spec.required("platform"));
  NODEPROOF_TRY(text, member.string());
  if (text == kPlatformSnp || text == kPlatformTrustedLaunch || text == kPlatformNone)
    return std::string(text);
  return Error{
      Errc::kUnsupported, member.path(),
      "is '" + std::string(text.substr(0, 40)) + "', must be azure-sev-snp, azure-trusted-launch or none"};
}

Result<std::vector<Bytes>> parse_certificates(const JsonValue& spec) {
  std::vector<Bytes> out;
  NODEPROOF_TRY(member, spec.optional("certificates"));
  if (!member) return out;
  NODEPROOF_TRY(list, member->array());
  if (list.size() > kMaxCertificates) {
    return Error{Errc::kTooLarge, member->path(),
                 "has " + std::to_string(list.size()) + " certificates, the limit is " +
                     std::to_string(kMaxCertificates)};
  }
  for (const JsonValue& item : list) {
    NODEPROOF_TRY(der, bounded_base64(item, kMaxBlob));
    out.push_back(std::move(der));
  }
  return out;
}

Result<std::optional<ActivationAnswer>> parse_activation(const JsonValue& spec) {
  NODEPROOF_TRY(member, spec.optional("activation"));
  if (!member) return std::optional<ActivationAnswer>();
  NODEPROOF_TRY(kid_member, member->required("kid"));
  NODEPROOF_TRY(kid_text, kid_member.string());
  NODEPROOF_TRY(kid, parse_kid(kid_text, kid_member.path()));
  NODEPROOF_TRY(secret_member, member->required("secret"));
  NODEPROOF_TRY(secret, hex_digest(secret_member));
  return std::optional(ActivationAnswer{std::move(kid), secret});
}

Result<CollectionState> parse_state(const JsonValue& member) {
  NODEPROOF_TRY(code_member, member.required("code"));
  NODEPROOF_TRY(code, bounded_text(code_member, kMaxCode));
  const bool word = std::all_of(code.begin(), code.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  if (!word)
    return Error{Errc::kBadValue, code_member.path(), "is not lower-case letters, digits and dashes"};
  NODEPROOF_TRY(detail, optional_text(member, "detail", kMaxDetail));
  return CollectionState{std::move(code), std::move(detail)};
}

Result<CollectionState> parse_collection(const JsonValue& spec) {
  NODEPROOF_TRY(member, spec.required("collection"));
  return parse_state(member);
}

Result<Bytes> parse_event_log(const JsonValue& spec) {
  NODEPROOF_TRY(packed, optional_base64(spec, "eventLog", kMaxPackedEventLog));
  if (packed.empty()) return Bytes();
  return attest::gunzip(packed, attest::kMaxEventLog, spec.path() + ".eventLog");
}

Result<std::optional<CollectionState>> parse_no_event_log(const JsonValue& spec, bool has_log) {
  NODEPROOF_TRY(member, spec.optional("noEventLog"));
  if (!member) return std::optional<CollectionState>();
  if (has_log) return Error{Errc::kBadValue, member->path(), "stands beside an eventLog"};
  NODEPROOF_TRY(state, parse_state(*member));
  return std::optional(std::move(state));
}

Result<std::optional<bool>> optional_flag(const JsonValue& object, std::string_view key) {
  NODEPROOF_TRY(member, object.optional(key));
  if (!member) return std::optional<bool>();
  NODEPROOF_TRY(flag, member->boolean());
  return std::optional(flag);
}

Result<EfiFacts> parse_efi(const JsonValue& spec) {
  EfiFacts out;
  NODEPROOF_TRY(member, spec.optional("efi"));
  if (!member) return out;
  NODEPROOF_TRY(secure_boot, optional_flag(*member, "secureBoot"));
  NODEPROOF_TRY(setup_mode, optional_flag(*member, "setupMode"));
  NODEPROOF_TRY(lockdown, optional_text(*member, "lockdown", kMaxCode));
  out.secure_boot = secure_boot;
  out.setup_mode = setup_mode;
  out.lockdown = std::move(lockdown);
  return out;
}

// A node with nothing to prove has no challenge; any other must say which epoch its report is of.
Result<attest::Epoch> parse_collected(const JsonValue& spec, std::string_view platform) {
  NODEPROOF_TRY(kid, spec.optional("kid"));
  NODEPROOF_TRY(epoch, spec.optional("epoch"));
  if (platform == kPlatformNone && !kid && !epoch) return attest::Epoch{};
  return epoch_of(spec);
}

Result<std::string> parse_collected_at(const JsonValue& spec) {
  NODEPROOF_TRY(text, optional_text(spec, "collectedAt", kMaxTime));
  if (!text.empty()) NODEPROOF_CHECK(parse_rfc3339(text, spec.path() + ".collectedAt"));
  return std::move(text);
}

void set_bytes(value& spec, const char* key, ByteView bytes) {
  if (!bytes.empty()) spec[key] = value::string(to_base64(bytes));
}

value state_json(const CollectionState& state) {
  value out = value::object();
  out["code"] = json_text(state.code);
  if (!state.detail.empty()) out["detail"] = json_text(state.detail);
  return out;
}

void set_event_log(value& spec, const NodeEvidence& evidence) {
  if (!evidence.event_log.empty()) set_bytes(spec, "eventLog", attest::gzip(evidence.event_log));
  if (evidence.no_event_log) spec["noEventLog"] = state_json(*evidence.no_event_log);
}

void set_efi(value& spec, const EfiFacts& efi) {
  if (efi == EfiFacts()) return;
  value out = value::object();
  if (efi.secure_boot) out["secureBoot"] = value::boolean(*efi.secure_boot);
  if (efi.setup_mode) out["setupMode"] = value::boolean(*efi.setup_mode);
  if (!efi.lockdown.empty()) out["lockdown"] = json_text(efi.lockdown);
  spec["efi"] = std::move(out);
}

}  // namespace

EvidenceSummary summary_of(const NodeEvidence& evidence) {
  return {evidence.boot, evidence.platform, evidence.collected, evidence.collection, evidence.digest()};
}

Sha256Digest NodeEvidence::digest() const {
  return attest::evidence_digest(platform, boot, collected, hcl_report, event_log);
}

Result<NodeEvidence> parse_node_evidence(const JsonValue& object) {
  NODEPROOF_CHECK(check_own_kind(object, kKind));
  NODEPROOF_TRY(meta, parse_metadata(object));
  NODEPROOF_TRY(spec, object.required("spec"));
  NODEPROOF_TRY(boot, boot_identity(spec));
  NODEPROOF_TRY(platform, parse_platform(spec));
  NODEPROOF_TRY(collected, parse_collected(spec, platform));
  NODEPROOF_TRY(hcl_report, optional_base64(spec, "hclReport", kMaxBlob));
  NODEPROOF_TRY(ak_certificate, optional_base64(spec, "akCertificate", kMaxBlob));
  NODEPROOF_TRY(certificates, parse_certificates(spec));
  NODEPROOF_TRY(event_log, parse_event_log(spec));
  NODEPROOF_TRY(no_event_log, parse_no_event_log(spec, !event_log.empty()));
  NODEPROOF_TRY(efi, parse_efi(spec));
  NODEPROOF_TRY(activation, parse_activation(spec));
  NODEPROOF_TRY(collection, parse_collection(spec));
  NODEPROOF_TRY(collected_at, parse_collected_at(spec));

  NodeEvidence out;
  out.name = std::move(meta.name);
  out.resource_version = std::move(meta.resource_version);
  out.boot = std::move(boot);
  out.platform = std::move(platform);
  out.collected = std::move(collected);
  out.hcl_report = std::move(hcl_report);
  out.ak_certificate = std::move(ak_certificate);
  out.certificates = std::move(certificates);
  out.event_log = std::move(event_log);
  out.no_event_log = std::move(no_event_log);
  out.efi = std::move(efi);
  out.activation = std::move(activation);
  out.collection = std::move(collection);
  out.collected_at = std::move(collected_at);
  return out;
}

std::string to_json(const NodeEvidence& evidence) {
  value spec = value::object();
  spec["nodeUID"] = json_text(evidence.boot.node_uid);
  spec["bootID"] = json_text(evidence.boot.boot_id);
  spec["platform"] = json_text(evidence.platform);
  if (!evidence.collected.kid.empty()) {
    spec["kid"] = json_text(evidence.collected.kid);
    spec["epoch"] = value::number(evidence.collected.number);
  }
  set_bytes(spec, "hclReport", evidence.hcl_report);
  set_bytes(spec, "akCertificate", evidence.ak_certificate);
  if (!evidence.certificates.empty()) {
    std::vector<value> list;
    for (const Bytes& der : evidence.certificates) list.push_back(value::string(to_base64(der)));
    spec["certificates"] = value::array(std::move(list));
  }
  set_event_log(spec, evidence);
  set_efi(spec, evidence.efi);
  if (evidence.activation) {
    spec["activation"]["kid"] = json_text(evidence.activation->kid);
    spec["activation"]["secret"] = value::string(to_hex(evidence.activation->secret));
  }
  spec["collection"] = state_json(evidence.collection);
  if (!evidence.collected_at.empty()) spec["collectedAt"] = json_text(evidence.collected_at);

  value object = node_owned_object(kKind, evidence.name, evidence.boot.node_uid, evidence.resource_version);
  object["spec"] = std::move(spec);
  return object.serialize();
}

}  // namespace nodeproof::wire
