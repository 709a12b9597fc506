#include "attest/endorsement_cache.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <tuple>

#include "attest/verify.hpp"
#include "tests/support/forge.hpp"
#include "tests/support/openssl_counts.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof::attest {
namespace {

using forge::shared_world;
using openssl_counts::Counts;

// Evidence as it travels, and what judges it.
struct Case {
  std::string name;
  Bytes hcl_report;
  std::vector<Bytes> certificates;
  std::optional<Bytes> ak_certificate;
  TrustAnchors anchors = forge::trust_anchors_of(shared_world());
  ReferenceValues reference_values = forge::reference_values_of(shared_world());
  UnixTime now = forge::kNow;
};

Case forged(std::string name, const forge::BootOptions& options = {}) {
  const BootEvidence evidence = forge::make_boot_evidence(shared_world(), options);
  Case out{.name = std::move(name), .hcl_report = evidence.hcl_report};
  for (const Certificate& certificate : evidence.certificates) out.certificates.push_back(certificate.der());
  if (evidence.ak_certificate) out.ak_certificate = evidence.ak_certificate->der();
  return out;
}

BootVerification verify(const Case& c, EndorsementCache* known) {
  const auto parse = [&](const Bytes& der) {
    return (known != nullptr ? known->parse_der(der, c.name) : Certificate::parse_der(der, c.name)).value();
  };
  BootEvidence evidence;
  evidence.hcl_report = c.hcl_report;
  for (const Bytes& der : c.certificates) evidence.certificates.push_back(parse(der));
  if (c.ak_certificate) evidence.ak_certificate = parse(*c.ak_certificate);
  return verify_boot(evidence, {.anchors = c.anchors,
                                .reference_values = c.reference_values,
                                .now = c.now,
                                .known_endorsements = known});
}

void expect_equal(const BootVerification& with, const BootVerification& without, const std::string& name) {
  ASSERT_EQ(with.findings.size(), without.findings.size()) << name;
  for (std::size_t i = 0; i < with.findings.size(); ++i) {
    const Finding& a = with.findings[i];
    const Finding& b = without.findings[i];
    EXPECT_EQ(std::tie(a.check, a.outcome, a.code, a.detail, a.remedy),
              std::tie(b.check, b.outcome, b.code, b.detail, b.remedy))
        << name << ": " << name_of(a.check) << " " << a.detail << " / " << b.detail;
  }
  ASSERT_EQ(with.claims.has_value(), without.claims.has_value()) << name;
  if (!with.claims) return;
  EXPECT_EQ(with.claims->validity().from, without.claims->validity().from) << name;
  EXPECT_EQ(with.claims->validity().until, without.claims->validity().until) << name;
}

std::string code_of(const BootVerification& result, Check check) {
  return find(result.findings, check)->code;
}

// What one bad chain may have taught must not help the next: all share one cache, good ones first,
// and each comes twice.
void expect_no_difference(const std::vector<Case>& cases) {
  EndorsementCache known;
  for (int round = 0; round < 2; ++round) {
    for (const Case& c : cases) expect_equal(verify(c, &known), verify(c, nullptr), c.name);
  }
}

TEST(EndorsementCache, MakesNoDifferenceToForgedEvidence) {
  std::vector<Case> cases{forged("good"), forged("good, other VCEK", {.with_ark = false})};
  cases.push_back(forged("VCEK by stranger", {.vcek = {.by_stranger = true}}));
  cases.push_back(forged("expired VCEK", {.vcek = {.validity = {.until = forge::kNow - Seconds(1)}}}));
  cases.push_back(forged("other chip", {.vcek = {.chip_id = {1}}}));
  cases.push_back(forged("report by stranger", {.report_by_stranger = true}));
  cases.push_back(forged("AK certificate by stranger", {.ak_certificate = {.by_stranger = true}}));
  cases.push_back(forged("AK certificate of another AK", {.certify_other_ak = true}));
  Case without_ask = cases.front();
  without_ask.name = "without ASK";
  without_ask.certificates.erase(without_ask.certificates.begin() + 1);
  cases.push_back(without_ask);
  Case flipped = cases.front();
  flipped.name = "VCEK with a flipped bit in its signature";
  flipped.certificates.front().back() ^= 1U;
  cases.push_back(flipped);
  expect_no_difference(cases);
}

TEST(EndorsementCache, MakesNoDifferenceToRecordedEvidence) {
  NODEPROOF_NEED_VECTORS();
  std::vector<Case> cases;
  for (const auto& folder : vectors::cases("azure-snp")) {
    for (const char* product : {"milan", "genoa"}) {
      Case c{.name = folder.string() + " under " + product,
             .hcl_report = vectors::file(folder / "hcl.bin"),
             .certificates = {vectors::file(folder / "vcek.der")},
             .anchors = built_in_trust_anchors(),
             .reference_values = built_in_reference_values()};
      for (const char* file : {"ask.pem", "ark.pem"})
        c.certificates.push_back(
            vectors::certificate(std::filesystem::path("amd-certs") / product / file).der());
      cases.push_back(std::move(c));
    }
  }
  ASSERT_GE(cases.size(), 10U);
  expect_no_difference(cases);
}

TEST(EndorsementCache, LeavesTheChainToBeJudgedAtEveryUse) {
  EndorsementCache known;
  const Case good = forged("good");
  ASSERT_TRUE(verify(good, &known).claims);

  Case later = good;
  later.now = verify(good, &known).claims->validity().until + kDefaultAkCertificateGrace;
  EXPECT_TRUE(verify(later, &known).claims) << "only the AK certificate has expired";
  later.now = forge::kNow + std::chrono::hours(24 * 365 * 7);
  EXPECT_EQ(code_of(verify(later, &known), Check::kCertificateChain), "expired");

  Case other_root = good;
  other_root.anchors = built_in_trust_anchors();
  EXPECT_EQ(code_of(verify(other_root, &known), Check::kCertificateChain), "root-not-pinned");

  Case other_product = good;
  for (AmdRoot& root : other_product.anchors.amd) root.product = Product::kGenoa;
  EXPECT_EQ(code_of(verify(other_product, &known), Check::kCertificateChain), "root-not-pinned");

  Case missing = good;
  missing.certificates.resize(1);
  EXPECT_EQ(code_of(verify(missing, &known), Check::kCertificateChain), "chain-incomplete")
      << "it supplies nothing";
}

TEST(EndorsementCache, LearnsOnlyFromChainsToAPinnedRoot) {
  EndorsementCache known;
  Case unpinned = forged("unpinned");
  unpinned.anchors = built_in_trust_anchors();
  verify(unpinned, &known);
  verify(forged("stranger", {.vcek = {.by_stranger = true}, .with_ak_certificate = false}), &known);
  EXPECT_EQ(known.size(), 0U);
  verify(forged("good"), &known);
  EXPECT_EQ(known.size(), 6U) << "VCEK, ASK, ARK; AK certificate, its CA and root";
}

TEST(EndorsementCache, IsBoundedAndKeepsWhatIsUsed) {
  EndorsementCache known(4);
  const Certificate ask = shared_world().amd.ask.certificate;
  const Certificate ark = shared_world().amd.ark.certificate;
  std::vector<Certificate> vceks;
  for (int i = 0; i < 6; ++i) {
    vceks.push_back(forge::issue_vcek(shared_world().amd).certificate);
    for (const Certificate& authority : {ask, ark}) ASSERT_TRUE(known.parse_der(authority.der(), "CA"));
    known.remember(std::vector{vceks.back(), ask, ark});
    EXPECT_LE(known.size(), 4U);
  }
  EXPECT_EQ(known.size(), 4U);
  EXPECT_TRUE(known.is_known_issuer(ask, ark));
  EXPECT_TRUE(known.is_known_issuer(ark, ark));
  EXPECT_TRUE(known.is_known_issuer(vceks[5], ask));
  EXPECT_TRUE(known.is_known_issuer(vceks[4], ask));
  EXPECT_FALSE(known.is_known_issuer(vceks[3], ask));
  EXPECT_FALSE(known.is_known_issuer(vceks[5], ark)) << "who signed it is known, not who did not";
}

Counts counts_of(const std::function<void()>& work) {
  openssl_counts::reset();
  work();
  return openssl_counts::now();
}

TEST(EndorsementCache, SparesEveryParseAndEveryLink) {
  EndorsementCache known;
  const Case good = forged("good");
  const Counts cold = counts_of([&] { ASSERT_TRUE(verify(good, &known).claims); });
  EXPECT_EQ(cold, (Counts{.certificates_parsed = 4, .certificate_signatures = 6, .signatures = 1}));
  const Counts warm = counts_of([&] { ASSERT_TRUE(verify(good, &known).claims); });
  EXPECT_EQ(warm, (Counts{.signatures = 1})) << "the report";
}

TEST(VerifyQuote, CostsOneSignatureCheck) {
  const BootVerification boot = verify(forged("good"), nullptr);
  const QuoteEvidence quote = forge::make_quote(shared_world().ak);
  const Counts counts = counts_of([&] {
    ASSERT_TRUE(verify_quote(quote, boot, {Bytes(32, 0x5a)}, {kNodeQuotePcrs, true}).claims);
  });
  EXPECT_EQ(counts, (Counts{.signatures = 1}));
}

}  // namespace
}  // namespace nodeproof::attest
