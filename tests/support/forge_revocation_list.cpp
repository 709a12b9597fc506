#include <openssl/rsa.h>

#include "attest/openssl_scope.hpp"
#include "tests/support/forge.hpp"

namespace nodeproof::forge {
namespace {

using attest::require_openssl;

using List = UniqueHandle<X509_CRL, &X509_CRL_free>;
using Entry = UniqueHandle<X509_REVOKED, &X509_REVOKED_free>;
using Time = UniqueHandle<ASN1_TIME, &ASN1_TIME_free>;
using Number = UniqueHandle<ASN1_INTEGER, &ASN1_INTEGER_free>;
using DigestContext = UniqueHandle<EVP_MD_CTX, &EVP_MD_CTX_free>;
using Extension = UniqueHandle<X509_EXTENSION, &X509_EXTENSION_free>;

Time to_asn1(UnixTime time) {
  Time made(ASN1_TIME_set(nullptr, to_unix(time)));
  require_openssl(made != nullptr, "make a time");
  return made;
}

void revoke(X509_CRL* list, const attest::Certificate& certificate, UnixTime at) {
  Entry entry(X509_REVOKED_new());
  Number serial(ASN1_INTEGER_dup(X509_get0_serialNumber(certificate.handle())));
  require_openssl(entry != nullptr && serial != nullptr &&
                      X509_REVOKED_set_serialNumber(entry.get(), serial.get()) == 1 &&
                      X509_REVOKED_set_revocationDate(entry.get(), to_asn1(at).get()) == 1 &&
                      X509_CRL_add0_revoked(list, entry.get()) == 1,
                  "add to a revocation list");
  static_cast<void>(entry.release());
}

void add_critical_extension(X509_CRL* list) {
  const Extension extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_issuing_distribution_point, "critical,onlyuser:TRUE"));
  require_openssl(extension != nullptr && X509_CRL_add_ext(list, extension.get(), -1) == 1,
                  "add an extension to a revocation list");
}

void sign(X509_CRL* list, const PrivateKey& key) {
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* settings = nullptr;  // owned by `context`
  require_openssl(
      context != nullptr &&
          EVP_DigestSignInit(context.get(), &settings, EVP_sha384(), nullptr, key.handle()) == 1 &&
          EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) == 1 &&
          EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) == 1 &&
          X509_CRL_sign_ctx(list, context.get()) > 0,
      "sign a revocation list");
}

}  // namespace

Bytes make_revocation_list(const CertifiedKey& issuer, const RevocationListOptions& options) {
  const List list(X509_CRL_new());
  require_openssl(
      list != nullptr && X509_CRL_set_version(list.get(), X509_CRL_VERSION_2) == 1 &&
          X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(issuer.certificate.handle())) == 1 &&
          X509_CRL_set1_lastUpdate(list.get(), to_asn1(options.this_update).get()) == 1,
      "make a revocation list");
  if (options.next_update) {
    require_openssl(X509_CRL_set1_nextUpdate(list.get(), to_asn1(*options.next_update).get()) == 1,
                    "set nextUpdate");
  }
  for (const attest::Certificate& certificate : options.revoked) {
    revoke(list.get(), certificate, options.revoked_at);
  }
  if (options.with_critical_extension) add_critical_extension(list.get());
  if (options.by_stranger) {
    sign(list.get(), PrivateKey::rsa(2048));
  } else {
    sign(list.get(), issuer.key);
  }
  unsigned char* raw = nullptr;
  const int size = i2d_X509_CRL(list.get(), &raw);
  require_openssl(size > 0, "encode a revocation list");
  Bytes der(raw, raw + size);
  OPENSSL_free(raw);
  return der;
}

}  // namespace nodeproof::forge
