#include "webhook/serving_pki.hpp"

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <stdexcept>

#include "base/or_throw.hpp"
#include "base/unique_handle.hpp"

namespace nodeproof::webhook {
namespace {

using attest::Certificate;
using BioHandle = UniqueHandle<BIO, BIO_free>;
using CertificateHandle = UniqueHandle<X509, X509_free>;
using ExtensionHandle = UniqueHandle<X509_EXTENSION, X509_EXTENSION_free>;
using KeyHandle = UniqueHandle<EVP_PKEY, EVP_PKEY_free>;
using NumberHandle = UniqueHandle<BIGNUM, BN_free>;

void require(bool succeeded, const char* what) {
  if (succeeded) return;
  ERR_clear_error();
  throw std::runtime_error(std::string("OpenSSL cannot ") + what);
}

Bytes content_of(BIO& memory) {
  char* start = nullptr;
  const long size = BIO_get_mem_data(&memory, &start);
  return to_bytes(as_bytes({start, static_cast<std::size_t>(size)}));
}

std::shared_ptr<EVP_PKEY> make_key() {
  std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  require(key != nullptr, "make a P-256 key");
  return key;
}

// An encrypted key must fail, not ask the terminal.
int no_password(char*, int, int, void*) noexcept {
  return -1;
}

// The key in `pem` that belongs to `certificate`. Errors say nothing of the key.
Result<std::shared_ptr<EVP_PKEY>> read_key(ByteView pem, const Certificate& certificate, const char* where) {
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  require(bio != nullptr, "read from memory");
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr),
                                EVP_PKEY_free);
  const bool fits = key != nullptr && X509_check_private_key(certificate.handle(), key.get()) == 1;
  ERR_clear_error();
  if (key == nullptr) return Error{Errc::kBadValue, where, "holds no private key in PEM without a password"};
  if (!fits) return Error{Errc::kBadValue, where, "is not the key of its certificate"};
  return key;
}

Bytes key_pem(EVP_PKEY& key) {
  const BioHandle bio(BIO_new(BIO_s_secmem()));
  require(bio != nullptr &&
              PEM_write_bio_PKCS8PrivateKey(bio.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "write a private key");
  return content_of(*bio);
}

void set_serial(X509& x509) {
  const NumberHandle serial(BN_new());
  // RFC 5280 4.1.2.2: positive, at most 20 octets.
  require(serial != nullptr && BN_rand(serial.get(), 159, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(&x509)) != nullptr,
          "draw a serial number");
}

CertificateHandle begin(const std::string& name, EVP_PKEY& key, UnixTime from, UnixTime until) {
  CertificateHandle x509(X509_new());
  const auto text = as_bytes(name);
  require(x509 != nullptr && X509_set_version(x509.get(), X509_VERSION_3) == 1 &&
              ASN1_TIME_set(X509_getm_notBefore(x509.get()), to_unix(from)) != nullptr &&
              ASN1_TIME_set(X509_getm_notAfter(x509.get()), to_unix(until)) != nullptr &&
              X509_NAME_add_entry_by_txt(X509_get_subject_name(x509.get()), "CN", MBSTRING_UTF8, text.data(),
                                         static_cast<int>(text.size()), -1, 0) == 1 &&
              X509_set_pubkey(x509.get(), &key) == 1,
          "begin a certificate");
  set_serial(*x509);
  return x509;
}

// `issuer`: the authority's certificate, or `x509` itself.
void extend(X509& x509, X509& issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &issuer, &x509, nullptr, nullptr, 0);
  const ExtensionHandle extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  require(extension != nullptr && X509_add_ext(&x509, extension.get(), -1) == 1, "extend a certificate");
}

Certificate sign(X509& x509, EVP_PKEY& key) {
  require(X509_sign(&x509, &key, EVP_sha256()) > 0, "sign a certificate");
  unsigned char* raw = nullptr;
  const int size = i2d_X509(&x509, &raw);
  require(size > 0, "encode a certificate");
  const Bytes der(raw, raw + size);
  OPENSSL_free(raw);
  return or_throw(Certificate::parse_der(der, "certificate of our own"));
}

bool is_address(const std::string& name) {
  const UniqueHandle<ASN1_OCTET_STRING, ASN1_OCTET_STRING_free> address(a2i_IPADDRESS(name.c_str()));
  ERR_clear_error();
  return address != nullptr;
}

// In the words of OpenSSL's configuration files; a name with a comma would begin another entry.
std::string alternative_names(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    require(!name.empty() && name.find_first_of(",:;=\n", is_address(name) ? name.size() : 0) == name.npos,
            "use this name in a certificate");
    out += (out.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
  }
  return out;
}

}  // namespace

const Certificate& ServingPki::issuer() const {
  return *std::find_if(authorities.begin(), authorities.end(),
                       [this](const Certificate& item) { return certificate.is_signed_by(item); });
}

Result<ServingPki> read_serving_pki(const wire::ServingSecret& secret) {
  NODEPROOF_TRY(authorities, attest::parse_certificates(secret.authorities, "ca.crt"));
  NODEPROOF_TRY(authority_key, read_key(secret.authority_key, authorities.front(), "ca.key"));
  NODEPROOF_TRY(chain, attest::parse_certificates(secret.certificate, "tls.crt"));
  NODEPROOF_TRY(key, read_key(secret.key, chain.front(), "tls.key"));
  for (const Certificate& authority : authorities) {
    if (!authority.may_issue(0)) return Error{Errc::kBadValue, "ca.crt", "holds what is no authority"};
  }
  if (std::none_of(authorities.begin(), authorities.end(),
                   [&](const Certificate& item) { return chain.front().is_signed_by(item); })) {
    return Error{Errc::kBadValue, "tls.crt", "was issued by none of ca.crt"};
  }
  return ServingPki{std::move(authorities), std::move(authority_key), std::move(chain.front()),
                    std::move(key)};
}

wire::ServingSecret to_secret(const ServingPki& pki) {
  return {to_pem(pki.authorities), key_pem(*pki.authority_key), to_pem(std::span(&pki.certificate, 1)),
          key_pem(*pki.key)};
}

Bytes to_pem(std::span<const Certificate> certificates) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  require(bio != nullptr, "write to memory");
  for (const Certificate& certificate : certificates)
    require(PEM_write_bio_X509(bio.get(), certificate.handle()) == 1, "write a certificate");
  return content_of(*bio);
}

Issued make_authority(UnixTime now, Seconds lifetime) {
  auto key = make_key();
  // Named by its time: a person tells two of one bundle apart.
  const auto x509 = begin("nodeproof-webhook-ca " + to_rfc3339(now), *key, now - kBackdate, now + lifetime);
  require(X509_set_issuer_name(x509.get(), X509_get_subject_name(x509.get())) == 1, "name an issuer");
  extend(*x509, *x509, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  extend(*x509, *x509, NID_key_usage, "critical,keyCertSign");
  extend(*x509, *x509, NID_subject_key_identifier, "hash");
  return {sign(*x509, *key), key};
}

Issued make_certificate(const Certificate& authority, EVP_PKEY& authority_key,
                        const std::vector<std::string>& names, UnixTime now, Seconds lifetime) {
  auto key = make_key();
  const UnixTime until = std::min(now + lifetime, authority.not_after());
  const auto x509 = begin("nodeproof-webhook", *key, now - kBackdate, until);
  X509& issuer = *authority.handle();
  require(X509_set_issuer_name(x509.get(), X509_get_subject_name(&issuer)) == 1, "name an issuer");
  extend(*x509, issuer, NID_basic_constraints, "critical,CA:FALSE");
  extend(*x509, issuer, NID_key_usage, "critical,digitalSignature");
  extend(*x509, issuer, NID_ext_key_usage, "serverAuth");
  extend(*x509, issuer, NID_subject_alt_name, alternative_names(names));
  extend(*x509, issuer, NID_authority_key_identifier, "keyid:always");
  return {sign(*x509, authority_key), key};
}

UnixTime made_at(const Certificate& certificate) {
  return certificate.not_before() + kBackdate;
}

bool covers(const Certificate& certificate, const std::vector<std::string>& names) {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) {
    const bool found = is_address(name) ? X509_check_ip_asc(certificate.handle(), name.c_str(), 0) == 1
                                        : X509_check_host(certificate.handle(), name.data(), name.size(),
                                                          X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1;
    ERR_clear_error();
    return found;
  });
}

}  // namespace nodeproof::webhook
