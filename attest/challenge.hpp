// Freshness without round trips (DESIGN 3.1): epochs, and the digests that tie a quote and a report
// to an epoch, a node and a boot. Fixed test vectors stand in tests/unit/attest/challenge_test.cpp.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace nodeproof::attest {

inline constexpr Seconds kDefaultEpochLength{30};

// Epoch n covers [n * length, (n + 1) * length) of Unix time.
std::uint64_t epoch_at(UnixTime time, Seconds length);
UnixTime epoch_start(std::uint64_t epoch, Seconds length);

using Nonce = ByteArray<32>;
using EpochKey = ByteArray<32>;
// HMAC-SHA256(K, "nodeproof/epoch/v1" || 0x00 || u64be(n))
Nonce epoch_nonce(const EpochKey& key, std::uint64_t epoch);

// Which node and which boot a quote or report speaks for. Both are canonical UUIDs.
struct BootIdentity {
  std::string node_uid;
  std::string boot_id;
  bool operator==(const BootIdentity&) const = default;
};

// One epoch of one key generation.
struct Epoch {
  std::string kid;
  std::uint64_t number = 0;
  bool operator==(const Epoch&) const = default;
};

// SHA-256, nodeproof/evidence/v1: platform, nodeUID, bootID, kid, u64be(m), HCL as framed, event log
Sha256Digest evidence_digest(std::string_view platform, const BootIdentity& boot, const Epoch& collected,
                             ByteView hcl_framed, ByteView event_log);
// SHA-256, nodeproof/quote/v1: kid, nonce(n), nodeUID, bootID, evidence digest
Sha256Digest qualifying_data(std::string_view kid, const Nonce& nonce, const BootIdentity& boot,
                             const Sha256Digest& evidence);
// SHA-512, nodeproof/report/v1: kid, nonce(m), nodeUID, bootID; written to NV 0x01400002
Sha512Digest report_challenge(std::string_view kid, const Nonce& nonce, const BootIdentity& boot);

// HMAC-SHA256(K, nodeproof/activate/v1: Name of the AK, SHA-256 of the EK's modulus, nodeUID): what a
// credential for this AK holds (activation.hpp).
ByteArray<32> activation_secret(const EpochKey& key, ByteView ak_name, const Sha256Digest& ek,
                                std::string_view node_uid);

}  // namespace nodeproof::attest
