// The fixed test vectors of DESIGN 3.1. They were computed apart from this code, by another
// language's library: changing one means that no agent and webhook of two versions understand each
// other.
#include "attest/challenge.hpp"

#include <gtest/gtest.h>

#include <numeric>

#include "attest/tpm_quote.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::uint64_t kEpoch = 59587200;  // 2026-08-25T00:00:00Z in epochs of 30 s
const BootIdentity kBoot{"0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"};

EpochKey counting_key() {
  EpochKey key{};
  std::iota(key.begin(), key.end(), std::uint8_t{0});
  return key;
}

Sha256Digest counted_evidence(ByteView event_log = {}) {
  return evidence_digest("azure-sev-snp", kBoot, {"k1", kEpoch}, as_bytes("HCLA"), event_log);
}

TEST(Challenge, NonceVector) {
  EXPECT_EQ(to_hex(epoch_nonce(counting_key(), kEpoch)),
            "f6fa9b4045e3fc1fb4983cfe4f7c118b6578416fb9052de9396e4febcb0f5648");
  EXPECT_EQ(to_hex(epoch_nonce(counting_key(), 0)),
            "d3b1016f32648ab3e26cfde77b16c0993f1d5d918de9027c84e441d8e7900859");
}

TEST(Challenge, EvidenceVector) {
  EXPECT_EQ(to_hex(counted_evidence()), "31e05d3db3f1a762eb11723e9768cbd21f9bc58f44cac76fcc985d681c6724fc");
  EXPECT_EQ(to_hex(counted_evidence(Bytes{1, 2, 3})),
            "f7525b34714d6df2c2b3735e271daf73f78094d6ab8044f182383677173c8e57");
}

TEST(Challenge, QuoteVector) {
  EXPECT_EQ(to_hex(qualifying_data("k1", epoch_nonce(counting_key(), kEpoch), kBoot, counted_evidence())),
            "7af3e39edb57b7297225024f6d8b835954312a4cf9771b0d300006db470a956e");
}

TEST(Challenge, ReportVector) {
  EXPECT_EQ(to_hex(report_challenge("k1", epoch_nonce(counting_key(), kEpoch), kBoot)),
            "d5ca6287f5f33926122f7a77c83a2577f5b8684011cb3a3bf85ce6e5eba84893"
            "38b7b53a88a1e30332cc3e61dc4e7398dea9b3f491c33750c8381fa7375b123e");
}

TEST(Challenge, ActivationVector) {
  const Bytes name = with_name_alg(sha256(as_bytes("ak")));
  const Sha256Digest ek = sha256(as_bytes("ek"));
  const auto secret = activation_secret(counting_key(), name, ek, kBoot.node_uid);
  EXPECT_EQ(to_hex(secret), "4619312d11847c83a7196a13fa09c6e3dc9ce91e861d93d0871a1221bb933740");
  EXPECT_NE(activation_secret(EpochKey{}, name, ek, kBoot.node_uid), secret);
  EXPECT_NE(activation_secret(counting_key(), with_name_alg(ek), ek, kBoot.node_uid), secret);
  EXPECT_NE(activation_secret(counting_key(), name, sha256(name), kBoot.node_uid), secret);
  EXPECT_NE(activation_secret(counting_key(), name, ek, kBoot.boot_id), secret);
}

TEST(Challenge, EveryFieldCounts) {
  const Nonce nonce = epoch_nonce(counting_key(), kEpoch);
  const Sha256Digest evidence = counted_evidence();
  const Bytes hcl = to_bytes(as_bytes("HCLA"));
  const BootIdentity other_node{kBoot.boot_id, kBoot.boot_id};
  const BootIdentity other_boot{kBoot.node_uid, kBoot.node_uid};
  for (const Sha256Digest& other : {evidence_digest("none", kBoot, {"k1", kEpoch}, hcl, {}),
                                    evidence_digest("azure-sev-snp", other_node, {"k1", kEpoch}, hcl, {}),
                                    evidence_digest("azure-sev-snp", other_boot, {"k1", kEpoch}, hcl, {}),
                                    evidence_digest("azure-sev-snp", kBoot, {"k2", kEpoch}, hcl, {}),
                                    evidence_digest("azure-sev-snp", kBoot, {"k1", kEpoch + 1}, hcl, {}),
                                    evidence_digest("azure-sev-snp", kBoot, {"k1", kEpoch}, {}, hcl)}) {
    EXPECT_NE(other, evidence);
  }
  const Sha256Digest quote = qualifying_data("k1", nonce, kBoot, evidence);
  for (const Sha256Digest& other :
       {qualifying_data("k2", nonce, kBoot, evidence), qualifying_data("k1", {}, kBoot, evidence),
        qualifying_data("k1", nonce, other_node, evidence),
        qualifying_data("k1", nonce, other_boot, evidence), qualifying_data("k1", nonce, kBoot, {})}) {
    EXPECT_NE(other, quote);
  }
  const Sha512Digest report = report_challenge("k1", nonce, kBoot);
  for (const Sha512Digest& other :
       {report_challenge("k2", nonce, kBoot), report_challenge("k1", {}, kBoot),
        report_challenge("k1", nonce, other_node), report_challenge("k1", nonce, other_boot)}) {
    EXPECT_NE(other, report);
  }
}

// Lengths are hashed too: bytes cannot move from one field to the next.
TEST(Challenge, FieldsDoNotRunIntoEachOther) {
  const auto digest = [](std::string_view hcl, std::string_view log) {
    return evidence_digest("none", kBoot, {"k1", 1}, as_bytes(hcl), as_bytes(log));
  };
  EXPECT_NE(digest("ab", "c"), digest("a", "bc"));
  EXPECT_NE(digest("abc", ""), digest("", "abc"));
}

TEST(Challenge, EpochsPartTime) {
  const UnixTime start = from_unix(1787616000);
  EXPECT_EQ(epoch_at(start, kDefaultEpochLength), kEpoch);
  EXPECT_EQ(epoch_at(start + Seconds(29), kDefaultEpochLength), kEpoch);
  EXPECT_EQ(epoch_at(start + Seconds(30), kDefaultEpochLength), kEpoch + 1);
  EXPECT_EQ(epoch_at(start - Seconds(1), kDefaultEpochLength), kEpoch - 1);
  EXPECT_EQ(epoch_at(start, Seconds(2)), kEpoch * 15);
  EXPECT_EQ(epoch_start(kEpoch, kDefaultEpochLength), start);
  EXPECT_EQ(epoch_at(from_unix(-1), kDefaultEpochLength), 0U);
}

}  // namespace
}  // namespace nodeproof::attest
