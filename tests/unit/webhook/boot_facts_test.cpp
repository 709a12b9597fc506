#include "webhook/boot_facts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/uuid.hpp"
#include "tests/support/forge_event_log.hpp"
#include "tests/unit/webhook/forged_node.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using testing::kOtherUuid;
using testing::make_evidence;
using testing::make_quote;
using testing::make_trusted_launch;
using testing::Scene;
using wire::Phase;

Scene scene_of(wire::NodeEvidence evidence, const attest::PcrValues& pcrs = forge::make_pcrs()) {
  Scene out;
  out.quote = Result<wire::NodeQuote>(make_quote(evidence, {.options = {.pcrs = pcrs}}));
  out.evidence = Result<wire::NodeEvidence>(std::move(evidence));
  return out;
}

Scene scene_with_log(const forge::EventLogOptions& options) {
  const forge::ForgedEventLog boot = forge::make_event_log(options);
  return scene_of(make_trusted_launch({.event_log = boot.log}), boot.pcrs);
}

std::string facts(const NodeTrust& trust) {
  const BootFacts f = boot_facts_of(trust);
  return f.trusted_launch + " / " + f.secure_boot + " / " + f.vtpm + " / " + f.measured_boot;
}

const attest::Finding* finding(const NodeTrust& trust, attest::Check check) {
  return attest::find(trust.findings, check);
}

// ---- A Trusted Launch node ----------------------------------------------------------------------

TEST(TrustedLaunchNode, IsVerifiedByCertificateQuoteAndLog) {
  const NodeTrust trust = scene_of(make_trusted_launch()).judge();
  ASSERT_EQ(trust.phase, Phase::kVerified) << trust.code << ": " << trust.detail;
  EXPECT_EQ(facts(trust), "verified / enabled / verified / verified");
  EXPECT_EQ(attest::vm_id_of(trust.claims->boot, trust.claims->quote), forge::kVmId);
  EXPECT_THAT(coverage_of(*trust.claims), Contains(HasSubstr("proves nothing against the host")));
}

TEST(TrustedLaunchNode, SecureBootOffIsToldAndNoFailure) {
  const NodeTrust trust = scene_with_log({.secure_boot = false}).judge();
  EXPECT_EQ(trust.phase, Phase::kVerified) << trust.detail;
  EXPECT_EQ(facts(trust), "failed / disabled / verified / verified");
}

TEST(TrustedLaunchNode, WithoutALogNothingIsSaidOfTheBoot) {
  const NodeTrust trust = scene_of(make_trusted_launch({.event_log = Bytes()})).judge();
  EXPECT_EQ(trust.phase, Phase::kVerified) << trust.detail;
  EXPECT_EQ(facts(trust), "unknown / unknown / verified / no-log");
  EXPECT_EQ(finding(trust, attest::Check::kVmId)->code, "no-event-log");
}

TEST(TrustedLaunchNode, ALogThatCannotBeReadLeavesTheBootUnknown) {
  const NodeTrust trust = scene_of(make_trusted_launch({.event_log = Bytes(40, 1)})).judge();
  EXPECT_EQ(trust.phase, Phase::kVerified) << trust.detail;
  EXPECT_EQ(facts(trust), "unknown / unknown / verified / unknown");
  EXPECT_EQ(finding(trust, attest::Check::kEventLogReplay)->outcome, attest::Outcome::kFailed);
}

TEST(TrustedLaunchNode, ATamperedBootFailsWithTheMeasurement) {
  const NodeTrust trust =
      scene_of(make_trusted_launch(), forge::make_event_log({.kernel = "another one"}).pcrs).judge();
  EXPECT_EQ(trust.phase, Phase::kFailed);
  EXPECT_EQ(trust.code, "event-log-replay");
  EXPECT_EQ(facts(trust), "failed / unknown / unverified / mismatch");
  EXPECT_THAT(trust.detail, HasSubstr("PCR 4 is "));
  EXPECT_THAT(trust.detail, HasSubstr("ending in EV_"));
}

TEST(TrustedLaunchNode, NeedsACertificateOfItsClass) {
  Scene none = scene_of(make_trusted_launch({.with_ak_certificate = false}));
  EXPECT_EQ(none.judge().phase, Phase::kPending);
  EXPECT_EQ(none.judge().code, "ak-residency");
  const NodeTrust confidential = scene_of(make_trusted_launch({.ak_certificate = {}})).judge();
  EXPECT_EQ(confidential.phase, Phase::kFailed);
  EXPECT_EQ(confidential.code, "ak-certificate");
  EXPECT_EQ(finding(confidential, attest::Check::kAkCertificate)->code, "wrong-node-class");
  const NodeTrust reverse =
      scene_of(make_evidence({.ak_certificate = forge::kTrustedLaunchCertificate})).judge();
  EXPECT_EQ(reverse.phase, Phase::kFailed);
  EXPECT_EQ(finding(reverse, attest::Check::kAkCertificate)->code, "wrong-node-class");
}

TEST(TrustedLaunchNode, AnotherKeyThanTheCertifiedOneFails) {
  Scene scene = scene_of(make_trusted_launch({.certify_other_ak = true}));
  const NodeTrust trust = scene.judge();
  EXPECT_EQ(trust.phase, Phase::kFailed);
  EXPECT_EQ(trust.code, "quote-signature");
  EXPECT_EQ(finding(trust, attest::Check::kAkCertificate)->code, "key-mismatch");
}

// What is established for confidential VMs alone is left open here, unless an admin says otherwise.
TEST(TrustedLaunchNode, FormsThatAreNotEstablishedAreLeftOpenUnlessStrict) {
  Scene other_signer = scene_of(make_trusted_launch());
  other_signer.quote = Result<wire::NodeQuote>(
      make_quote(**other_signer.evidence, {.options = {.qualified_signer = Bytes(34, 1)}}));
  EXPECT_EQ(other_signer.judge().phase, Phase::kVerified) << other_signer.judge().detail;
  EXPECT_EQ(finding(other_signer.judge(), attest::Check::kAkName)->outcome, attest::Outcome::kNotChecked);
  other_signer.strict = true;
  EXPECT_EQ(other_signer.judge().code, "ak-name");

  Scene other_vm = scene_of(make_trusted_launch());
  other_vm.system_uuid = kOtherUuid;
  EXPECT_EQ(other_vm.judge().phase, Phase::kVerified);
  EXPECT_EQ(finding(other_vm.judge(), attest::Check::kVmId)->code, "other-vm");
  other_vm.strict = true;
  EXPECT_EQ(other_vm.judge().phase, Phase::kFailed);
  EXPECT_EQ(other_vm.judge().code, "vm-id");

  Scene no_id = scene_with_log({.edit = [](attest::EventLog& log) {
    std::erase_if(log.events, [](const attest::LogEvent& e) { return e.pcr == 6 && e.type == 0x0C; });
  }});
  EXPECT_EQ(no_id.judge().phase, Phase::kVerified) << no_id.judge().detail;
  EXPECT_EQ(finding(no_id.judge(), attest::Check::kVmId)->code, "not-measured");
  no_id.strict = true;
  EXPECT_EQ(no_id.judge().code, "vm-id");
}

// ---- The VM -------------------------------------------------------------------------------------

TEST(SystemUuid, CountsInEitherByteOrderAndIsMissedWhenAbsent) {
  Scene scene;
  scene.system_uuid = swapped_uuid(forge::kVmId);
  EXPECT_EQ(scene.judge().phase, Phase::kVerified);
  EXPECT_EQ(finding(scene.judge(), attest::Check::kVmId), nullptr);
  scene.system_uuid.clear();
  EXPECT_EQ(scene.judge().phase, Phase::kVerified);
  EXPECT_EQ(finding(scene.judge(), attest::Check::kVmId)->code, "no-system-uuid");
}

// ---- A confidential node, and what no claims tell -------------------------------------------------

TEST(BootFacts, OfAConfidentialNode) {
  EXPECT_EQ(facts(Scene().judge()), "verified / enabled / verified / verified");
  Scene off =
      scene_of(make_evidence({.claims = {.secure_boot = false}}), forge::make_pcrs(forge::kVmId, false));
  EXPECT_EQ(facts(off.judge()), "failed / disabled / verified / verified");
  // The paravisor's word stands without a log.
  const NodeTrust no_log = scene_of(make_evidence({.event_log = Bytes()})).judge();
  EXPECT_EQ(facts(no_log), "unknown / enabled / verified / no-log");
  EXPECT_THAT(coverage_of(*no_log.claims), Contains(HasSubstr("without the event log as a second witness")));
  const NodeTrust no_certificate = scene_of(make_evidence({.with_ak_certificate = false})).judge();
  EXPECT_EQ(facts(no_certificate), "unknown / enabled / unverified / verified");
  EXPECT_THAT(coverage_of(*no_certificate.claims), Contains(HasSubstr("may be invented")));
}

TEST(BootFacts, AnUnprovableLogIsAFindingAndNoFailure) {
  const auto boot = forge::make_event_log({.edit = [](attest::EventLog& log) {
    for (attest::LogEvent& event : log.events) {
      if (event.pcr == 7 && event.type == attest::kEvSeparator) event.data = Bytes(4, 0xff);
    }
  }});
  const NodeTrust trust = scene_of(make_trusted_launch({.event_log = boot.log}), boot.pcrs).judge();
  EXPECT_EQ(trust.phase, Phase::kVerified) << trust.detail;
  EXPECT_EQ(facts(trust), "unknown / unknown / verified / verified");
  EXPECT_EQ(finding(trust, attest::Check::kSecureBoot)->code, "unprovable");
}

TEST(BootFacts, WithoutClaimsLittleIsSaid) {
  Scene scene;
  scene.evidence.reset();
  EXPECT_EQ(facts(scene.judge()), "unknown / unknown / unverified / unknown");
  Scene no_tpm;
  (*no_tpm.evidence)->platform = "none";
  (*no_tpm.evidence)->collection.code = "no-tpm";
  EXPECT_EQ(facts(no_tpm.judge()), "unknown / unknown / absent / unknown");
  Scene swapped;
  (*swapped.quote)->signature.back() ^= 1;
  EXPECT_EQ(facts(swapped.judge()), "failed / unknown / unverified / unknown");
}

// ---- From one boot to the next ----------------------------------------------------------------------

Scene rebooted(const Scene& before, const forge::EventLogOptions& options) {
  Scene out = scene_with_log(options);
  out.last_boot = before.verified_boot();
  out.node.boot_id = kOtherUuid;
  (*out.evidence)->boot.boot_id = kOtherUuid;
  const forge::ForgedEventLog boot = forge::make_event_log(options);
  out.quote = Result<wire::NodeQuote>(make_quote(**out.evidence, {.options = {.pcrs = boot.pcrs}}));
  return out;
}

TEST(LogChange, NamesTheFirstMeasurementThatDiffers) {
  const Scene first = scene_with_log({});
  EXPECT_EQ(first.judge().log_change, "");
  const Scene same = rebooted(first, {});
  EXPECT_EQ(same.judge().phase, Phase::kVerified) << same.judge().detail;
  EXPECT_EQ(same.judge().log_change, "");
  Scene other = rebooted(first, {.command_line = "root=/dev/sda1 init=/bin/sh"});
  const NodeTrust trust = other.judge();
  EXPECT_EQ(trust.phase, Phase::kVerified) << trust.detail;
  EXPECT_THAT(trust.log_change, HasSubstr("PCR 8"));
  // Verified anew within the same boot, it is still the same change.
  other.last_boot = other.verified_boot();
  other.now = testing::kNow + kVerificationLifetime + Seconds(5);
  EXPECT_EQ(other.verified_boot()->log_change, trust.log_change);
}

TEST(LogChange, IsNotSaidOfAnotherImageOrAnotherNode) {
  const Scene first = scene_with_log({});
  Scene other = rebooted(first, {.kernel = "x"});
  const auto verify = [&](const wire::NodeEvidence& evidence, std::string_view image) {
    return verify_evidence(evidence, image_key(image), first.verified_boot(), other.keys,
                           testing::parameters(), other.now);
  };
  EXPECT_NE(verify(**other.evidence, "image-1")->log_change, "");
  EXPECT_EQ(verify(**other.evidence, "image-2")->log_change, "");
  wire::NodeEvidence reimaged = **other.evidence;
  reimaged.boot.node_uid = kOtherUuid;
  EXPECT_EQ(verify(reimaged, "image-1")->log_change, "");
}

}  // namespace
}  // namespace nodeproof::webhook
