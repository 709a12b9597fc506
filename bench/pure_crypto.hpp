// What verifying one node costs at least: its public-key operations over OpenSSL and nothing else.
// No field is compared, no format checked, no reason given. Shares no code with attest/, so that it
// is a measure of it; uses OpenSSL as well as we know how: digests fetched once, contexts reused,
// keys made from their numbers.
//
// Every function throws std::runtime_error when a signature does not hold. For one thread.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdint>
#include <span>

#include "base/unique_handle.hpp"

namespace nodeproof::bench {

// Borrowed; as they travel.
struct PureInputs {
  std::span<const std::uint8_t> vcek, ask, ark;   // DER
  std::span<const std::uint8_t> report;           // 1184 bytes
  std::span<const std::uint8_t> ak_modulus;       // 256 bytes, big endian; e = 65537
  std::span<const std::uint8_t> quote;            // TPMS_ATTEST
  std::span<const std::uint8_t> quote_signature;  // 256 bytes
  std::span<const std::uint8_t> ak_certificate;   // DER; empty: the AK has none
  std::span<const std::uint8_t> ak_issuer;        // likewise
};

class PureCrypto {
 public:
  using Certificate = UniqueHandle<X509, X509_free>;
  using Key = UniqueHandle<EVP_PKEY, EVP_PKEY_free>;

  explicit PureCrypto(const PureInputs& inputs);

  // Three certificates parsed, two RSA-4096 links, the report, the AK, the quote; the AK's certificate, if it
  // has one, parsed and its link to a CA that is known.
  void cold();
  // The VCEK known: the report, the AK, the quote.
  void warm();
  // The AK known as well: the quote.
  void refresh();

 private:
  void verify_report(EVP_PKEY* vcek);
  Key make_ak() const;
  void verify_quote(EVP_PKEY* ak);
  void verify(EVP_PKEY* key, const EVP_MD* digest, std::span<const std::uint8_t> message,
              std::span<const std::uint8_t> signature);

  PureInputs inputs_;
  UniqueHandle<EVP_MD, EVP_MD_free> sha256_;
  UniqueHandle<EVP_MD, EVP_MD_free> sha384_;
  UniqueHandle<EVP_MD_CTX, EVP_MD_CTX_free> context_;
  UniqueHandle<EVP_PKEY_CTX, EVP_PKEY_CTX_free> rsa_;
  Certificate vcek_;
  Certificate ak_issuer_;  // null: the AK has no certificate
  Key ak_;
};

}  // namespace nodeproof::bench
