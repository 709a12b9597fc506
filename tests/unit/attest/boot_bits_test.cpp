// Every single bit of a boot's evidence that verifies: flipped alone, it must take the claims away,
// and the check that covers it must say so. Not one bit is free, padding and unsigned header fields
// included: each of those has one value.
#include <gtest/gtest.h>

#include "attest/amd_chain.hpp"
#include "attest/hcl_report.hpp"
#include "tests/support/forge.hpp"
#include "tests/unit/attest/every_bit.hpp"

namespace nodeproof::attest {
namespace {

using forge::kNow;
using forge::shared_world;

const TrustAnchors& anchors() {
  static const TrustAnchors made = forge::trust_anchors_of(shared_world());
  return made;
}

BootVerification verify(const BootEvidence& evidence) {
  static const ReferenceValues values = forge::reference_values_of(shared_world());
  return verify_boot(evidence, {.anchors = anchors(), .reference_values = values, .now = kNow});
}

bool any_failed(const Findings& findings, std::initializer_list<Check> checks) {
  return std::any_of(checks.begin(), checks.end(), [&](Check check) {
    const Finding* finding = find(findings, check);
    return finding != nullptr && finding->outcome == Outcome::kFailed;
  });
}

class EveryBitOfTheNvIndex : public testing::Test {
 protected:
  // Bytes [from, until) of the index: any flip must be refused by one of `checks`.
  void expect_refused(std::size_t from, std::size_t until, std::initializer_list<Check> checks) {
    with_each_bit_flipped(evidence_.hcl_report, from, until, [&](std::size_t bit) {
      const BootVerification result = verify(evidence_);
      EXPECT_FALSE(result.claims) << "byte " << bit / 8 << " bit " << bit % 8;
      EXPECT_TRUE(any_failed(result.findings, checks)) << "byte " << bit / 8 << " bit " << bit % 8;
    });
  }

  // Offsets of azure-evidence 2.
  static constexpr std::size_t kReport = 0x020;
  static constexpr std::size_t kSignature = kReport + kSnpReportSignedSize;
  static constexpr std::size_t kRuntimeHeader = kReport + kSnpReportSize;
  static constexpr std::size_t kClaims = kRuntimeHeader + 20;

  BootEvidence evidence_ = forge::make_boot_evidence(shared_world(), {.with_ak_certificate = false});
  std::size_t padding_ = parse_hcl_report(evidence_.hcl_report)->framed.size();
};

TEST_F(EveryBitOfTheNvIndex, IsRightAtFirst) {
  EXPECT_TRUE(verify(evidence_).claims);
}

TEST_F(EveryBitOfTheNvIndex, Header) {
  expect_refused(0, kReport, {Check::kHclFrame});
}

TEST_F(EveryBitOfTheNvIndex, SignedReport) {
  expect_refused(kReport, kSignature, {Check::kReportFormat, Check::kReportSignature});
}

TEST_F(EveryBitOfTheNvIndex, ReportSignature) {
  expect_refused(kSignature, kRuntimeHeader, {Check::kReportFormat, Check::kReportSignature});
}

TEST_F(EveryBitOfTheNvIndex, RuntimeHeader) {
  expect_refused(kRuntimeHeader, kClaims, {Check::kHclFrame});
}

// The binding needs no certificate, and without them this is fast.
TEST_F(EveryBitOfTheNvIndex, RuntimeClaims) {
  evidence_.certificates.clear();
  ASSERT_TRUE(has_passed(verify(evidence_).findings, Check::kReportDataBinding));
  expect_refused(kClaims, padding_, {Check::kReportDataBinding});
}

TEST_F(EveryBitOfTheNvIndex, Padding) {
  ASSERT_LT(padding_, evidence_.hcl_report.size());
  expect_refused(padding_, evidence_.hcl_report.size(), {Check::kHclFrame});
}

// `refused` judges the certificate with one bit flipped; those that do not parse are refused already.
template <typename Refused>
void expect_every_bit_counts(const Certificate& certificate, Refused refused) {
  ASSERT_FALSE(refused(certificate));
  Bytes der = certificate.der();
  with_each_bit_flipped(der, [&](std::size_t bit) {
    const auto flipped = Certificate::parse_der(der, "flipped");
    EXPECT_TRUE(!flipped || refused(*flipped)) << "byte " << bit / 8 << " bit " << bit % 8;
  });
}

class EveryBitOfTheAmdChain : public testing::Test {
 protected:
  bool refused(const Certificate& vcek, const Certificate& ask, const Certificate& ark) const {
    const AmdChain chain =
        verify_amd_chain(vcek, {vcek, ask, ark}, shared_world().amd.product, anchors(), {}, kNow);
    return !has_passed(chain.findings, Check::kCertificateChain);
  }

  const Certificate ark_ = shared_world().amd.ark.certificate;
  const Certificate ask_ = shared_world().amd.ask.certificate;
  const Certificate vcek_ = forge::issue_vcek(shared_world().amd).certificate;
};

TEST_F(EveryBitOfTheAmdChain, Vcek) {
  expect_every_bit_counts(vcek_, [&](const Certificate& vcek) { return refused(vcek, ask_, ark_); });
}

TEST_F(EveryBitOfTheAmdChain, Ask) {
  expect_every_bit_counts(ask_, [&](const Certificate& ask) { return refused(vcek_, ask, ark_); });
}

TEST_F(EveryBitOfTheAmdChain, Ark) {
  expect_every_bit_counts(ark_, [&](const Certificate& ark) { return refused(vcek_, ask_, ark); });
}

// All three come with the evidence: the anchors' own copies would complete the chain in a flipped one's
// place.
class EveryBitOfTheAkChain : public testing::Test {
 protected:
  bool refused(const Certificate& leaf, const std::vector<Certificate>& pool) const {
    TrustAnchors pins = anchors();
    pins.vtpm_certificates.clear();
    const AkCertificateResult result =
        verify_ak_certificate(leaf, pool, leaf_.key(), NodeClass::kConfidential, pins, {}, kNow, Seconds(0));
    return result.finding.outcome != Outcome::kPassed;
  }

  const Certificate root_ = shared_world().vtpm.root.certificate;
  const Certificate intermediate_ = shared_world().vtpm.intermediate.certificate;
  const Certificate leaf_ = forge::issue_ak_certificate(shared_world().vtpm, shared_world().ak.rsa_modulus());
};

TEST_F(EveryBitOfTheAkChain, Leaf) {
  expect_every_bit_counts(leaf_, [&](const Certificate& leaf) {
    return refused(leaf, {intermediate_, root_});
  });
}

TEST_F(EveryBitOfTheAkChain, Intermediate) {
  expect_every_bit_counts(intermediate_, [&](const Certificate& intermediate) {
    return refused(leaf_, {intermediate, root_});
  });
}

TEST_F(EveryBitOfTheAkChain, Root) {
  expect_every_bit_counts(root_, [&](const Certificate& root) {
    return refused(leaf_, {intermediate_, root});
  });
}

}  // namespace
}  // namespace nodeproof::attest
