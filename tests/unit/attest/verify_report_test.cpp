#include <gtest/gtest.h>

#include <functional>

#include "attest/verify.hpp"
#include "tests/support/forge.hpp"

namespace nodeproof::attest {
namespace {

using forge::kNow;

// One report of one product, by either kind of key.
struct Case {
  const char* name;
  Product product;
  bool vlek;
};

struct Options {
  forge::VcekOptions vcek;
  forge::VlekOptions vlek;
  std::function<void(SnpReport&)> edit_report;
};

ReportEvidence evidence_of(const Case& c, const Options& options = {}) {
  const auto& world = forge::shared_world(c.product);
  SnpReport report = forge::make_report(c.product, {});
  if (c.vlek) {
    report.signing_key = SigningKey::kVlek;
    report.chip_id = {};
  }
  if (options.edit_report) options.edit_report(report);
  const auto asvk = forge::make_asvk(world.amd);
  const auto key =
      c.vlek ? forge::issue_vlek(world.amd, asvk, options.vlek) : forge::issue_vcek(world.amd, options.vcek);
  return {forge::sign_report(report, key.key),
          {world.amd.ark.certificate, world.amd.ask.certificate, asvk.certificate, key.certificate}};
}

ReportVerification verify(const Case& c, const ReportEvidence& evidence,
                          std::span<const RevocationList> lists = {}) {
  const TrustAnchors anchors = forge::trust_anchors_of(forge::shared_world(c.product));
  const ReferenceValues none;
  return verify_snp_report(
      evidence, {.anchors = anchors, .reference_values = none, .now = kNow, .revocation_lists = lists});
}

constexpr Case kMilan{"Milan", Product::kMilan, false};
constexpr Case kTurin{"Turin", Product::kTurin, false};
constexpr Case kMilanVlek{"MilanVlek", Product::kMilan, true};
constexpr Case kTurinVlek{"TurinVlek", Product::kTurin, true};
constexpr Case kCases[] = {kMilan, {"Genoa", Product::kGenoa, false}, kTurin, kMilanVlek, kTurinVlek};

TEST(VerifyReport, AcceptsEachProductUnderEitherKey) {
  for (const Case& c : kCases) {
    const auto result = verify(c, evidence_of(c));
    EXPECT_EQ(first_failed(result.findings), nullptr)
        << c.name << ": " << first_failed(result.findings)->detail;
    ASSERT_TRUE(result.claims) << c.name;
    EXPECT_EQ(result.claims->product(), c.product) << c.name;
    EXPECT_EQ(result.claims->csp_id().has_value(), c.vlek) << c.name;
    EXPECT_EQ(find(result.findings, Check::kChipId) != nullptr, !c.vlek) << c.name;
    EXPECT_EQ(find(result.findings, Check::kVmpl), nullptr) << c.name;
  }
}

TEST(VerifyReport, MakesEveryCheckThatAppliesOnce) {
  ReportEvidence broken = evidence_of(kMilan);
  broken.report.pop_back();
  for (const ReportEvidence& evidence : {evidence_of(kMilan), broken}) {
    std::vector<Check> checks;
    for (const Finding& finding : verify(kMilan, evidence).findings) checks.push_back(finding.check);
    EXPECT_EQ(checks,
              (std::vector<Check>{Check::kReportFormat, Check::kGuestPolicy, Check::kProduct, Check::kChipId,
                                  Check::kTcbExtensions, Check::kCertificateChain, Check::kReportSignature}));
  }
}

TEST(VerifyReport, RefusesAReportThatIsCutShort) {
  ReportEvidence broken = evidence_of(kMilan);
  broken.report.pop_back();
  const auto result = verify(kMilan, broken);
  EXPECT_FALSE(result.claims);
  EXPECT_EQ(find(result.findings, Check::kReportFormat)->code, "truncated");
}

TEST(VerifyReport, ReportsTheVmplWithoutJudgingIt) {
  Options options;
  options.edit_report = [](SnpReport& report) { report.vmpl = 2; };
  const auto result = verify(kMilan, evidence_of(kMilan, options));
  ASSERT_TRUE(result.claims);
  EXPECT_EQ(result.claims->report()->vmpl, 2U);
}

struct RefusedCase {
  const char* name;
  Case of;
  Check check;
  std::string code;
  std::function<void(Options&)> break_it;
};

TEST(VerifyReport, RefusesForTheCheckThatIsWrong) {
  const RefusedCase cases[] = {
      {"version 4", kMilan, Check::kReportFormat, "unsupported",
       [](Options& o) { o.edit_report = [](SnpReport& r) { r.version = 4; }; }},
      {"version 2 on Turin", kTurin, Check::kReportFormat, "bad-value",
       [](Options& o) {
         o.edit_report = [](SnpReport& r) {
           r.version = 2;
           r.cpuid.reset();
           r.mitigations.reset();
         };
       }},
      {"debugging", kTurinVlek, Check::kGuestPolicy, "debug-allowed",
       [](Options& o) { o.edit_report = [](SnpReport& r) { r.policy |= std::uint64_t{1} << 19U; }; }},
      {"family 0x1A, another model", kTurin, Check::kProduct, "unsupported",
       [](Options& o) { o.edit_report = [](SnpReport& r) { r.cpuid->model = 0x50; }; }},
      {"chip id of Turin, beyond its 8 bytes", kTurin, Check::kChipId, "mismatch",
       [](Options& o) { o.edit_report = [](SnpReport& r) { r.chip_id[8] = 1; }; }},
      {"another Turin chip", kTurin, Check::kChipId, "mismatch",
       [](Options& o) { o.edit_report = [](SnpReport& r) { r.chip_id[0] ^= 1U; }; }},
      {"lower FMC", kTurin, Check::kTcbExtensions, "mismatch", [](Options& o) { o.vcek.tcb.fmc = 1; }},
      {"VLEK of another TCB", kMilanVlek, Check::kTcbExtensions, "mismatch",
       [](Options& o) { --o.vlek.tcb.microcode; }},
      {"VLEK of nobody", kMilanVlek, Check::kTcbExtensions, "missing",
       [](Options& o) { o.vlek.without_extension = "5"; }},
      {"VLEK expired", kMilanVlek, Check::kCertificateChain, "expired",
       [](Options& o) { o.vlek.validity.until = kNow - Seconds(1); }},
      {"VCEK, but the report says VLEK", kMilan, Check::kCertificateChain, "missing",
       [](Options& o) { o.edit_report = [](SnpReport& r) { r.signing_key = SigningKey::kVlek; }; }},
      {"VLEK, but the report says VCEK", kMilanVlek, Check::kCertificateChain, "missing",
       [](Options& o) { o.edit_report = [](SnpReport& r) { r.signing_key = SigningKey::kVcek; }; }},
  };
  for (const RefusedCase& c : cases) {
    Options options;
    c.break_it(options);
    const auto result = verify(c.of, evidence_of(c.of, options));
    EXPECT_FALSE(result.claims) << c.name;
    const Finding* failure = first_failed(result.findings);
    ASSERT_NE(failure, nullptr) << c.name;
    EXPECT_EQ(name_of(failure->check), name_of(c.check)) << c.name;
    EXPECT_EQ(failure->code, c.code) << c.name << ": " << failure->detail;
    EXPECT_FALSE(failure->remedy.empty()) << c.name;
    for (const Finding& finding : result.findings) {
      if (&finding == failure) continue;
      EXPECT_NE(finding.outcome, Outcome::kFailed) << c.name << ": " << name_of(finding.check);
    }
  }
}

TEST(VerifyReport, ARevokedIssuerRefuses) {
  const auto& amd = forge::shared_world().amd;
  const auto lists =
      parse_revocation_lists(forge::make_revocation_list(amd.ark, {.revoked = {amd.ask.certificate}}), "crl");
  ASSERT_TRUE(lists) << to_string(lists.error());
  const auto result = verify(kMilan, evidence_of(kMilan), *lists);
  EXPECT_FALSE(result.claims);
  EXPECT_EQ(find(result.findings, Check::kCertificateChain)->code, "revoked");
}

// On Turin: the layouts of version 5 are under the signature too.
TEST(VerifyReport, RefusesEveryFlippedBitOfTheSignedReport) {
  ReportEvidence evidence = evidence_of(kTurin);
  ASSERT_TRUE(verify(kTurin, evidence).claims);
  evidence.certificates = {evidence.certificates.back()};  // the signature needs no chain
  ASSERT_TRUE(has_passed(verify(kTurin, evidence).findings, Check::kReportSignature));
  for (std::size_t bit = 0; bit < kSnpReportSignedSize * 8; ++bit) {
    evidence.report[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    ASSERT_FALSE(has_passed(verify(kTurin, evidence).findings, Check::kReportSignature)) << bit;
    evidence.report[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
  }
}

}  // namespace
}  // namespace nodeproof::attest
