#include "agent/quoter.hpp"

#include <gtest/gtest.h>

#include "agent/collector.hpp"
#include "attest/verify.hpp"
#include "tests/unit/agent/fakes.hpp"

namespace nodeproof::agent {
namespace {

class QuoterTest : public testing::Test {
 protected:
  wire::NodeEvidence evidence() {
    wire::NodeEvidence out;
    out.name = "node-1";
    out.boot = kBoot;
    out.platform = wire::kPlatformSnp;
    out.collected = epoch_of(3).epoch;
    out.hcl_report = boot_.hcl_report;
    return out;
  }

  FakeTpm tpm_;
  attest::BootEvidence boot_ = forge::make_boot_evidence(tpm_.world);
};

TEST_F(QuoterTest, MakesWhatTheVerifierAccepts) {
  const wire::PublishedEpoch epoch = epoch_of(9);
  const wire::NodeQuote quote = make_quote(tpm_, evidence(), epoch);
  EXPECT_EQ(quote.name, "node-1");
  EXPECT_EQ(quote.boot, kBoot);
  EXPECT_EQ(quote.epoch, epoch.epoch);
  EXPECT_EQ(quote.nonce, epoch.nonce);
  EXPECT_EQ(quote.evidence_digest, evidence().digest());
  EXPECT_EQ(quote.pcrs.size(), 15U);

  const auto anchors = forge::trust_anchors_of(tpm_.world);
  const auto references = forge::reference_values_of(tpm_.world);
  const auto boot = attest::verify_boot(boot_, {anchors, references, forge::kNow});
  const auto expected = attest::qualifying_data(epoch.epoch.kid, epoch.nonce, kBoot, evidence().digest());
  const auto verified = attest::verify_quote({quote.attest, quote.signature, quote.pcrs}, boot,
                                             {to_bytes(expected), false}, {attest::kNodeQuotePcrs, true});
  const attest::Finding* failed = attest::first_failed(verified.findings);
  EXPECT_EQ(failed, nullptr) << failed->code << ": " << failed->detail;
  EXPECT_TRUE(verified.claims);
}

TEST_F(QuoterTest, TriesAgainWhenAPcrMovedBetweenReadAndQuote) {
  tpm_.moving_reads = kQuoteTries - 1;
  const wire::NodeQuote quote = make_quote(tpm_, evidence(), epoch_of(9));
  EXPECT_EQ(tpm_.quotes, kQuoteTries);
  EXPECT_EQ(quote.pcrs.at(5), tpm_.pcrs.at(5));
}

TEST_F(QuoterTest, GivesUpWhenPcrsNeverHoldStill) {
  tpm_.moving_reads = 1000;
  try {
    make_quote(tpm_, evidence(), epoch_of(9));
    FAIL();
  } catch (const TpmError& e) {
    EXPECT_EQ(e.kind(), TpmErrorKind::kOther);
  }
  EXPECT_EQ(tpm_.quotes, kQuoteTries);
}

TEST_F(QuoterTest, PassesOnWhatTheTpmSays) {
  tpm_.quote_failure = TpmError(TpmErrorKind::kNoAk, "gone");
  EXPECT_THROW(make_quote(tpm_, evidence(), epoch_of(9)), TpmError);
}

}  // namespace
}  // namespace nodeproof::agent
