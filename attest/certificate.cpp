#include <openssl/objects.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "attest/crypto.hpp"
#include "attest/der.hpp"
#include "attest/openssl_scope.hpp"

namespace nodeproof::attest {
namespace {

using Policies = UniqueHandle<CERTIFICATEPOLICIES, CERTIFICATEPOLICIES_free>;
using KeyPurposes = UniqueHandle<EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free>;

std::string to_dotted(const ASN1_OBJECT* object) {
  char text[128];
  const int size = OBJ_obj2txt(text, sizeof text, object, 1);
  // An OID that does not fit is none that we look for.
  return size > 0 && static_cast<std::size_t>(size) < sizeof text ? std::string(text) : std::string();
}

// The content octets of an OBJECT IDENTIFIER (X.690 section 8.19). `dotted` is one of our own constants.
// OBJ_txt2obj does the same at twenty times the cost, and an endorsement key has a dozen to look up.
Bytes oid_content(std::string_view dotted) {
  Bytes out;
  out.reserve(dotted.size());
  std::uint64_t first = 0;
  for (std::size_t arc = 0; !dotted.empty(); ++arc) {
    std::uint64_t value = 0;
    const auto end = std::from_chars(dotted.data(), dotted.data() + dotted.size(), value).ptr;
    dotted.remove_prefix(std::min(dotted.size(), static_cast<std::size_t>(end - dotted.data()) + 1));
    if (arc == 0) {
      first = value * 40;
      continue;
    }
    if (arc == 1) value += first;
    unsigned shift = 0;
    while (value >> shift >= 0x80U) shift += 7;
    for (; shift > 0; shift -= 7) out.push_back(static_cast<std::uint8_t>(0x80U | (value >> shift & 0x7fU)));
    out.push_back(static_cast<std::uint8_t>(value & 0x7fU));
  }
  return out;
}

// The index of the first extension after `index` with this OID; -1: none.
int next_extension(const X509* certificate, ByteView oid, int index) {
  const int count = X509_get_ext_count(certificate);
  while (++index < count) {
    const ASN1_OBJECT* object = X509_EXTENSION_get_object(X509_get_ext(certificate, index));
    if (equal({OBJ_get0_data(object), OBJ_length(object)}, oid)) return index;
  }
  return -1;
}

// Null when the extension is absent, malformed or there twice.
template <typename Handle>
Handle decode_extension(const X509* certificate, int nid) {
  return Handle(static_cast<typename Handle::pointer>(X509_get_ext_d2i(certificate, nid, nullptr, nullptr)));
}

bool has_key_usage(X509* certificate, std::uint32_t usage) {
  // Without the extension OpenSSL answers "everything": to us absent is no.
  return (X509_get_extension_flags(certificate) & EXFLAG_KUSAGE) != 0 &&
         (X509_get_key_usage(certificate) & usage) != 0;
}

std::string common_name_of(const X509_NAME* name) {
  const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  // Two common names mean two things; neither is then the name.
  if (index < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, index) >= 0) return {};
  std::uint8_t* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
  const UniqueHandle<std::uint8_t, [](void* memory) { OPENSSL_free(memory); }> owner(utf8);
  return size > 0 ? std::string(as_text({utf8, static_cast<std::size_t>(size)})) : std::string();
}

}  // namespace

Result<Certificate> Certificate::parse_der(ByteView der, std::string_view where) {
  const OpensslScope scope;
  const auto bad = [&](Errc code, std::string detail) {
    return Error{code, std::string(where), std::move(detail)};
  };
  NODEPROOF_CHECK(single_object(der, where));
  const std::uint8_t* position = der.data();
  CertificateHandle x509(d2i_X509(nullptr, &position, static_cast<long>(der.size())));
  if (x509 == nullptr || position != der.data() + der.size())
    return bad(Errc::kBadValue, "is not an X.509 certificate");
  EVP_PKEY* key = X509_get0_pubkey(x509.get());
  if (key == nullptr) return bad(Errc::kUnsupported, "has a public key of an unknown kind");
  if (!to_time(X509_get0_notBefore(x509.get())) || !to_time(X509_get0_notAfter(x509.get()))) {
    return bad(Errc::kBadValue, "has a validity period that is no time");
  }
  require_openssl(EVP_PKEY_up_ref(key) == 1, "EVP_PKEY_up_ref");
  Certificate certificate;
  certificate.key_.emplace(std::shared_ptr<EVP_PKEY>(KeyHandle(key)));
  certificate.subject_common_name_ = common_name_of(X509_get_subject_name(x509.get()));
  certificate.x509_ = std::move(x509);
  certificate.der_ = std::make_shared<const Bytes>(to_bytes(der));
  certificate.sha256_ = attest::sha256(der);
  return certificate;
}

std::string Certificate::subject() const {
  return to_text(X509_get_subject_name(handle()));
}
std::string Certificate::issuer() const {
  return to_text(X509_get_issuer_name(handle()));
}

std::string Certificate::serial_hex() const {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(handle());
  const std::string digits =
      to_hex({ASN1_STRING_get0_data(serial), static_cast<std::size_t>(ASN1_STRING_length(serial))});
  const bool negative = ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER;
  return (negative ? "-" : "") + digits;
}

// parse_der has made sure that both convert.
UnixTime Certificate::not_before() const {
  return to_time(X509_get0_notBefore(handle())).value();
}
UnixTime Certificate::not_after() const {
  return to_time(X509_get0_notAfter(handle())).value();
}

// Not i2d_PUBKEY, which has a provider encode the key anew and costs as much as a verification.
Sha256Digest Certificate::spki_sha256() const {
  const OpensslScope scope;
  std::uint8_t* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(handle()), &der);
  const UniqueHandle<std::uint8_t, [](void* memory) { OPENSSL_free(memory); }> owner(der);
  require_openssl(size > 0, "i2d_X509_PUBKEY");
  return attest::sha256({der, static_cast<std::size_t>(size)});
}

bool Certificate::is_self_issued() const {
  return names_as_issuer(*this);
}

bool Certificate::is_ca() const {
  const OpensslScope scope;
  const std::uint32_t flags = X509_get_extension_flags(handle());
  return (flags & EXFLAG_BCONS) != 0 && (flags & EXFLAG_CA) != 0 && (flags & EXFLAG_INVALID) == 0;
}

bool Certificate::may_issue(std::size_t cas_below) const {
  const OpensslScope scope;
  if (!is_ca() || !has_key_usage(handle(), KU_KEY_CERT_SIGN)) return false;
  const long path_length = X509_get_pathlen(handle());
  return path_length < 0 || cas_below <= static_cast<std::size_t>(path_length);
}

bool Certificate::may_sign_lists() const {
  const OpensslScope scope;
  return has_key_usage(handle(), KU_CRL_SIGN);
}

bool Certificate::may_sign_data() const {
  const OpensslScope scope;
  return has_key_usage(handle(), KU_DIGITAL_SIGNATURE);
}

Result<ByteView> Certificate::extension(std::string_view oid) const {
  const OpensslScope scope;
  const Bytes content_octets = oid_content(oid);
  const int index = next_extension(handle(), content_octets, -1);
  if (index < 0) return Error{Errc::kMissing, "extension " + std::string(oid), "is not in the certificate"};
  if (next_extension(handle(), content_octets, index) >= 0) {
    return Error{Errc::kDuplicate, "extension " + std::string(oid), "is in the certificate twice"};
  }
  const ASN1_OCTET_STRING* content = X509_EXTENSION_get_data(X509_get_ext(handle(), index));
  return ByteView(ASN1_STRING_get0_data(content), static_cast<std::size_t>(ASN1_STRING_length(content)));
}

bool Certificate::has_extension(std::string_view oid) const {
  const OpensslScope scope;
  return next_extension(handle(), oid_content(oid), -1) >= 0;
}

std::optional<std::string> Certificate::critical_extension_beyond(
    std::span<const std::string_view> known) const {
  const OpensslScope scope;
  for (int i = 0; i < X509_get_ext_count(handle()); ++i) {
    X509_EXTENSION* extension = X509_get_ext(handle(), i);
    if (X509_EXTENSION_get_critical(extension) == 0) continue;
    const ASN1_OBJECT* object = X509_EXTENSION_get_object(extension);
    const ByteView content(OBJ_get0_data(object), OBJ_length(object));
    const bool is_known = std::any_of(known.begin(), known.end(), [content](std::string_view oid) {
      return equal(content, oid_content(oid));
    });
    if (!is_known) return to_dotted(object);
  }
  return std::nullopt;
}

std::vector<std::string> Certificate::policy_oids() const {
  const OpensslScope scope;
  const auto policies = decode_extension<Policies>(handle(), NID_certificate_policies);
  std::vector<std::string> oids;
  for (int i = 0; i < sk_POLICYINFO_num(policies.get()); ++i) {
    oids.push_back(to_dotted(sk_POLICYINFO_value(policies.get(), i)->policyid));
  }
  return oids;
}

std::vector<std::string> Certificate::extended_key_usage_oids() const {
  const OpensslScope scope;
  const auto purposes = decode_extension<KeyPurposes>(handle(), NID_ext_key_usage);
  std::vector<std::string> oids;
  for (int i = 0; i < sk_ASN1_OBJECT_num(purposes.get()); ++i) {
    oids.push_back(to_dotted(sk_ASN1_OBJECT_value(purposes.get(), i)));
  }
  return oids;
}

bool Certificate::names_as_issuer(const Certificate& issuer) const {
  return X509_NAME_cmp(X509_get_issuer_name(handle()), X509_get_subject_name(issuer.handle())) == 0;
}

bool Certificate::is_signed_by(const Certificate& issuer) const {
  const OpensslScope scope;
  if (!names_as_issuer(issuer)) return false;
  int hash = NID_undef;
  if (X509_get_signature_info(handle(), &hash, nullptr, nullptr, nullptr) != 1) return false;
  if (!is_accepted_hash(hash)) return false;
  return X509_verify(handle(), X509_get0_pubkey(issuer.handle())) == 1;
}

Result<std::vector<Certificate>> parse_certificates(ByteView pem_or_der, std::string_view where) {
  NODEPROOF_TRY(objects, split_objects(pem_or_der, {"CERTIFICATE", "certificate", kMaxCertificates}, where));
  std::vector<Certificate> certificates;
  for (const LocatedDer& object : objects) {
    NODEPROOF_TRY(certificate, Certificate::parse_der(object.der, object.where));
    certificates.push_back(std::move(certificate));
  }
  return certificates;
}

Result<Bytes> cut_der(ByteView padded, std::string_view where) {
  NODEPROOF_TRY(size, outer_size(padded, where));
  if (!all_zero(padded.subspan(size))) {
    return Error{Errc::kTrailing, std::string(where), "bytes other than zero follow the DER object"};
  }
  return to_bytes(padded.first(size));
}

}  // namespace nodeproof::attest
