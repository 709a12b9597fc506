#include "attest/trust_anchors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/attest/test_certificate.hpp"

namespace nodeproof::attest {
namespace {

using testing::HasSubstr;
using testing_certificates::ca;
using testing_certificates::Key;
using testing_certificates::make;
using testing_certificates::make_key;
using testing_certificates::Spec;

TEST(TrustAnchors, AmdPinsAreThoseOfTheRecordedRoots) {
  NODEPROOF_NEED_VECTORS();
  const TrustAnchors anchors = built_in_trust_anchors();
  ASSERT_EQ(anchors.amd.size(), 3U);
  EXPECT_EQ(anchors.amd[0].product, Product::kMilan);
  EXPECT_EQ(anchors.amd[0].spki_sha256, vectors::certificate("amd-certs/milan/ark.pem").spki_sha256());
  EXPECT_EQ(anchors.amd[1].product, Product::kGenoa);
  EXPECT_EQ(anchors.amd[1].spki_sha256, vectors::certificate("amd-certs/genoa/ark.pem").spki_sha256());
  EXPECT_EQ(anchors.amd[2].product, Product::kTurin);
  EXPECT_EQ(anchors.amd[2].spki_sha256, vectors::certificate("amd-certs/turin/ark.pem").spki_sha256());
}

TEST(TrustAnchors, VtpmPinIsThatOfTheRecordedRootAndOfNoOther) {
  NODEPROOF_NEED_VECTORS();
  const TrustAnchors anchors = built_in_trust_anchors();
  ASSERT_EQ(anchors.vtpm.size(), 1U);
  EXPECT_EQ(anchors.vtpm[0], vectors::certificate("ak-certs/azure-virtual-tpm-root-2023.pem").spki_sha256());
  EXPECT_NE(anchors.vtpm[0],
            vectors::certificate("ak-certs/microsoft-rsa-devices-root-ca-2021.pem").spki_sha256());
  EXPECT_TRUE(anchors.extra.empty());
}

// The built-in certificates are what Microsoft publishes, and only the first is a root.
TEST(TrustAnchors, BuiltInVtpmCertificatesAreTheRecordedOnes) {
  NODEPROOF_NEED_VECTORS();
  const TrustAnchors anchors = built_in_trust_anchors();
  const char* const recorded[] = {"azure-virtual-tpm-root-2023", "global-virtual-tpm-ca-03",
                                  "azure-cloud-virtual-tpm-ca-2025", "azure-cloud-virtual-tpm-ca-24"};
  ASSERT_EQ(anchors.vtpm_certificates.size(), std::size(recorded));
  for (std::size_t i = 0; i < std::size(recorded); ++i) {
    const auto certificate = vectors::certificate("ak-certs/" + std::string(recorded[i]) + ".pem");
    EXPECT_EQ(anchors.vtpm_certificates[i].sha256(), certificate.sha256()) << recorded[i];
    EXPECT_EQ(anchors.vtpm[0] == certificate.spki_sha256(), i == 0) << recorded[i];
  }
}

TEST(TrustAnchors, BuiltInRootsAddedAgainAreNoExtra) {
  NODEPROOF_NEED_VECTORS();
  TrustAnchors anchors = built_in_trust_anchors();
  ASSERT_TRUE(add_trust_anchors(anchors, vectors::certificates("amd-certs/milan/ark.pem"),
                                vectors::certificates("ak-certs/azure-virtual-tpm-root-2023.pem")));
  EXPECT_TRUE(anchors.extra.empty());
  EXPECT_EQ(anchors.amd.size(), 3U);
  EXPECT_EQ(anchors.vtpm.size(), 1U);
}

TEST(TrustAnchors, AddsRootsAndIntermediates) {
  const Key ark_key = make_key();
  const Key root_key = make_key();
  const auto ark = make(ca("ARK-Genoa", "ARK-Genoa"), ark_key, ark_key);
  const auto root = make(ca("Our vTPM Root", "Our vTPM Root"), root_key, root_key);
  const auto intermediate = make(ca("Our vTPM CA", "Our vTPM Root"), make_key(), root_key);
  TrustAnchors anchors = built_in_trust_anchors();
  const auto added = add_trust_anchors(anchors, {ark}, {intermediate, root});
  ASSERT_TRUE(added) << to_string(added.error());
  ASSERT_EQ(anchors.amd.size(), 4U);
  EXPECT_EQ(anchors.amd[3].product, Product::kGenoa);
  EXPECT_EQ(anchors.amd[3].spki_sha256, ark.spki_sha256());
  ASSERT_EQ(anchors.vtpm.size(), 2U);
  EXPECT_EQ(anchors.vtpm[1], root.spki_sha256());
  EXPECT_EQ(anchors.vtpm_certificates.size(), built_in_trust_anchors().vtpm_certificates.size() + 2);
  ASSERT_EQ(anchors.extra.size(), 2U) << "an intermediate is no root";
  EXPECT_THAT(anchors.extra[0], HasSubstr("ARK-Genoa"));
  EXPECT_THAT(anchors.extra[1], HasSubstr(to_hex(root.spki_sha256())));

  TrustAnchors mixed = built_in_trust_anchors();
  ASSERT_TRUE(add_trust_anchors(mixed, {intermediate, ark, root}));
  EXPECT_EQ(mixed.extra, anchors.extra);
  EXPECT_EQ(mixed.amd.size(), anchors.amd.size());
}

TEST(TrustAnchors, RefusesWhatCouldNotBeARootAndChangesNothing) {
  const Key key = make_key();
  const Key other = make_key();
  const auto good = make(ca("ARK-Milan", "ARK-Milan"), key, key);
  const auto leaf = make(Spec{.name = "Leaf", .issuer = "Root"}, key, other);
  struct Case {
    const char* name;
    std::vector<Certificate> amd;
    std::vector<Certificate> vtpm;
    const char* message;
  };
  const Case cases[] = {
      {"ASK as root", {good, make(ca("SEV-Milan", "ARK-Milan"), other, key)}, {}, "is not self-issued"},
      {"other product",
       {good, make(ca("ARK-Venice", "ARK-Venice"), key, key)},
       {},
       "'Venice' is not supported"},
      {"other name", {good, make(ca("Root", "Root"), key, key)}, {}, "ARK-<product>"},
      {"self-issued, not self-signed",
       {good, make(ca("ARK-Milan", "ARK-Milan"), key, other)},
       {},
       "its own key"},
      {"no CA", {good, make(Spec{.name = "ARK-Milan", .issuer = "ARK-Milan"}, key, key)}, {}, "is not a CA"},
      {"leaf among vTPM certificates", {good}, {leaf}, "neither a root nor an intermediate"},
      {"vTPM root signed by another", {good}, {make(ca("Root", "Root"), key, other)}, "its own key"},
  };
  for (const Case& c : cases) {
    TrustAnchors anchors = built_in_trust_anchors();
    const auto added = add_trust_anchors(anchors, c.amd, c.vtpm);
    ASSERT_FALSE(added) << c.name;
    EXPECT_THAT(to_string(added.error()), HasSubstr(c.message)) << c.name;
    EXPECT_EQ(anchors.amd.size(), 3U) << c.name;
    EXPECT_EQ(anchors.vtpm_certificates.size(), built_in_trust_anchors().vtpm_certificates.size()) << c.name;
    EXPECT_TRUE(anchors.extra.empty()) << c.name;
  }
}

}  // namespace
}  // namespace nodeproof::attest
