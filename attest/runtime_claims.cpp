#include "attest/runtime_claims.hpp"

#include <algorithm>

#include "attest/hcl_report.hpp"
#include "attest/strict_json.hpp"
#include "base/uuid.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::string_view kWhat = "runtime-claims";
constexpr std::string_view kAk = "HCLAkPub";
constexpr std::string_view kEk = "HCLEkPub";

// An RSA key as its JWK has it (RFC 7518 section 6.3.1), checked.
struct Jwk {
  std::string path;
  Bytes modulus;
  Bytes exponent;
};

Result<Jwk> parse_jwk(const JsonValue& jwk) {
  NODEPROOF_TRY(type, jwk.required("kty"));
  NODEPROOF_TRY(type_text, type.string());
  if (type_text != "RSA") return Error{Errc::kUnsupported, type.path(), "is not RSA"};
  NODEPROOF_TRY(n, jwk.required("n"));
  NODEPROOF_TRY(n_text, n.string());
  NODEPROOF_TRY(modulus, from_base64url(n_text, n.path()));
  NODEPROOF_TRY(e, jwk.required("e"));
  NODEPROOF_TRY(e_text, e.string());
  NODEPROOF_TRY(exponent, from_base64url(e_text, e.path()));
  NODEPROOF_CHECK(check_rsa2048(modulus, exponent, jwk.path()));
  return Jwk{jwk.path(), std::move(modulus), std::move(exponent)};
}

struct Keys {
  PublicKey ak;
  Bytes ek_modulus;
};

// By kid, never by position; key_ops is ignored, because old reports label the AK "encrypt".
Result<Keys> parse_keys(const JsonValue& root) {
  NODEPROOF_TRY(list_member, root.required("keys"));
  NODEPROOF_TRY(list, list_member.array());
  std::optional<Jwk> ak;
  std::optional<Jwk> ek;
  std::vector<std::string_view> kids;
  for (const JsonValue& jwk : list) {
    NODEPROOF_TRY(kid, jwk.required("kid"));
    NODEPROOF_TRY(name, kid.string());
    if (std::find(kids.begin(), kids.end(), name) != kids.end()) {
      return Error{Errc::kDuplicate, kid.path(),
                   "the kid '" + std::string(name.substr(0, 64)) + "' appears twice"};
    }
    kids.push_back(name);
    if (name != kAk && name != kEk) continue;
    NODEPROOF_TRY(key, parse_jwk(jwk));
    (name == kAk ? ak : ek) = std::move(key);
  }
  if (!ak) return Error{Errc::kMissing, list_member.path(), "holds no key with the kid HCLAkPub"};
  if (ek && ek->modulus == ak->modulus) {
    return Error{Errc::kDuplicate, list_member.path(), "HCLAkPub and HCLEkPub are the same key"};
  }
  NODEPROOF_TRY(ak_key, PublicKey::rsa2048(ak->modulus, ak->exponent, ak->path));
  return Keys{std::move(ak_key), ek ? std::move(ek->modulus) : Bytes()};
}

Result<std::optional<bool>> optional_boolean(const JsonValue& object, std::string_view key) {
  NODEPROOF_TRY(member, object.optional(key));
  if (!member) return std::optional<bool>();
  NODEPROOF_TRY(value, member->boolean());
  return std::optional<bool>(value);
}

// The zeros of a VM that was given no id are no identity: PCR 6 of every such VM would agree with them.
Result<std::string> parse_vm_id(const JsonValue& configuration) {
  NODEPROOF_TRY(member, configuration.required("vmUniqueId"));
  NODEPROOF_TRY(text, member.string());
  NODEPROOF_TRY(id, uuid_any_case(text, member.path()));
  if (is_nil_uuid(id)) return Error{Errc::kBadValue, member.path(), "is all zero, which names no VM"};
  return id;
}

// Absent is left to the quotes, which only a vTPM can make.
Result<std::optional<bool>> parse_tpm_enabled(const JsonValue& configuration) {
  NODEPROOF_TRY(enabled, optional_boolean(configuration, "tpm-enabled"));
  if (enabled == false) {
    return Error{Errc::kBadValue, configuration.path() + ".tpm-enabled",
                 "is false: the VM has no vTPM whose attestation key this could be"};
  }
  return enabled;
}

Result<std::optional<ByteArray<64>>> parse_user_data(const JsonValue& root) {
  NODEPROOF_TRY(member, root.optional("user-data"));
  if (!member) return std::optional<ByteArray<64>>();
  NODEPROOF_TRY(text, member->string());
  NODEPROOF_TRY(bytes, from_hex(text, member->path()));
  NODEPROOF_TRY(array, to_array<64>(bytes, member->path()));
  return std::optional<ByteArray<64>>(array);
}

Result<JsonDocument> parse_document(ByteView json) {
  return JsonDocument::parse(json, kHclMaxSize, kWhat);
}

}  // namespace

Result<RuntimeClaims> parse_runtime_claims(ByteView json) {
  NODEPROOF_TRY(document, parse_document(json));
  const JsonValue root = document.root();
  NODEPROOF_TRY(keys, parse_keys(root));
  NODEPROOF_TRY(configuration, root.required("vm-configuration"));
  NODEPROOF_TRY(vm_unique_id, parse_vm_id(configuration));
  NODEPROOF_TRY(secure_boot, optional_boolean(configuration, "secure-boot"));
  NODEPROOF_TRY(tpm_enabled, parse_tpm_enabled(configuration));
  NODEPROOF_TRY(user_data, parse_user_data(root));
  return RuntimeClaims{keys.ak,     vm_unique_id, secure_boot,
                       tpm_enabled, user_data,    std::move(keys.ek_modulus)};
}

Result<PublicKey> parse_claimed_ak(ByteView json) {
  NODEPROOF_TRY(document, parse_document(json));
  NODEPROOF_TRY(keys, parse_keys(document.root()));
  return keys.ak;
}

}  // namespace nodeproof::attest
