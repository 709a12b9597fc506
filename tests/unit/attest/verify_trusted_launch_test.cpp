#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/verify.hpp"
#include "tests/support/forge_event_log.hpp"
#include "tests/support/vectors.hpp"
#include "tests/unit/attest/listed.hpp"

namespace nodeproof::attest {
namespace {

using forge::kNow;
using forge::shared_world;
using ::testing::HasSubstr;

const Bytes kChallenge(32, 0x5a);

BootVerification verify(const TrustedLaunchEvidence& evidence, bool strict = false) {
  const TrustAnchors anchors = forge::trust_anchors_of(shared_world());
  const ReferenceValues none;
  return verify_trusted_launch(
      evidence, {.anchors = anchors, .reference_values = none, .now = kNow, .trusted_launch_strict = strict});
}

BootVerification boot_of(const forge::TrustedLaunchOptions& options = {}, bool strict = false) {
  return verify(forge::make_trusted_launch_evidence(shared_world(), options), strict);
}

QuoteVerification quote_of(const BootVerification& boot, const forge::QuoteOptions& options = {}) {
  return verify_quote(forge::make_quote(shared_world().ak, options), boot, {kChallenge, false},
                      {kNodeQuotePcrs, true});
}

// ---- Number 8 and 15 ------------------------------------------------------------------------------

TEST(VerifyTrustedLaunch, AcceptsWhatIsRight) {
  const BootVerification boot = boot_of();
  EXPECT_EQ(not_passed(boot.findings), "");
  ASSERT_EQ(boot.findings.size(), 2U) << "only numbers 8 and 15 apply";
  ASSERT_TRUE(boot.claims);
  EXPECT_EQ(boot.claims->node_class(), NodeClass::kTrustedLaunch);
  EXPECT_EQ(boot.claims->confidential(), nullptr);
  EXPECT_TRUE(boot.claims->ak_resident());
  const QuoteVerification quote = quote_of(boot);
  EXPECT_EQ(not_passed(quote.findings), "");
  ASSERT_TRUE(quote.claims);
  EXPECT_EQ(quote.claims->measured_boot(), MeasuredBoot::kVerified);
  EXPECT_EQ(secure_boot_of(*boot.claims, *quote.claims), true);
  EXPECT_EQ(vm_id_of(*boot.claims, *quote.claims), forge::kVmId);
}

TEST(VerifyTrustedLaunch, NothingHoldsWithoutTheCertificate) {
  const BootVerification none = boot_of({.with_ak_certificate = false});
  EXPECT_EQ(not_passed(none.findings), "ak-certificate/no-ak-certificate ak-residency/no-ak-certificate");
  EXPECT_FALSE(none.claims);
  const QuoteVerification quote = quote_of(none);
  EXPECT_EQ(find(quote.findings, Check::kQuoteSignature)->code, "premise-failed");
  EXPECT_THAT(find(quote.findings, Check::kQuoteSignature)->detail, HasSubstr("ak-certificate"));
  EXPECT_FALSE(quote.claims);

  const BootVerification confidential = boot_of({.ak_certificate = {}});
  EXPECT_EQ(not_passed(confidential.findings), "ak-certificate/wrong-node-class ak-residency/premise-failed");
  EXPECT_FALSE(confidential.claims);
}

TEST(VerifyTrustedLaunch, ACertificateForAKeyThatNoVtpmHasIsRefused) {
  TrustedLaunchEvidence evidence = forge::make_trusted_launch_evidence(shared_world());
  evidence.ak_certificate = forge::issue_vcek(shared_world().amd).certificate;  // of a P-384 key
  EXPECT_EQ(not_passed(verify(evidence).findings),
            "ak-certificate/wrong-key-type ak-residency/premise-failed");
}

TEST(VerifyTrustedLaunch, ACertificateForAnotherKeyIsTakenBackByTheQuote) {
  const BootVerification boot = boot_of({.certify_other_ak = true});
  EXPECT_EQ(not_passed(boot.findings), "");
  const QuoteVerification quote = quote_of(boot);
  Findings all = boot.findings;
  supersede(all, quote.findings);
  EXPECT_EQ(find(all, Check::kAkCertificate)->code, "key-mismatch");
  EXPECT_EQ(find(all, Check::kAkResidency)->code, "premise-failed");
  EXPECT_EQ(find(all, Check::kQuoteSignature)->code, "invalid");
  EXPECT_FALSE(quote.claims);
}

TEST(VerifyTrustedLaunch, WhatIsNotEstablishedOfThisClassIsOpenUnlessStrict) {
  const forge::QuoteOptions other_signer{.qualified_signer = Bytes(34, 1)};
  const QuoteVerification open = quote_of(boot_of(), other_signer);
  EXPECT_EQ(not_passed(open.findings), "ak-name/mismatch");
  EXPECT_EQ(find(open.findings, Check::kAkName)->outcome, Outcome::kNotChecked);
  EXPECT_TRUE(open.claims);
  const QuoteVerification strict = quote_of(boot_of({}, true), other_signer);
  EXPECT_EQ(find(strict.findings, Check::kAkName)->outcome, Outcome::kFailed);
  EXPECT_FALSE(strict.claims);
}

// The one recorded capture: quoted by a key that was made in the guest, beside the AK's certificate.
TEST(VerifyTrustedLaunch, TheRecordedInGuestAkIsRefused) {
  NODEPROOF_NEED_VECTORS();
  const std::filesystem::path folder = "azure-trusted-launch/in-guest-ak-2026-07-27";
  const Bytes der = cut_der(vectors::file(folder / "ak-cert-of-another-key.der"), "ak").value();
  TrustedLaunchEvidence evidence;
  evidence.ak_certificate = Certificate::parse_der(der, "ak").value();
  const TrustAnchors anchors = built_in_trust_anchors();
  const ReferenceValues none;
  const BootVerification boot =
      verify_trusted_launch(evidence, {.anchors = anchors, .reference_values = none, .now = vectors::kNow});
  EXPECT_EQ(not_passed(boot.findings), "") << "the certificate itself is Microsoft's";
  const QuoteVerification quote =
      verify_quote({vectors::file(folder / "quote.msg"), vectors::file(folder / "quote.sig"),
                    parse_pcrs(vectors::file(folder / "pcrs.bin")).value()},
                   boot, {std::nullopt, true}, {});
  EXPECT_EQ(find(quote.findings, Check::kAkCertificate)->code, "key-mismatch");
  EXPECT_FALSE(quote.claims);
}

// ---- Numbers 12 and 13, of either class ---------------------------------------------------------

struct LogRow {
  std::string name;
  Bytes log;
  PcrValues pcrs;
  std::string want;  // "check/code" of what did not pass of the quote's findings
  MeasuredBoot measured = MeasuredBoot::kVerified;
  std::optional<bool> secure_boot = true;
};

forge::ForgedEventLog edited(std::function<void(EventLog&)> edit) {
  return forge::make_event_log({.edit = std::move(edit)});
}

std::vector<LogRow> log_rows() {
  const forge::ForgedEventLog right = forge::make_event_log();
  const forge::ForgedEventLog off = forge::make_event_log({.secure_boot = false});
  const forge::ForgedEventLog no_id = edited([](EventLog& log) {
    std::erase_if(log.events, [](const LogEvent& event) { return event.pcr == 6 && event.type == 0x0C; });
  });
  const forge::ForgedEventLog bad_separator = edited([](EventLog& log) {
    for (LogEvent& event : log.events) {
      if (event.pcr == 7 && event.type == kEvSeparator) event.data = Bytes(4, 0xff);
    }
  });
  const PcrValues other_kernel = forge::make_event_log({.kernel = "another"}).pcrs;
  PcrValues later = right.pcrs;
  later[11].fill(1);  // systemd measures there after the log has ended
  PcrValues unlogged = right.pcrs;
  unlogged[14].fill(1);
  return {
      {"right", right.log, right.pcrs, ""},
      {"secure_boot_off", off.log, off.pcrs, "", MeasuredBoot::kVerified, false},
      {"pcr_11_moves_later", right.log, later, ""},
      {"none",
       {},
       right.pcrs,
       "event-log-replay/no-event-log secure-boot/no-event-log vm-id/no-event-log",
       MeasuredBoot::kNoLog,
       std::nullopt},
      {"unreadable", Bytes(60, 7), right.pcrs,
       "event-log-replay/bad-value secure-boot/premise-failed vm-id/premise-failed", MeasuredBoot::kUnknown,
       std::nullopt},
      {"another_kernel", right.log, other_kernel,
       "event-log-replay/mismatch secure-boot/premise-failed vm-id/premise-failed", MeasuredBoot::kMismatch,
       std::nullopt},
      {"pcr_14_differs", right.log, unlogged,
       "event-log-replay/mismatch secure-boot/premise-failed vm-id/premise-failed", MeasuredBoot::kMismatch,
       std::nullopt},
      {"no_vm_id", no_id.log, no_id.pcrs, "vm-id/not-measured"},
      {"separator_of_an_error", bad_separator.log, bad_separator.pcrs, "secure-boot/unprovable",
       MeasuredBoot::kVerified, std::nullopt},
  };
}

TEST(EventLogOfAQuote, IsHeldAgainstItsPcrs) {
  for (const LogRow& row : log_rows()) {
    const BootVerification boot = boot_of({.event_log = row.log});
    const QuoteVerification quote = quote_of(boot, {.pcrs = row.pcrs});
    EXPECT_EQ(not_passed(quote.findings), row.want) << row.name;
    ASSERT_TRUE(quote.claims) << row.name;
    EXPECT_EQ(to_string(quote.claims->measured_boot()), to_string(row.measured)) << row.name;
    EXPECT_EQ(secure_boot_of(*boot.claims, *quote.claims), row.secure_boot) << row.name;
    EXPECT_EQ(quote.claims->log() != nullptr, row.measured == MeasuredBoot::kVerified) << row.name;
  }
}

TEST(EventLogOfAQuote, EveryPcrThatFirmwareMeasuresCounts) {
  const forge::ForgedEventLog right = forge::make_event_log();
  const BootVerification boot = boot_of({.event_log = right.log});
  for (unsigned pcr = 0; pcr < kPcrCount; ++pcr) {
    if (!kNodeQuotePcrs.contains(pcr)) continue;
    PcrValues pcrs = right.pcrs;
    pcrs[pcr][31] ^= 1;
    const QuoteVerification quote = quote_of(boot, {.pcrs = pcrs});
    const Finding& finding = *find(quote.findings, Check::kEventLogReplay);
    const bool must = pcr <= 9 || pcr == 14;
    EXPECT_EQ(finding.outcome, must ? Outcome::kFailed : Outcome::kPassed) << pcr;
    if (must) {
      EXPECT_THAT(finding.detail,
                  HasSubstr("PCR " + std::to_string(pcr) + " is " + to_hex(pcrs.at(pcr)).substr(0, 16)));
    }
  }
}

TEST(EventLogOfAQuote, IsAboutNothingWhenTheQuoteProvesNothing) {
  const BootVerification boot = boot_of();
  const QuoteVerification quote = quote_of(boot, {.pcr_digest = Sha256Digest{}});
  for (const Check check : {Check::kEventLogReplay, Check::kSecureBoot, Check::kVmId})
    EXPECT_EQ(find(quote.findings, check)->code, "premise-failed") << name_of(check);
}

TEST(EventLogOfAQuote, OnAConfidentialNodeTheParavisorMustAgree) {
  const TrustAnchors anchors = forge::trust_anchors_of(shared_world());
  const ReferenceValues values = forge::reference_values_of(shared_world());
  const forge::ForgedEventLog off = forge::make_event_log({.secure_boot = false});
  for (const std::optional<bool> stated :
       {std::optional(true), std::optional(false), std::optional<bool>()}) {
    const BootVerification boot = verify_boot(
        forge::make_boot_evidence(shared_world(), {.claims = {.secure_boot = stated}, .event_log = off.log}),
        {.anchors = anchors, .reference_values = values, .now = kNow});
    const QuoteVerification quote = quote_of(boot, {.pcrs = off.pcrs});
    const bool disagrees = stated == true;
    EXPECT_EQ(not_passed(quote.findings), disagrees ? "secure-boot/disagrees" : "");
    ASSERT_TRUE(quote.claims);
    EXPECT_EQ(secure_boot_of(*boot.claims, *quote.claims), stated)
        << "the hardware signs the paravisor's word";
  }
}

}  // namespace
}  // namespace nodeproof::attest
