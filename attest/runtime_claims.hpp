// The runtime claims inside the HCL report (azure-evidence 2.1): JSON written by the paravisor.
#pragma once

#include <optional>
#include <string>

#include "attest/crypto.hpp"

namespace nodeproof::attest {

// secure_boot absent means "not proven", never false.
struct RuntimeClaims {
  PublicKey ak;              // HCLAkPub, chosen by kid
  std::string vm_unique_id;  // canonical lower-case UUID
  std::optional<bool> secure_boot;
  std::optional<bool> tpm_enabled;
  std::optional<ByteArray<64>> user_data;  // absent in captures of 2022/23
  Bytes ek_modulus;                        // of HCLEkPub, big endian; empty in captures of 2022/23
};

// Strict: UTF-8, one object, no duplicate key at any level, no trailing bytes; RSA-2048 with
// e = 65537 and a non-zero modulus for HCLAkPub and, where there is one, HCLEkPub, which is another key.
// Unknown members are tolerated: the set grows.
Result<RuntimeClaims> parse_runtime_claims(ByteView json);

// HCLAkPub alone, when the other members are not what they should be: lets a quote be looked at
// whose claims do not verify. Never a ground to accept anything.
Result<PublicKey> parse_claimed_ak(ByteView json);

}  // namespace nodeproof::attest
