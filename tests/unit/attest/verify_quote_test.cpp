#include <gtest/gtest.h>

#include <functional>

#include "attest/verify.hpp"
#include "tests/support/forge.hpp"
#include "tests/unit/attest/listed.hpp"

namespace nodeproof::attest {
namespace {

using forge::QuoteOptions;
using forge::shared_world;

const Bytes kChallenge(32, 0x5a);
const RequiredPcrs kExact{kNodeQuotePcrs, true};

BootVerification boot_of(const forge::BootOptions& options) {
  const TrustAnchors anchors = forge::trust_anchors_of(shared_world());
  const ReferenceValues values = forge::reference_values_of(shared_world());
  return verify_boot(forge::make_boot_evidence(shared_world(), options),
                     {.anchors = anchors, .reference_values = values, .now = forge::kNow});
}

const BootVerification& boot() {
  static const BootVerification verified = boot_of({});
  return verified;
}

// For what is wrong in the quote alone: an event log would say so too.
const BootVerification& boot_without_log() {
  static const BootVerification verified = boot_of({.event_log = Bytes()});
  return verified;
}

QuoteVerification verify(const QuoteEvidence& evidence,
                         const ExpectedQualifyingData& expected = {kChallenge, false}) {
  return verify_quote(evidence, boot(), expected, kExact);
}

TEST(VerifyQuote, AcceptsWhatIsRight) {
  for (const bool tpmt : {true, false}) {
    const QuoteVerification result = verify(forge::make_quote(shared_world().ak, {.tpmt_signature = tpmt}));
    for (const Finding& finding : result.findings)
      EXPECT_EQ(finding.outcome, Outcome::kPassed) << finding.detail;
    ASSERT_TRUE(result.claims);
    EXPECT_EQ(result.claims->quote().clock, 60000U);
  }
}

// Those that the event log explains are read from there.
TEST(VerifyQuote, ClaimsEveryQuotedPcr) {
  const QuoteEvidence quote = forge::make_quote(shared_world().ak);
  for (const BootVerification* of : {&boot(), &boot_without_log()}) {
    const auto claims = verify_quote(quote, *of, {kChallenge, false}, kExact).claims;
    ASSERT_TRUE(claims);
    EXPECT_EQ(claims->log() != nullptr, of == &boot());
    for (unsigned pcr = 0; pcr < kPcrCount; ++pcr) {
      const Sha256Digest* value = claims->pcr(pcr);
      ASSERT_EQ(value != nullptr, kNodeQuotePcrs.contains(pcr)) << pcr;
      if (value != nullptr) {
        EXPECT_EQ(*value, quote.pcrs.at(pcr)) << pcr;
      }
    }
  }
}

struct RefusedCase {
  const char* name;
  Check check;
  std::string code;
  std::function<void(QuoteOptions&)> break_it;
};

void PrintTo(const RefusedCase& c, std::ostream* out) {
  *out << c.name;
}

class VerifyQuoteRefuses : public testing::TestWithParam<RefusedCase> {};

TEST_P(VerifyQuoteRefuses, ForTheCheckThatIsWrong) {
  QuoteOptions options;
  GetParam().break_it(options);
  const QuoteVerification result = verify_quote(forge::make_quote(shared_world().ak, options),
                                                boot_without_log(), {kChallenge, false}, kExact);
  const Finding* failure = first_failed(result.findings);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(name_of(failure->check), name_of(GetParam().check));
  EXPECT_EQ(failure->code, GetParam().code);
  EXPECT_NE(failure->remedy, "");
  for (const Finding& finding : result.findings) {
    if (&finding == failure) continue;
    EXPECT_NE(finding.outcome, Outcome::kFailed) << name_of(finding.check);
  }
  // Freshness is for the caller to judge from the findings.
  EXPECT_EQ(result.claims.has_value(), failure->check == Check::kQualifyingData);
}

INSTANTIATE_TEST_SUITE_P(
    Numbers10And11, VerifyQuoteRefuses,
    testing::Values(
        RefusedCase{"NotMadeByATpm", Check::kQuoteFormat, "bad-value",
                    [](QuoteOptions& o) { o.magic = 0x12345678; }},
        RefusedCase{"Certify", Check::kQuoteFormat, "unsupported", [](QuoteOptions& o) { o.type = 0x8017; }},
        RefusedCase{"OtherSigner", Check::kAkName, "mismatch",
                    [](QuoteOptions& o) { o.qualified_signer = Bytes(34, 0x0b); }},
        RefusedCase{"Sha1Bank", Check::kPcrSelection, "bank", [](QuoteOptions& o) { o.bank = 0x0004; }},
        RefusedCase{"OnlyPcr16", Check::kPcrSelection, "selection",
                    [](QuoteOptions& o) { o.selection = PcrSelection(1U << 16U); }},
        RefusedCase{"OnePcrLess", Check::kPcrSelection, "selection",
                    [](QuoteOptions& o) { o.selection = PcrSelection(kNodeQuotePcrs.bits() & ~(1U << 7U)); }},
        RefusedCase{"OnePcrMore", Check::kPcrSelection, "selection",
                    [](QuoteOptions& o) { o.selection = PcrSelection(kNodeQuotePcrs.bits() | 1U << 10U); }},
        RefusedCase{"OtherPcrs", Check::kPcrDigest, "mismatch",
                    [](QuoteOptions& o) { o.pcr_digest = Sha256Digest{}; }},
        RefusedCase{"OtherChallenge", Check::kQualifyingData, "mismatch",
                    [](QuoteOptions& o) { o.qualifying_data = Bytes(32, 0x5b); }},
        RefusedCase{"EmptyChallenge", Check::kQualifyingData, "empty",
                    [](QuoteOptions& o) { o.qualifying_data.clear(); }},
        RefusedCase{
            "OtherVm", Check::kVmId, "pcr6-mismatch",
            [](QuoteOptions& o) { o.pcrs = forge::make_pcrs("11111111-2222-3333-4444-555555555555"); }}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(VerifyQuote, RefusesAnotherAk) {
  const QuoteVerification result = verify(forge::make_quote(shared_world().other_ak));
  EXPECT_EQ(find(result.findings, Check::kQuoteSignature)->code, "invalid");
  EXPECT_EQ(find(result.findings, Check::kAkName)->code, "mismatch");
  EXPECT_FALSE(result.claims);
}

TEST(VerifyQuote, RefusesASoftwareKeyThatNamesTheRightSigner) {
  QuoteOptions options;
  options.qualified_signer = ak_qualified_name(shared_world().ak.rsa_modulus());
  const QuoteVerification result = verify(forge::make_quote(shared_world().other_ak, options));
  EXPECT_TRUE(has_passed(result.findings, Check::kAkName));
  EXPECT_FALSE(has_passed(result.findings, Check::kQuoteSignature));
}

TEST(VerifyQuote, NeedsAChallengeUnlessToldOtherwise) {
  const QuoteEvidence quote = forge::make_quote(shared_world().ak);
  const auto finding = [](const QuoteVerification& result) {
    return *find(result.findings, Check::kQualifyingData);
  };
  EXPECT_EQ(finding(verify(quote, {})).code, "no-challenge");
  EXPECT_EQ(finding(verify(quote, {})).outcome, Outcome::kFailed);
  EXPECT_EQ(finding(verify(quote, {{}, true})).outcome, Outcome::kNotChecked);
  EXPECT_EQ(finding(verify(quote, {Bytes{}, false})).outcome, Outcome::kFailed);
  const QuoteEvidence empty = forge::make_quote(shared_world().ak, {.qualifying_data = {}});
  EXPECT_EQ(finding(verify(empty, {{}, true})).code, "empty");
  EXPECT_EQ(finding(verify(empty, {Bytes{}, false})).code, "empty");
}

TEST(VerifyQuote, NeedsEveryQuotedValue) {
  QuoteEvidence evidence = forge::make_quote(shared_world().ak);
  evidence.pcrs = evidence.pcrs.only(PcrSelection(~(1U << 7U)));
  EXPECT_EQ(find(verify(evidence).findings, Check::kPcrDigest)->code, "missing");
}

TEST(VerifyQuote, LooksAtAQuoteEvenWhenTheReportFailed) {
  BootVerification none = boot();
  none.claims.reset();
  const QuoteVerification result =
      verify_quote(forge::make_quote(shared_world().ak), none, {kChallenge, false}, kExact);
  EXPECT_TRUE(has_passed(result.findings, Check::kQuoteSignature));
  none.unverified_ak.reset();
  const QuoteVerification blind =
      verify_quote(forge::make_quote(shared_world().ak), none, {kChallenge, false}, kExact);
  EXPECT_EQ(find(blind.findings, Check::kQuoteSignature)->code, "premise-failed");
  EXPECT_FALSE(blind.claims);
}

TEST(VerifyQuote, ACondensedBootServesAsWell) {
  BootVerification condensed = boot();
  condensed.condense();
  for (const Finding& finding : condensed.findings) EXPECT_NE(finding.outcome, Outcome::kPassed);
  const auto whole = verify_quote(forge::make_quote(shared_world().ak), boot(), {kChallenge, false}, kExact);
  const auto less =
      verify_quote(forge::make_quote(shared_world().ak), condensed, {kChallenge, false}, kExact);
  EXPECT_EQ(not_passed(less.findings), not_passed(whole.findings));
  ASSERT_TRUE(less.claims);
  const SnpReport& report = *boot().claims->confidential()->snp().report();
  const ReportClaims& kept = condensed.claims->confidential()->snp();
  EXPECT_EQ(kept.report(), nullptr);
  EXPECT_EQ(kept.guest_svn(), report.guest_svn);
  EXPECT_EQ(kept.measurement(), report.measurement);
  EXPECT_EQ(kept.chip_id(), report.chip_id);
  EXPECT_EQ(kept.reported_tcb(), report.reported_tcb);
  EXPECT_FALSE(
      verify_quote(forge::make_quote(shared_world().other_ak), condensed, {kChallenge, false}, kExact)
          .claims);
  // Without claims nothing is taken away: what failed must stay explained.
  BootVerification refused = boot();
  refused.claims.reset();
  const std::size_t findings = refused.findings.size();
  refused.condense();
  EXPECT_EQ(refused.findings.size(), findings);
}

TEST(VerifyQuote, NamesThePremiseThatFailed) {
  QuoteEvidence quote = forge::make_quote(shared_world().ak);
  quote.attest.clear();
  EXPECT_EQ(not_passed(verify(quote).findings),
            "quote-format/truncated ak-name/premise-failed quote-signature/invalid "
            "pcr-selection/premise-failed pcr-digest/premise-failed qualifying-data/premise-failed "
            "event-log-replay/premise-failed secure-boot/premise-failed vm-id/premise-failed");

  quote = forge::make_quote(shared_world().ak);
  BootVerification none = boot();
  none.unverified_ak.reset();
  EXPECT_EQ(not_passed(verify_quote(quote, none, {kChallenge, false}, kExact).findings),
            "ak-name/premise-failed quote-signature/premise-failed event-log-replay/premise-failed "
            "secure-boot/premise-failed vm-id/premise-failed");
  none = boot();
  none.unverified_vm.reset();
  EXPECT_EQ(not_passed(verify_quote(quote, none, {kChallenge, false}, kExact).findings),
            "vm-id/premise-failed");
  none = boot();
  none.findings.clear();
  none.claims.reset();
  EXPECT_EQ(not_passed(verify_quote(quote, none, {kChallenge, false}, kExact).findings),
            "vm-id/premise-failed");

  quote = forge::make_quote(shared_world().ak, {.bank = 0x0004});
  EXPECT_EQ(not_passed(verify(quote).findings),
            "pcr-selection/bank pcr-digest/premise-failed event-log-replay/premise-failed "
            "secure-boot/premise-failed vm-id/premise-failed");
}

TEST(VerifyQuote, RefusesEveryPrefix) {
  const QuoteEvidence whole = forge::make_quote(shared_world().ak);
  for (std::size_t size = 0; size < whole.attest.size(); ++size) {
    QuoteEvidence cut = whole;
    cut.attest.resize(size);
    ASSERT_EQ(find(verify(cut).findings, Check::kQuoteFormat)->outcome, Outcome::kFailed) << size;
  }
  QuoteEvidence longer = whole;
  longer.attest.push_back(0);
  EXPECT_EQ(find(verify(longer).findings, Check::kQuoteFormat)->code, "trailing-data");
  for (std::size_t size = 0; size < whole.signature.size(); ++size) {
    QuoteEvidence cut = whole;
    cut.signature.resize(size);
    ASSERT_FALSE(verify(cut).claims) << size;
  }
}

}  // namespace
}  // namespace nodeproof::attest
