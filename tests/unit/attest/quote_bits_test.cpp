// Every single bit of a quote that verifies, and of every field that our hashes cover. As
// boot_bits_test.cpp.
#include <gtest/gtest.h>

#include <set>

#include "attest/verify.hpp"
#include "tests/support/forge.hpp"
#include "tests/unit/attest/every_bit.hpp"

namespace nodeproof::attest {
namespace {

using forge::shared_world;

class EveryBitOfTheQuote : public testing::Test {
 protected:
  static const BootVerification& boot() {
    static const BootVerification verified = [] {
      const TrustAnchors anchors = forge::trust_anchors_of(shared_world());
      const ReferenceValues values = forge::reference_values_of(shared_world());
      return verify_boot(forge::make_boot_evidence(shared_world()),
                         {.anchors = anchors, .reference_values = values, .now = forge::kNow});
    }();
    return verified;
  }

  static QuoteVerification verify(const QuoteEvidence& evidence) {
    return verify_quote(evidence, boot(), {forge::QuoteOptions{}.qualifying_data, false},
                        {kNodeQuotePcrs, true});
  }

  // Of `bytes`, a part of quote_: any flip must be refused by `check`.
  void expect_refused(Bytes& bytes, Check check) {
    ASSERT_TRUE(verify(quote_).claims);
    with_each_bit_flipped(bytes, [&](std::size_t bit) {
      const QuoteVerification result = verify(quote_);
      EXPECT_FALSE(result.claims) << bit;
      EXPECT_EQ(find(result.findings, check)->outcome, Outcome::kFailed) << bit;
    });
  }

  QuoteEvidence quote_ = forge::make_quote(shared_world().ak);
};

TEST_F(EveryBitOfTheQuote, Attest) {
  expect_refused(quote_.attest, Check::kQuoteSignature);
}

TEST_F(EveryBitOfTheQuote, TpmtSignature) {
  expect_refused(quote_.signature, Check::kQuoteSignature);
}

TEST_F(EveryBitOfTheQuote, RawSignature) {
  quote_ = forge::make_quote(shared_world().ak, {.tpmt_signature = false});
  expect_refused(quote_.signature, Check::kQuoteSignature);
}

TEST_F(EveryBitOfTheQuote, PcrValues) {
  ASSERT_EQ(quote_.pcrs.size(), 15U);
  for (unsigned pcr = 0; pcr < kPcrCount; ++pcr) {
    if (!quote_.pcrs.contains(pcr)) continue;
    Sha256Digest& value = quote_.pcrs[pcr];
    for (std::size_t bit = 0; bit < value.size() * 8; ++bit) {
      const Sha256Digest original = value;
      value[bit / 8] = static_cast<std::uint8_t>(value[bit / 8] ^ 1U << bit % 8);
      const QuoteVerification result = verify(quote_);
      EXPECT_FALSE(result.claims) << pcr << " " << bit;
      EXPECT_EQ(find(result.findings, Check::kPcrDigest)->outcome, Outcome::kFailed) << pcr << " " << bit;
      value = original;
    }
  }
}

// The only free input: values that the quote does not select. They are not in the claims either.
TEST_F(EveryBitOfTheQuote, UnquotedPcrValuesCountForNothing) {
  quote_.pcrs[10] = Sha256Digest{1};
  quote_.pcrs[16] = Sha256Digest{2};
  const QuoteVerification result = verify(quote_);
  ASSERT_TRUE(result.claims);
  EXPECT_EQ(result.claims->pcr(10), nullptr);
  EXPECT_EQ(result.claims->pcr(16), nullptr);
}

// What our three hashes cover, each field as bytes so that each bit can be flipped.
struct HashedFields {
  Bytes platform = to_bytes(as_bytes("azure-sev-snp"));
  Bytes node_uid = to_bytes(as_bytes("11111111-2222-4333-8444-555555555555"));
  Bytes boot_id = to_bytes(as_bytes("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"));
  Bytes kid = to_bytes(as_bytes("0123456789abcdef"));
  Bytes epoch = Bytes(8, 0x11);
  Bytes hcl = forge::make_runtime_claims(shared_world().ak.rsa_modulus());  // any bytes will do
  Bytes event_log = Bytes(40, 0x22);
  Bytes nonce = Bytes(32, 0x33);
  Bytes digest = Bytes(32, 0x44);

  BootIdentity boot() const { return {std::string(as_text(node_uid)), std::string(as_text(boot_id))}; }
  std::string_view kid_text() const { return as_text(kid); }
  Nonce nonce_array() const { return to_array<32>(nonce, "nonce").value(); }

  Sha256Digest evidence() const {
    std::uint64_t number = 0;
    for (const std::uint8_t byte : epoch) number = number << 8U | byte;
    return evidence_digest(as_text(platform), boot(), {std::string(kid_text()), number}, hcl, event_log);
  }
  Sha256Digest quote() const {
    return qualifying_data(kid_text(), nonce_array(), boot(), to_array<32>(digest, "digest").value());
  }
  Sha512Digest report() const { return report_challenge(kid_text(), nonce_array(), boot()); }
};

// Every flip gives a digest of its own: none equals the original, no two are the same.
template <typename Digest>
void expect_every_bit_counts(Digest digest, std::initializer_list<Bytes HashedFields::*> fields) {
  HashedFields values;
  std::set<decltype(digest(values))> seen{digest(values)};
  std::size_t bits = 0;
  for (Bytes HashedFields::*const field : fields) {
    bits += (values.*field).size() * 8;
    with_each_bit_flipped(values.*field, [&](std::size_t) { seen.insert(digest(values)); });
  }
  EXPECT_EQ(seen.size(), bits + 1);
}

using Fields = HashedFields;

TEST(EveryBitOfTheHashes, EvidenceDigest) {
  expect_every_bit_counts([](const Fields& fields) { return fields.evidence(); },
                          {&Fields::platform, &Fields::node_uid, &Fields::boot_id, &Fields::kid,
                           &Fields::epoch, &Fields::hcl, &Fields::event_log});
}

TEST(EveryBitOfTheHashes, QualifyingData) {
  expect_every_bit_counts(
      [](const Fields& fields) { return fields.quote(); },
      {&Fields::kid, &Fields::nonce, &Fields::node_uid, &Fields::boot_id, &Fields::digest});
}

TEST(EveryBitOfTheHashes, ReportChallenge) {
  expect_every_bit_counts([](const Fields& fields) { return fields.report(); },
                          {&Fields::kid, &Fields::nonce, &Fields::node_uid, &Fields::boot_id});
}

TEST(EveryBitOfTheHashes, EpochNonce) {
  std::set<Nonce> seen{epoch_nonce({}, 0)};
  for (unsigned bit = 0; bit < 64; ++bit) seen.insert(epoch_nonce({}, std::uint64_t{1} << bit));
  for (unsigned bit = 0; bit < 256; ++bit) {
    EpochKey key{};
    key[bit / 8] = static_cast<std::uint8_t>(1U << bit % 8);
    seen.insert(epoch_nonce(key, 0));
  }
  EXPECT_EQ(seen.size(), 1U + 64U + 256U);
}

}  // namespace
}  // namespace nodeproof::attest
