// Certificates with any extension, right or wrong, for tests of the parsers and of chains. Keys are
// EC P-256 unless given: made in no time.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "attest/crypto.hpp"
#include "base/or_throw.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof::testing_certificates {

using Key = std::shared_ptr<EVP_PKEY>;
inline Key make_key(const char* curve = "P-256") {
  return {EVP_EC_gen(curve), EVP_PKEY_free};
}
inline Key make_rsa_key() {
  return {EVP_RSA_gen(2048), EVP_PKEY_free};
}

struct RawExtension {
  std::string oid;
  Bytes content;
  bool critical = false;
};

struct Spec {
  std::string name = "Leaf";
  std::string issuer = "Root";
  std::string basic_constraints =
      {};  // as in openssl.cnf, for example "critical,CA:TRUE,pathlen:0"; empty: none
  std::string key_usage = {};
  std::string extended_key_usage = {};
  std::vector<std::string> policies = {};  // OIDs
  std::vector<RawExtension> raw = {};
  UnixTime from = vectors::kNow - std::chrono::hours(24);
  UnixTime until = vectors::kNow + std::chrono::hours(24 * 365);
  std::vector<std::string> more_common_names = {};
  const EVP_MD* hash = EVP_sha256();
  long serial = 1;
};

inline Spec ca(std::string name, std::string issuer, std::string constraints = "critical,CA:TRUE") {
  Spec spec;
  spec.name = std::move(name);
  spec.issuer = std::move(issuer);
  spec.basic_constraints = std::move(constraints);
  spec.key_usage = "critical,keyCertSign";
  return spec;
}

namespace detail {

inline void must(bool succeeded) {
  if (!succeeded) throw std::runtime_error("a test certificate could not be made");
}

inline void set_name(X509_NAME* name, const std::string& common_name) {
  must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                  reinterpret_cast<const unsigned char*>(common_name.data()),
                                  static_cast<int>(common_name.size()), -1, 0) == 1);
}

inline void add_standard(X509* certificate, int nid, const std::string& value) {
  if (value.empty()) return;
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()), X509_EXTENSION_free);
  must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

inline void add_policies(X509* certificate, const std::vector<std::string>& oids) {
  if (oids.empty()) return;
  const std::unique_ptr<CERTIFICATEPOLICIES, decltype(&CERTIFICATEPOLICIES_free)> policies(
      CERTIFICATEPOLICIES_new(), CERTIFICATEPOLICIES_free);
  for (const std::string& oid : oids) {
    POLICYINFO* policy = POLICYINFO_new();
    must(policy != nullptr && sk_POLICYINFO_push(policies.get(), policy) > 0);
    policy->policyid = OBJ_txt2obj(oid.c_str(), 1);
  }
  must(X509_add1_ext_i2d(certificate, NID_certificate_policies, policies.get(), 0, X509V3_ADD_DEFAULT) == 1);
}

inline void add_raw(X509* certificate, const RawExtension& raw) {
  const std::unique_ptr<ASN1_OBJECT, decltype(&ASN1_OBJECT_free)> object(OBJ_txt2obj(raw.oid.c_str(), 1),
                                                                         ASN1_OBJECT_free);
  const std::unique_ptr<ASN1_OCTET_STRING, decltype(&ASN1_OCTET_STRING_free)> content(ASN1_OCTET_STRING_new(),
                                                                                      ASN1_OCTET_STRING_free);
  must(ASN1_OCTET_STRING_set(content.get(), raw.content.data(), static_cast<int>(raw.content.size())) == 1);
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509_EXTENSION_create_by_OBJ(nullptr, object.get(), raw.critical ? 1 : 0, content.get()),
      X509_EXTENSION_free);
  must(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

}  // namespace detail

// The certificate of `key`, signed with `signer`.
inline attest::Certificate make(const Spec& spec, const Key& key, const Key& signer) {
  const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
  X509* certificate = made.get();
  detail::must(X509_set_version(certificate, X509_VERSION_3) == 1);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), spec.serial);
  ASN1_TIME_set(X509_getm_notBefore(certificate), to_unix(spec.from));
  ASN1_TIME_set(X509_getm_notAfter(certificate), to_unix(spec.until));
  detail::set_name(X509_get_subject_name(certificate), spec.name);
  for (const std::string& name : spec.more_common_names)
    detail::set_name(X509_get_subject_name(certificate), name);
  detail::set_name(X509_get_issuer_name(certificate), spec.issuer);
  detail::must(X509_set_pubkey(certificate, key.get()) == 1);
  detail::add_standard(certificate, NID_basic_constraints, spec.basic_constraints);
  detail::add_standard(certificate, NID_key_usage, spec.key_usage);
  detail::add_standard(certificate, NID_ext_key_usage, spec.extended_key_usage);
  detail::add_policies(certificate, spec.policies);
  for (const RawExtension& raw : spec.raw) detail::add_raw(certificate, raw);
  detail::must(X509_sign(certificate, signer.get(), spec.hash) > 0);
  Bytes der(static_cast<std::size_t>(i2d_X509(certificate, nullptr)));
  unsigned char* end = der.data();
  i2d_X509(certificate, &end);
  return or_throw(attest::Certificate::parse_der(der, spec.name));
}

inline attest::PublicKey public_key(const Key& key) {
  return attest::PublicKey(key);
}

}  // namespace nodeproof::testing_certificates
