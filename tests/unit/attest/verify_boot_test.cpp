#include <gtest/gtest.h>

#include <functional>

#include "attest/hcl_report.hpp"
#include "attest/verify.hpp"
#include "tests/support/forge.hpp"
#include "tests/unit/attest/listed.hpp"

namespace nodeproof::attest {
namespace {

using forge::BootOptions;
using forge::kNow;
using forge::shared_world;

BootVerification verify(const BootEvidence& evidence, UnixTime now = kNow,
                        std::optional<Sha512Digest> challenge = {}) {
  static const TrustAnchors anchors = forge::trust_anchors_of(shared_world());
  static const ReferenceValues values = forge::reference_values_of(shared_world());
  return verify_boot(
      evidence, {.anchors = anchors, .reference_values = values, .now = now, .report_challenge = challenge});
}

BootVerification verify(const BootOptions& options, UnixTime now = kNow) {
  return verify(forge::make_boot_evidence(shared_world(), options), now);
}

TEST(VerifyBoot, AcceptsWhatIsRight) {
  const BootVerification result = verify(BootOptions{});
  EXPECT_EQ(first_failed(result.findings), nullptr);
  ASSERT_TRUE(result.claims);
  EXPECT_EQ(result.claims->confidential()->product(), Product::kMilan);
  EXPECT_EQ(result.claims->confidential()->runtime().vm_unique_id, forge::kVmId);
  EXPECT_TRUE(result.claims->confidential()->paravisor_genuine());
  EXPECT_TRUE(result.claims->ak_resident());
}

TEST(VerifyBoot, AcceptsEveryProduct) {
  for (const Product product : kProducts) {
    const forge::World& world = shared_world(product);
    const TrustAnchors anchors = forge::trust_anchors_of(world);
    const ReferenceValues values = forge::reference_values_of(world);
    const auto result = verify_boot(forge::make_boot_evidence(world),
                                    {.anchors = anchors, .reference_values = values, .now = kNow});
    EXPECT_EQ(first_failed(result.findings), nullptr) << to_string(product);
    ASSERT_TRUE(result.claims) << to_string(product);
    EXPECT_EQ(result.claims->confidential()->product(), product);
    EXPECT_TRUE(result.claims->confidential()->paravisor_genuine()) << to_string(product);
  }
}

// Azure's confidential VMs use VCEKs: a genuine report under a VLEK is of somebody else.
TEST(VerifyBoot, RefusesAGenuineReportUnderAVlek) {
  const forge::World& world = shared_world();
  const auto asvk = forge::make_asvk(world.amd);
  const auto vlek = forge::issue_vlek(world.amd, asvk);
  BootEvidence evidence = forge::make_boot_evidence(world);
  const auto frame = parse_hcl_report(evidence.hcl_report);
  ASSERT_TRUE(frame);
  SnpReport report = forge::make_report(Product::kMilan, frame->runtime_claims);
  report.signing_key = SigningKey::kVlek;
  report.chip_id = {};
  evidence.hcl_report =
      serialize_hcl_report(forge::sign_report(report, vlek.key), to_bytes(frame->runtime_claims));
  evidence.certificates = {vlek.certificate, asvk.certificate, world.amd.ark.certificate};
  const BootVerification result = verify(evidence);
  EXPECT_FALSE(result.claims);
  const Finding* failure = first_failed(result.findings);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->check, Check::kReportFormat);
  EXPECT_NE(failure->detail.find("VLEK"), std::string::npos);
}

// The lists reach both chains; the AK certificate's issuer is revoked by Microsoft's, not by AMD's.
TEST(VerifyBoot, HeedsRevocationListsOfBothChains) {
  const forge::World& world = shared_world();
  const TrustAnchors anchors = forge::trust_anchors_of(world);
  const ReferenceValues values = forge::reference_values_of(world);
  const BootEvidence evidence = forge::make_boot_evidence(world);
  const auto judged = [&](const forge::CertifiedKey& issuer, const forge::RevocationListOptions& options) {
    const auto lists = parse_revocation_lists(forge::make_revocation_list(issuer, options), "crl").value();
    return verify_boot(
        evidence, {.anchors = anchors, .reference_values = values, .now = kNow, .revocation_lists = lists});
  };
  const auto amd = judged(world.amd.ark, {.revoked = {world.amd.ask.certificate}});
  EXPECT_FALSE(amd.claims);
  EXPECT_EQ(find(amd.findings, Check::kCertificateChain)->code, "revoked");
  const auto intermediate = judged(world.vtpm.root, {.revoked = {world.vtpm.intermediate.certificate}});
  EXPECT_EQ(find(intermediate.findings, Check::kAkCertificate)->code, "revoked");
  const auto leaf = judged(world.vtpm.intermediate, {.revoked = {*evidence.ak_certificate}});
  EXPECT_EQ(find(leaf.findings, Check::kAkCertificate)->code, "revoked");
  ASSERT_TRUE(leaf.claims);
  EXPECT_FALSE(leaf.claims->ak_resident());

  const UnixTime next_update = kNow + std::chrono::hours(3);
  const auto bounded = judged(world.vtpm.intermediate, {.next_update = next_update});
  ASSERT_TRUE(bounded.claims);
  EXPECT_TRUE(bounded.claims->ak_resident());
  EXPECT_EQ(bounded.claims->validity().until, next_update);
}

TEST(VerifyBoot, MakesEveryCheckOnceInOrder) {
  for (const bool broken : {false, true}) {
    BootEvidence evidence = forge::make_boot_evidence(shared_world());
    if (broken) evidence.hcl_report.clear();
    const BootVerification result = verify(evidence);
    std::vector<Check> checks;
    for (const Finding& finding : result.findings) checks.push_back(finding.check);
    EXPECT_EQ(checks,
              (std::vector<Check>{Check::kHclFrame, Check::kReportFormat, Check::kVmpl, Check::kGuestPolicy,
                                  Check::kProduct, Check::kChipId, Check::kTcbExtensions,
                                  Check::kCertificateChain, Check::kReportSignature,
                                  Check::kReportDataBinding, Check::kRuntimeClaims, Check::kReportFreshness,
                                  Check::kAkCertificate, Check::kParavisor, Check::kAkResidency}));
    for (const Finding& finding : result.findings) {
      if (finding.outcome == Outcome::kFailed) {
        EXPECT_NE(finding.remedy, "");
        EXPECT_NE(finding.code, "");
      }
    }
  }
}

// What rests on a check that did not pass is not-checked and says so; what does not is evaluated.
TEST(VerifyBoot, NamesThePremiseThatFailed) {
  BootEvidence evidence = forge::make_boot_evidence(shared_world());
  evidence.hcl_report.clear();
  EXPECT_EQ(not_passed(verify(evidence).findings),
            "hcl-frame/truncated report-format/premise-failed vmpl/premise-failed "
            "guest-policy/premise-failed product/premise-failed chip-id/premise-failed "
            "tcb-extensions/premise-failed certificate-chain/premise-failed "
            "report-signature/premise-failed report-data-binding/premise-failed "
            "runtime-claims/premise-failed report-freshness/premise-failed "
            "ak-certificate/premise-failed paravisor/premise-failed ak-residency/premise-failed");

  evidence = forge::make_boot_evidence(shared_world());
  evidence.certificates.clear();
  EXPECT_EQ(not_passed(verify(evidence).findings),
            "product/premise-failed chip-id/premise-failed tcb-extensions/premise-failed "
            "certificate-chain/missing report-signature/premise-failed report-freshness/no-challenge "
            "paravisor/premise-failed");

  BootOptions options;
  options.vcek.without_extension = "3.8";
  EXPECT_EQ(not_passed(verify(options).findings),
            "product/premise-failed chip-id/premise-failed tcb-extensions/missing "
            "certificate-chain/premise-failed report-freshness/no-challenge paravisor/premise-failed");
}

// What to do differs: another machine, another version of this program, or another look.
TEST(VerifyBoot, TellsAnotherKindOfReportFromABrokenOne) {
  struct Case {
    std::size_t offset;
    std::uint8_t byte;
    const char* finding;
    const char* remedy;  // part of it
  };
  const Case cases[] = {
      {0x4c8, 4, "hcl-frame/other-tee", "use a node pool of an AMD SEV-SNP"},
      {0x4c8, 1, "hcl-frame/other-tee", "use a node pool of an AMD SEV-SNP"},
      {0x4c8, 3, "hcl-frame/other-tee", "use a node pool of an AMD SEV-SNP"},
      {0x4c8, 6, "hcl-frame/unsupported", "use a version of nodeproof"},
      {0x4cc, 2, "hcl-frame/unsupported", "use a version of nodeproof"},
      {0x4cc, 0, "hcl-frame/bad-value", "read NV index"},
      {0x4c4, 2, "hcl-frame/unsupported", "use a version of nodeproof"},
      {0x004, 3, "hcl-frame/unsupported", "use a version of nodeproof"},
      {0x000, 0, "hcl-frame/bad-value", "read NV index"},
      {0x020, 6, "report-format/unsupported", "use a version of nodeproof"},
      {0x020 + 0x04c, 1, "report-format/bad-value", "use a version of nodeproof"},
      {0x020 + 0x048, 2, "report-format/unsupported", "ask the provider"},
      {0x020 + 0x048, 7 << 2, "report-format/unsupported", "ask the provider"},
      {0x020 + 0x048, 2 << 2, "report-format/bad-value", "use a version of nodeproof"},
      {0x020 + 0x048, 0x20, "report-format/bad-value", "use a version of nodeproof"},
      {0x020 + 0x034, 2, "report-format/unsupported", "use a version of nodeproof"},
  };
  for (const Case& c : cases) {
    BootEvidence evidence = forge::make_boot_evidence(shared_world());
    evidence.hcl_report.at(c.offset) = c.byte;
    const BootVerification result = verify(evidence);
    EXPECT_FALSE(result.claims);
    const Finding* failure = first_failed(result.findings);
    ASSERT_NE(failure, nullptr) << c.offset;
    EXPECT_EQ(std::string(name_of(failure->check)) + "/" + failure->code, c.finding) << c.offset;
    EXPECT_NE(failure->remedy.find(c.remedy), std::string::npos) << c.offset << ' ' << failure->remedy;
  }
}

struct RefusedCase {
  const char* name;
  Check check;
  std::string code;
  std::function<void(BootOptions&)> break_it;
};

void PrintTo(const RefusedCase& c, std::ostream* out) {
  *out << c.name;
}

// One row for each way to be wrong, in the order of the checks' numbers. All but one check still pass
// or rest on the one that failed.
class VerifyBootRefuses : public testing::TestWithParam<RefusedCase> {};

TEST_P(VerifyBootRefuses, ForTheCheckThatIsWrong) {
  BootOptions options;
  GetParam().break_it(options);
  const BootVerification result = verify(options);
  const Finding* failure = first_failed(result.findings);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(name_of(failure->check), name_of(GetParam().check));
  EXPECT_EQ(failure->code, GetParam().code);
  for (const Finding& finding : result.findings) {
    if (&finding == failure) continue;
    EXPECT_NE(finding.outcome, Outcome::kFailed) << name_of(finding.check);
  }
  const bool hardware_vouches =
      failure->check == Check::kAkCertificate || failure->check == Check::kParavisor;
  EXPECT_EQ(result.claims.has_value(), hardware_vouches);
  if (!result.claims) return;
  EXPECT_FALSE(result.claims->ak_resident() && result.claims->confidential()->paravisor_genuine());
}

constexpr std::uint64_t kDebug = std::uint64_t{1} << 19U;
constexpr std::uint64_t kMigrate = std::uint64_t{1} << 18U;

INSTANTIATE_TEST_SUITE_P(
    Numbers2To9, VerifyBootRefuses,
    testing::Values(
        RefusedCase{"Version", Check::kReportFormat, "unsupported",
                    [](BootOptions& o) { o.edit_report = [](SnpReport& r) { r.version = 4; }; }},
        RefusedCase{
            "Vlek", Check::kReportFormat, "not-vcek",
            [](BootOptions& o) { o.edit_report = [](SnpReport& r) { r.signing_key = SigningKey::kVlek; }; }},
        RefusedCase{"Vmpl1", Check::kVmpl, "not-zero",
                    [](BootOptions& o) { o.edit_report = [](SnpReport& r) { r.vmpl = 1; }; }},
        RefusedCase{"RequestedByTheHost", Check::kVmpl, "not-zero",
                    [](BootOptions& o) { o.edit_report = [](SnpReport& r) { r.vmpl = 0xffffffffU; }; }},
        RefusedCase{"Debug", Check::kGuestPolicy, "debug-allowed",
                    [](BootOptions& o) { o.edit_report = [](SnpReport& r) { r.policy |= kDebug; }; }},
        RefusedCase{"Migration", Check::kGuestPolicy, "migration-allowed",
                    [](BootOptions& o) { o.edit_report = [](SnpReport& r) { r.policy |= kMigrate; }; }},
        RefusedCase{"ProductOfAnotherLine", Check::kProduct, "bad-value",
                    [](BootOptions& o) { o.vcek.product_name = "Genoa"; }},
        RefusedCase{"UnknownCpu", Check::kProduct, "unsupported",
                    [](BootOptions& o) { o.edit_report = [](SnpReport& r) { r.cpuid->model = 0x20; }; }},
        RefusedCase{"AnotherChip", Check::kChipId, "mismatch",
                    [](BootOptions& o) { o.edit_report = [](SnpReport& r) { r.chip_id[0] ^= 1U; }; }},
        RefusedCase{"MaskedChip", Check::kChipId, "masked",
                    [](BootOptions& o) { o.edit_report = [](SnpReport& r) { r.chip_id = {}; }; }},
        RefusedCase{"LoweredTcb", Check::kTcbExtensions, "mismatch",
                    [](BootOptions& o) { o.edit_report = [](SnpReport& r) { --r.reported_tcb.microcode; }; }},
        RefusedCase{"RaisedTcb", Check::kTcbExtensions, "mismatch",
                    [](BootOptions& o) { o.edit_report = [](SnpReport& r) { ++r.reported_tcb.snp; }; }},
        RefusedCase{"AbsentExtension", Check::kTcbExtensions, "missing",
                    [](BootOptions& o) { o.vcek.without_extension = "3.8"; }},
        RefusedCase{"DoubledExtension", Check::kTcbExtensions, "duplicate",
                    [](BootOptions& o) { o.vcek.doubled_extension = "3.3"; }},
        RefusedCase{"NoVcek", Check::kCertificateChain, "missing",
                    [](BootOptions& o) { o.vcek.common_name = "SEV-VCEK2"; }},
        RefusedCase{"VcekByStranger", Check::kCertificateChain, "signature-invalid",
                    [](BootOptions& o) { o.vcek.by_stranger = true; }},
        RefusedCase{"VcekExpired", Check::kCertificateChain, "expired",
                    [](BootOptions& o) { o.vcek.validity.until = kNow - Seconds(1); }},
        RefusedCase{"VcekNotYetValid", Check::kCertificateChain, "not-yet-valid",
                    [](BootOptions& o) { o.vcek.validity.from = kNow + Seconds(1); }},
        RefusedCase{"RootAbsent", Check::kCertificateChain, "root-missing",
                    [](BootOptions& o) { o.with_ark = false; }},
        RefusedCase{"ReportByStranger", Check::kReportSignature, "invalid",
                    [](BootOptions& o) { o.report_by_stranger = true; }},
        RefusedCase{"ClaimsNotBound", Check::kReportDataBinding, "mismatch",
                    [](BootOptions& o) { o.edit_report = [](SnpReport& r) { r.report_data[0] ^= 1U; }; }},
        RefusedCase{"UpperHalfSet", Check::kReportDataBinding, "not-zero",
                    [](BootOptions& o) { o.edit_report = [](SnpReport& r) { r.report_data[63] = 1; }; }},
        RefusedCase{"VmIdIsNoUuid", Check::kRuntimeClaims, "bad-value",
                    [](BootOptions& o) { o.claims.vm_id = "not-a-uuid"; }},
        RefusedCase{"AkCertificateOfAnotherKey", Check::kAkCertificate, "key-mismatch",
                    [](BootOptions& o) { o.certify_other_ak = true; }},
        RefusedCase{"AkCertificateOfTrustedLaunch", Check::kAkCertificate, "wrong-node-class",
                    [](BootOptions& o) {
                      o.ak_certificate.common_name =
                          "0123456789ab" + std::string(forge::kTrustedLaunchSuffix);
                      o.ak_certificate.policy_oid = forge::kTrustedLaunchPolicyOid;
                    }},
        RefusedCase{"UnknownParavisor", Check::kParavisor, "unknown-id-key",
                    [](BootOptions& o) { o.edit_report = [](SnpReport& r) { r.id_key_digest[0] ^= 1U; }; }},
        RefusedCase{"OldParavisor", Check::kParavisor, "guest-svn-too-low",
                    [](BootOptions& o) {
                      o.edit_report = [](SnpReport& r) { r.guest_svn = forge::kGuestSvn - 1; };
                    }}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(VerifyBoot, NeverTrustsARootThatComesWithTheEvidence) {
  static const forge::World stranger = forge::make_world();
  const BootVerification result = verify(forge::make_boot_evidence(stranger));
  EXPECT_FALSE(result.claims);
  EXPECT_EQ(find(result.findings, Check::kCertificateChain)->code, "root-not-pinned");
  EXPECT_EQ(find(result.findings, Check::kAkCertificate)->outcome, Outcome::kFailed);
}

TEST(VerifyBoot, LeavesResidencyOpenWithoutAnAkCertificate) {
  BootOptions options;
  options.with_ak_certificate = false;
  const BootVerification result = verify(options);
  EXPECT_EQ(first_failed(result.findings), nullptr);
  ASSERT_TRUE(result.claims);
  EXPECT_FALSE(result.claims->ak_resident());
  EXPECT_EQ(find(result.findings, Check::kAkResidency)->code, "no-ak-certificate");
}

TEST(VerifyBoot, ComparesTheChallengeButNeverFailsForIt) {
  ByteArray<64> challenge{};
  challenge.fill(7);
  BootOptions options;
  options.claims.user_data = challenge;
  const BootEvidence challenged = forge::make_boot_evidence(shared_world(), options);
  const auto freshness = [](const BootVerification& result) {
    EXPECT_TRUE(result.claims);
    return *find(result.findings, Check::kReportFreshness);
  };
  EXPECT_EQ(freshness(verify(challenged, kNow, challenge)).outcome, Outcome::kPassed);
  EXPECT_EQ(freshness(verify(challenged, kNow)).code, "no-challenge");
  Sha512Digest other = challenge;
  other[0] ^= 1U;
  EXPECT_EQ(freshness(verify(challenged, kNow, other)).code, "challenge-differs");
  EXPECT_EQ(freshness(verify(forge::make_boot_evidence(shared_world()), kNow, challenge)).code,
            "challenge-absent");
}

TEST(VerifyBoot, GivesTheWindowInWhichEverythingIsValid) {
  BootOptions options;
  options.ak_certificate.validity = {kNow - Seconds(50), kNow + Seconds(70)};
  const BootVerification result = verify(options);
  ASSERT_TRUE(result.claims);
  EXPECT_EQ(result.claims->validity().from, kNow - Seconds(50));
  EXPECT_LE(result.claims->validity().until, kNow + Seconds(70) + kDefaultAkCertificateGrace);
}

TEST(VerifyBoot, RefusesEveryPrefix) {
  BootOptions options;
  options.hcl_padding = 0;
  const BootEvidence whole = forge::make_boot_evidence(shared_world(), options);
  BootEvidence cut = whole;
  for (std::size_t size = 0; size < whole.hcl_report.size(); ++size) {
    cut.hcl_report.assign(whole.hcl_report.begin(),
                          whole.hcl_report.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_FALSE(verify(cut).claims) << size;
  }
}

}  // namespace
}  // namespace nodeproof::attest
