#include "wire/node_quote.hpp"

#include <cpprest/json.h>

#include "attest/strict_json.hpp"
#include "wire/fields.hpp"
#include "wire/json_writer.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonValue;
using web::json::value;

constexpr std::string_view kKind = "NodeQuote";
// maxLength 512 of base64 in crds/nodequotes.yaml. A TPMS_ATTEST of a quote is about 150 bytes; a
// TPMT_SIGNATURE of an RSA-2048 key 262.
constexpr std::size_t kMaxBlob = 384;

// One text per number: "7", never "07" or "+7".
Result<unsigned> parse_pcr_index(std::string_view key, const std::string& where) {
  for (unsigned pcr = 0; pcr < attest::kPcrCount; ++pcr) {
    if (key == std::to_string(pcr)) return pcr;
  }
  return Error{Errc::kBadValue, where, "is not a PCR number from 0 to 23 in plain decimal"};
}

Result<attest::PcrValues> parse_pcr_map(const JsonValue& spec) {
  NODEPROOF_TRY(member, spec.required("pcrs"));
  NODEPROOF_TRY(members, member.members());
  attest::PcrValues out;
  for (const JsonValue::Member& entry : members) {
    NODEPROOF_TRY(pcr, parse_pcr_index(entry.key, entry.value.path()));
    NODEPROOF_TRY(digest, hex_digest(entry.value));
    out[pcr] = digest;
  }
  if (out.empty()) return Error{Errc::kBadValue, member.path(), "holds no PCR value"};
  return out;
}

}  // namespace

Result<NodeQuote> parse_node_quote(const JsonValue& object) {
  NODEPROOF_CHECK(check_own_kind(object, kKind));
  NODEPROOF_TRY(meta, parse_metadata(object));
  NODEPROOF_TRY(spec, object.required("spec"));
  NODEPROOF_TRY(boot, boot_identity(spec));
  NODEPROOF_TRY(epoch, epoch_of(spec));
  NODEPROOF_TRY(nonce_member, spec.required("nonce"));
  NODEPROOF_TRY(nonce, hex_digest(nonce_member));
  NODEPROOF_TRY(digest_member, spec.required("evidenceDigest"));
  NODEPROOF_TRY(evidence_digest, hex_digest(digest_member));
  NODEPROOF_TRY(attest_member, spec.required("attest"));
  NODEPROOF_TRY(attest, bounded_base64(attest_member, kMaxBlob));
  NODEPROOF_TRY(signature_member, spec.required("signature"));
  NODEPROOF_TRY(signature, bounded_base64(signature_member, kMaxBlob));
  NODEPROOF_TRY(pcrs, parse_pcr_map(spec));

  NodeQuote out;
  out.name = std::move(meta.name);
  out.resource_version = std::move(meta.resource_version);
  out.boot = std::move(boot);
  out.epoch = std::move(epoch);
  out.nonce = nonce;
  out.evidence_digest = evidence_digest;
  out.attest = std::move(attest);
  out.signature = std::move(signature);
  out.pcrs = std::move(pcrs);
  return out;
}

std::string to_json(const NodeQuote& quote) {
  value pcrs = value::object();
  for (const auto& [pcr, digest] : quote.pcrs) pcrs[std::to_string(pcr)] = value::string(to_hex(digest));

  value spec = value::object();
  spec["nodeUID"] = json_text(quote.boot.node_uid);
  spec["bootID"] = json_text(quote.boot.boot_id);
  spec["kid"] = json_text(quote.epoch.kid);
  spec["epoch"] = value::number(quote.epoch.number);
  spec["nonce"] = value::string(to_hex(quote.nonce));
  spec["evidenceDigest"] = value::string(to_hex(quote.evidence_digest));
  spec["attest"] = value::string(to_base64(quote.attest));
  spec["signature"] = value::string(to_base64(quote.signature));
  spec["pcrs"] = std::move(pcrs);

  value object = node_owned_object(kKind, quote.name, quote.boot.node_uid, quote.resource_version);
  object["spec"] = std::move(spec);
  return object.serialize();
}

}  // namespace nodeproof::wire
