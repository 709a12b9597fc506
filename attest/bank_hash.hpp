// The hash of a PCR bank, for many digests in a row: the algorithm is looked up and the context made once,
// which for a record of some hundred bytes costs more than hashing it. For attest's own .cpp files.
#pragma once

#include "attest/event_log.hpp"
#include "attest/openssl_scope.hpp"

namespace nodeproof::attest {

inline constexpr std::size_t kMaxHashSize = 64;

// A digest of any bank.
class HashValue {
 public:
  HashValue() = default;
  explicit HashValue(std::size_t size, std::uint8_t fill = 0) : size_(size) { bytes_.fill(fill); }
  operator ByteView() const { return {bytes_.data(), size_}; }  // NOLINT(google-explicit-*): it is one
  std::uint8_t* data() { return bytes_.data(); }
  std::size_t size() const { return size_; }

 private:
  ByteArray<kMaxHashSize> bytes_{};
  std::size_t size_ = 0;
};

// For one thread, inside an OpensslScope.
class BankHash {
 public:
  // kUnsupported for a bank whose hash has no name here or is not offered by OpenSSL.
  static Result<BankHash> make(std::uint16_t bank);

  std::uint16_t bank() const { return bank_; }
  std::size_t size() const { return size_; }
  HashValue of(ByteView data) { return of(data, {}); }
  // pcr = H(pcr || digest), TPM 2.0 part 1, 17.2.
  void extend(HashValue& pcr, ByteView digest) { pcr = of(pcr, digest); }
  bool covers(ByteView digest, ByteView data) { return equal(of(data), digest); }

 private:
  BankHash() = default;
  HashValue of(ByteView first, ByteView second);

  std::uint16_t bank_ = 0;
  std::size_t size_ = 0;
  UniqueHandle<EVP_MD, EVP_MD_free> algorithm_;
  UniqueHandle<EVP_MD_CTX, EVP_MD_CTX_free> context_;
};

}  // namespace nodeproof::attest
