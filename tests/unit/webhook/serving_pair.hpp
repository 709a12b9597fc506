// Certificates and keys for a server on loopback, made at run time, and the files they lie in.
#pragma once

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "base/file.hpp"
#include "tests/support/forge.hpp"
#include "tests/support/temporary_folder.hpp"
#include "webhook/tls_material.hpp"

namespace nodeproof::webhook::test {

struct ServingPair {
  Bytes certificate;  // PEM
  Bytes key;
};

// A self-signed certificate for localhost with this serial number.
inline ServingPair make_serving_pair(const forge::PrivateKey& key, long serial,
                                     UnixTime until = forge::kNow + std::chrono::hours(24)) {
  const UniqueHandle<X509, X509_free> x509(X509_new());
  X509_NAME* name = X509_get_subject_name(x509.get());
  const bool made =
      X509_set_version(x509.get(), X509_VERSION_3) == 1 &&
      ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), serial) == 1 &&
      ASN1_TIME_set(X509_getm_notBefore(x509.get()), to_unix(until - std::chrono::hours(48))) != nullptr &&
      ASN1_TIME_set(X509_getm_notAfter(x509.get()), to_unix(until)) != nullptr &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, as_bytes("localhost").data(), -1, -1, 0) == 1 &&
      X509_set_issuer_name(x509.get(), name) == 1 && X509_set_pubkey(x509.get(), key.handle()) == 1 &&
      X509_sign(x509.get(), key.handle(), EVP_sha256()) > 0;
  unsigned char* raw = nullptr;
  const int size = made ? i2d_X509(x509.get(), &raw) : -1;
  if (size <= 0) throw std::runtime_error("cannot make a serving certificate");
  const Bytes der(raw, raw + size);
  OPENSSL_free(raw);
  return {forge::to_pem(attest::Certificate::parse_der(der, "serving certificate").value()), key.to_pem()};
}

// In a folder of its own that goes away with the object.
class PairFiles {
 public:
  PairFiles() = default;
  explicit PairFiles(const ServingPair& pair) { write(pair); }

  void write_certificate(ByteView pem) const { write_file(folder_ / "tls.crt", pem); }
  void write_key(ByteView pem) const { write_file(folder_ / "tls.key", pem, 0600); }
  void write(const ServingPair& pair) const {
    write_certificate(pair.certificate);
    write_key(pair.key);
  }
  TlsMaterial::Files files() const { return {folder_ / "tls.crt", folder_ / "tls.key"}; }

 private:
  nodeproof::test::TemporaryFolder folder_;
};

class FixedClock final : public Clock {
 public:
  explicit FixedClock(UnixTime now = forge::kNow) : now_(to_unix(now)) {}
  UnixTime now() const override { return from_unix(now_); }
  void set(UnixTime now) { now_ = to_unix(now); }

 private:
  std::atomic<std::int64_t> now_;
};

}  // namespace nodeproof::webhook::test
