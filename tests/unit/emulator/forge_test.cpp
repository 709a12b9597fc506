// What is forged must be right where nobody asked for a fault, or tests that refuse it prove nothing.
// That each fault fails its own check is in tests/unit/attest/verify_boot_test.cpp.
#include "tests/support/forge.hpp"

#include <gtest/gtest.h>
#include <openssl/x509.h>

#include "attest/hcl_report.hpp"

namespace nodeproof::forge {
namespace {

using attest::Check;
using attest::Outcome;
using attest::Product;

constexpr std::size_t kEmulatedNvSize = 2048;  // libtpms' limit
constexpr std::size_t kFixedClaims = 1236;     // HCL frame without its claims

attest::BootVerification verify(const World& world, const BootOptions& options) {
  return attest::verify_boot(
      make_boot_evidence(world, options),
      {.anchors = trust_anchors_of(world), .reference_values = reference_values_of(world), .now = kNow});
}

class ForgedNode : public testing::TestWithParam<Product> {};
INSTANTIATE_TEST_SUITE_P(Products, ForgedNode,
                         testing::Values(Product::kMilan, Product::kGenoa, Product::kTurin),
                         [](const auto& row) { return std::string(to_string(row.param)); });

TEST_P(ForgedNode, PassesEveryCheck) {
  const World& world = shared_world(GetParam());
  const auto boot = verify(world, {});
  for (const attest::Finding& finding : boot.findings) {
    if (finding.check == Check::kReportFreshness) continue;  // no challenge was asked for
    EXPECT_EQ(finding.outcome, Outcome::kPassed) << name_of(finding.check) << ": " << finding.detail;
  }
  ASSERT_TRUE(boot.claims);
  EXPECT_EQ(boot.claims->confidential()->product(), GetParam());

  const QuoteOptions options;
  const auto quote =
      attest::verify_quote(make_quote(world.ak, options), boot, {.value = options.qualifying_data},
                           {.selection = attest::kNodeQuotePcrs, .exact = true});
  for (const attest::Finding& finding : quote.findings) {
    EXPECT_EQ(finding.outcome, Outcome::kPassed) << name_of(finding.check) << ": " << finding.detail;
  }
  EXPECT_TRUE(quote.claims);
}

TEST(Forge, OtherRightFormsPassToo) {
  const World& world = shared_world();
  BootOptions options;
  options.vcek.hwid_as_octet_string = true;
  options.claims.user_data.reset();
  options.claims.vm_id = "6F9D0F6C-3C0A-4A51-9F43-4D0A5F3C2B10";
  options.hcl_padding = 0;
  options.ak_certificate.by_root = true;
  const auto boot = verify(world, options);
  EXPECT_EQ(attest::first_failed(boot.findings), nullptr);
  EXPECT_TRUE(boot.claims);
}

struct ChainFault {
  const char* name;
  std::function<void(AmdOptions&)> make;
};

class ForgedAmdChain : public testing::TestWithParam<ChainFault> {};
INSTANTIATE_TEST_SUITE_P(
    Faults, ForgedAmdChain,
    testing::Values(ChainFault{"AskIsNoCa", [](AmdOptions& o) { o.ask_is_ca = false; }},
                    ChainFault{"AskByStranger", [](AmdOptions& o) { o.ask_by_stranger = true; }},
                    ChainFault{"AskExpired", [](AmdOptions& o) { o.ask_validity.until = kNow - Seconds(1); }},
                    ChainFault{"ArkNotYetValid", [](AmdOptions& o) { o.validity.from = kNow + Seconds(1); }}),
    [](const auto& row) { return std::string(row.param.name); });

TEST_P(ForgedAmdChain, FailsTheChainAlone) {
  AmdOptions options;
  GetParam().make(options);
  const World world{make_amd_authority(options), make_vtpm_authority(), PrivateKey::rsa(2048),
                    PrivateKey::rsa(2048)};
  const auto boot = verify(world, {});
  const attest::Finding* failure = attest::first_failed(boot.findings);
  ASSERT_NE(failure, nullptr);
  EXPECT_EQ(failure->check, Check::kCertificateChain) << failure->detail;
  EXPECT_FALSE(boot.claims);
}

TEST(Forge, KeysAndCertificatesSurvivePem) {
  const PrivateKey key = PrivateKey::ec_p384();
  const PrivateKey again = PrivateKey::from_pem(key.to_pem());
  EXPECT_EQ(EVP_PKEY_eq(key.handle(), again.handle()), 1);
  const auto& certificate = shared_world().amd.ark.certificate;
  const auto parsed = attest::parse_certificates(to_pem(certificate), "pem");
  ASSERT_TRUE(parsed);
  ASSERT_EQ(parsed->size(), 1U);
  EXPECT_EQ(parsed->front().der(), certificate.der());
  EXPECT_THROW(PrivateKey::from_pem(as_bytes("no key")), std::runtime_error);
}

TEST(Forge, VcekHasAmdsUnusualForm) {
  const CertifiedKey vcek = issue_vcek(shared_world().amd);
  EXPECT_EQ(ASN1_INTEGER_get(X509_get0_serialNumber(vcek.certificate.handle())), 0);
  EXPECT_EQ(X509_get_ext_count(vcek.certificate.handle()), 11);
  EXPECT_EQ(X509_get_signature_nid(vcek.certificate.handle()), NID_rsassaPss);
  EXPECT_FALSE(vcek.certificate.has_extension("2.5.29.15"));  // keyUsage
  EXPECT_EQ(to_bytes(vcek.certificate.extension("1.3.6.1.4.1.3704.1.4").value()),
            to_bytes(default_chip_id()));
  EXPECT_EQ(to_bytes(vcek.certificate.extension("1.3.6.1.4.1.3704.1.3.8").value()),
            (Bytes{0x02, 0x02, 0x00, 219}));
}

TEST(Forge, FullestReportFitsAnEmulatedNvIndex) {
  ClaimsOptions options;
  options.secure_boot = options.tpm_enabled = options.console_enabled = false;
  const Bytes claims = make_runtime_claims(shared_world().ak.rsa_modulus(), options);
  EXPECT_LE(kFixedClaims + claims.size(), kEmulatedNvSize);
}

TEST(Forge, SignsOnlyWholeReports) {
  Bytes report(attest::kSnpReportSize - 1);
  EXPECT_THROW(resign_report(report, PrivateKey::ec_p384()), std::runtime_error);
}

}  // namespace
}  // namespace nodeproof::forge
