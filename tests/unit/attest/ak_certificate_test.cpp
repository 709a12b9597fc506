#include "attest/ak_certificate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/runtime_claims.hpp"
#include "tests/support/forge.hpp"
#include "tests/unit/attest/test_certificate.hpp"

namespace nodeproof::attest {
namespace {

using std::chrono::hours;
using testing::HasSubstr;
using testing_certificates::ca;
using testing_certificates::Key;
using testing_certificates::make;
using testing_certificates::make_key;
using testing_certificates::Spec;
using vectors::kNow;

constexpr Seconds kGrace = hours(24 * 30);
constexpr Seconds kNoGrace{0};

Spec leaf_spec(NodeClass node_class = NodeClass::kConfidential) {
  const bool confidential = node_class == NodeClass::kConfidential;
  Spec spec{.name = confidential ? "0123456789ab.ConfidentialVM.Azure.windows.net"
                                 : "0123456789ab.TrustedVM.Azure.windows.net",
            .issuer = "vTPM CA"};
  spec.policies = {confidential ? "1.3.6.1.4.1.311.108.200.2" : "1.3.6.1.4.1.311.108"};
  spec.extended_key_usage = "1.3.6.1.4.1.311.10.3.12,2.23.133.8.3";
  spec.key_usage = "critical,digitalSignature";
  return spec;
}

// Leaf <- vTPM CA <- vTPM Root.
class AkCertificate : public testing::Test {
 protected:
  Key root_key_ = make_key();
  Key ca_key_ = make_key();
  Key ak_key_ = make_key();
  Certificate root_ = make(ca("vTPM Root", "vTPM Root"), root_key_, root_key_);
  Certificate ca_ = make(ca("vTPM CA", "vTPM Root", "critical,CA:TRUE,pathlen:0"), ca_key_, root_key_);
  TrustAnchors anchors_{.amd = {}, .vtpm = {root_.spki_sha256()}, .vtpm_certificates = {root_}};

  Certificate leaf(const Spec& spec = leaf_spec()) const { return make(spec, ak_key_, ca_key_); }
  AkCertificateResult verify(const Certificate& leaf, NodeClass node_class = NodeClass::kConfidential,
                             Seconds grace = kGrace) const {
    return verify_ak_certificate(leaf, {ca_}, testing_certificates::public_key(ak_key_), node_class, anchors_,
                                 {}, kNow, grace);
  }
  static void expect_failed(const AkCertificateResult& result, const std::string& name, const char* code) {
    EXPECT_EQ(result.finding.check, Check::kAkCertificate) << name;
    EXPECT_EQ(result.finding.outcome, Outcome::kFailed) << name;
    EXPECT_EQ(result.finding.code, code) << name << ": " << result.finding.detail;
    EXPECT_FALSE(result.finding.detail.empty()) << name;
    EXPECT_FALSE(result.finding.remedy.empty()) << name;
    EXPECT_FALSE(result.validity) << name;
  }
};

TEST_F(AkCertificate, PassesForItsClass) {
  for (const NodeClass node_class : {NodeClass::kConfidential, NodeClass::kTrustedLaunch}) {
    const auto result = verify(leaf(leaf_spec(node_class)), node_class);
    EXPECT_EQ(result.finding.outcome, Outcome::kPassed) << result.finding.detail;
    EXPECT_EQ(result.finding.code, "");
    ASSERT_TRUE(result.validity);
    EXPECT_EQ(result.validity->from, kNow - hours(24));
    EXPECT_EQ(result.validity->until, kNow + hours(24 * 365)) << "the root gets no grace";
  }
}

TEST_F(AkCertificate, GraceProlongsAllButTheRoot) {
  Spec spec = leaf_spec();
  spec.until = kNow + hours(1);
  EXPECT_EQ(verify(leaf(spec)).validity->until, spec.until + kGrace);
  EXPECT_EQ(verify(leaf(spec), NodeClass::kConfidential, kNoGrace).validity->until, spec.until);
}

TEST_F(AkCertificate, NeverCountsForTheOtherClass) {
  expect_failed(verify(leaf(leaf_spec(NodeClass::kTrustedLaunch))), "Trusted Launch as confidential",
                "wrong-node-class");
  expect_failed(verify(leaf(), NodeClass::kTrustedLaunch), "confidential as Trusted Launch",
                "wrong-node-class");
}

TEST_F(AkCertificate, SubjectPolicyAndPurposeMustAllBeRight) {
  struct Case {
    const char* name;
    void (*edit)(Spec&);
    const char* code;
  };
  const Case cases[] = {
      {"policy of Trusted Launch", [](Spec& s) { s.policies = {"1.3.6.1.4.1.311.108"}; }, "wrong-node-class"},
      {"policies of both", [](Spec& s) { s.policies.push_back("1.3.6.1.4.1.311.108"); }, "wrong-node-class"},
      {"policy with one arc more", [](Spec& s) { s.policies = {"1.3.6.1.4.1.311.108.200.2.1"}; },
       "wrong-node-class"},
      {"no policy", [](Spec& s) { s.policies = {}; }, "wrong-node-class"},
      {"subject of Trusted Launch", [](Spec& s) { s.name = "0123456789ab.TrustedVM.Azure.windows.net"; },
       "wrong-node-class"},
      {"suffix alone", [](Spec& s) { s.name = ".ConfidentialVM.Azure.windows.net"; }, "wrong-node-class"},
      {"suffix not at the end",
       [](Spec& s) { s.name = "0123456789ab.ConfidentialVM.Azure.windows.net.example"; }, "wrong-node-class"},
      {"suffix without its dot", [](Spec& s) { s.name = "0123456789abConfidentialVM.Azure.windows.net"; },
       "wrong-node-class"},
      {"another subject", [](Spec& s) { s.name = "nodeproof.dev"; }, "wrong-node-class"},
      {"two common names", [](Spec& s) { s.more_common_names = {"nodeproof.dev"}; }, "wrong-node-class"},
      {"no AIK purpose", [](Spec& s) { s.extended_key_usage = "1.3.6.1.4.1.311.10.3.12,2.23.133.8.1"; },
       "wrong-purpose"},
      {"no purpose", [](Spec& s) { s.extended_key_usage = {}; }, "wrong-purpose"},
      {"no digitalSignature", [](Spec& s) { s.key_usage = "keyEncipherment"; }, "wrong-purpose"},
      {"no key usage", [](Spec& s) { s.key_usage = {}; }, "wrong-purpose"},
      {"a CA", [](Spec& s) { s.basic_constraints = "CA:TRUE"; }, "wrong-purpose"},
      {"a critical extension of somebody's",
       [](Spec& s) {
         s.raw = {{"1.3.6.1.4.1.99999.1", {0x05, 0x00}, true}};
       },
       "critical-extension"},
  };
  for (const Case& c : cases) {
    Spec spec = leaf_spec();
    c.edit(spec);
    expect_failed(verify(leaf(spec)), c.name, c.code);
  }
}

TEST_F(AkCertificate, KeyMustBeTheQuotingKey) {
  const auto result = verify_ak_certificate(leaf(), {ca_}, testing_certificates::public_key(make_key()),
                                            NodeClass::kConfidential, anchors_, {}, kNow, kGrace);
  expect_failed(result, "another key", "key-mismatch");
}

TEST_F(AkCertificate, ChainMustReachAPinnedRoot) {
  const Key stranger = make_key();
  const auto stranger_root = make(ca("vTPM Root", "vTPM Root"), stranger, stranger);
  const auto stranger_ca = make(ca("vTPM CA", "vTPM Root"), ca_key_, stranger);
  const auto not_ca = make(Spec{.name = "vTPM CA", .issuer = "vTPM Root"}, ca_key_, root_key_);
  TrustAnchors pin_only = anchors_;
  pin_only.vtpm_certificates.clear();
  TrustAnchors no_pin = anchors_;
  no_pin.vtpm.clear();
  TrustAnchors with_ca = anchors_;
  with_ca.vtpm_certificates.push_back(ca_);
  struct Case {
    const char* name;
    Certificate leaf;
    std::vector<Certificate> intermediates;
    TrustAnchors anchors;
    const char* code;  // empty: passes
  };
  const Case cases[] = {
      {"no intermediate", leaf(), {}, anchors_, "chain-incomplete"},
      {"intermediate of the anchors", leaf(), {}, with_ca, ""},
      {"root only pinned", leaf(), {ca_}, pin_only, "chain-incomplete"},
      {"root only pinned, sent along", leaf(), {ca_, root_}, pin_only, ""},
      {"nothing pinned", leaf(), {ca_, root_}, no_pin, "root-not-pinned"},
      {"a stranger's root of the same name",
       leaf(),
       {stranger_ca, stranger_root},
       pin_only,
       "root-not-pinned"},
      {"a stranger's intermediate under our root", leaf(), {stranger_ca}, anchors_, "signature-invalid"},
      {"leaf signed by itself", make(leaf_spec(), ak_key_, ak_key_), {ca_}, anchors_, "signature-invalid"},
      {"intermediate is no CA", leaf(), {not_ca}, anchors_, "issuer-not-ca"},
  };
  for (const Case& c : cases) {
    const auto result =
        verify_ak_certificate(c.leaf, c.intermediates, testing_certificates::public_key(ak_key_),
                              NodeClass::kConfidential, c.anchors, {}, kNow, kGrace);
    if (std::string_view(c.code).empty()) {
      EXPECT_EQ(result.finding.outcome, Outcome::kPassed) << c.name << ": " << result.finding.detail;
    } else {
      expect_failed(result, c.name, c.code);
    }
  }
}

TEST_F(AkCertificate, ChainIsAtMostFourIntermediatesDeep) {
  std::vector<Certificate> intermediates;
  Key issuer_key = root_key_;
  std::string issuer = "vTPM Root";
  for (int depth = 1; depth <= 5; ++depth) {
    const Key key = make_key();
    const std::string name = "CA " + std::to_string(depth);
    intermediates.push_back(make(ca(name, issuer), key, issuer_key));
    Spec spec = leaf_spec();
    spec.issuer = name;
    const auto result = verify_ak_certificate(make(spec, ak_key_, key), intermediates,
                                              testing_certificates::public_key(ak_key_),
                                              NodeClass::kConfidential, anchors_, {}, kNow, kGrace);
    EXPECT_EQ(result.finding.code, depth <= 4 ? "" : "chain-too-complex")
        << depth << ": " << result.finding.detail;
    issuer_key = key;
    issuer = name;
  }
}

TEST_F(AkCertificate, TimeIsJudgedWithGraceForExpiryOnly) {
  struct Case {
    const char* name;
    Seconds leaf_from, leaf_until;  // from kNow
    Seconds ca_from, ca_until;
    Seconds grace;
    const char* code;
  };
  constexpr Seconds kDay = hours(24);
  constexpr Seconds kSecond{1};
  const Case cases[] = {
      {"last second", -kDay, Seconds(0), -kDay, kDay, kNoGrace, ""},
      {"first second", Seconds(0), kDay, -kDay, kDay, kNoGrace, ""},
      {"leaf expired, no grace", -kDay, -kSecond, -kDay, kDay, kNoGrace, "expired"},
      {"leaf expired within grace", -2 * kGrace, -kGrace, -kDay, kDay, kGrace, "expired-within-grace"},
      {"leaf expired past grace", -2 * kGrace, -kGrace - kSecond, -kDay, kDay, kGrace, "expired"},
      {"intermediate expired within grace", -kDay, kDay, -2 * kDay, -kDay, kGrace, "expired-within-grace"},
      {"intermediate expired past grace", -kDay, kDay, -3 * kGrace, -2 * kGrace, kGrace, "expired"},
      {"leaf not yet valid", kSecond, kDay, -kDay, kDay, kGrace, "not-yet-valid"},
      {"intermediate not yet valid", -kDay, kDay, kSecond, kDay, kGrace, "not-yet-valid"},
  };
  for (const Case& c : cases) {
    Spec leaf = leaf_spec();
    leaf.from = kNow + c.leaf_from;
    leaf.until = kNow + c.leaf_until;
    Spec issuer = ca("vTPM CA", "vTPM Root");
    issuer.from = kNow + c.ca_from;
    issuer.until = kNow + c.ca_until;
    const auto result = verify_ak_certificate(
        make(leaf, ak_key_, ca_key_), {make(issuer, ca_key_, root_key_)},
        testing_certificates::public_key(ak_key_), NodeClass::kConfidential, anchors_, {}, kNow, c.grace);
    const bool passes =
        std::string_view(c.code).empty() || std::string_view(c.code) == "expired-within-grace";
    if (!passes) {
      expect_failed(result, c.name, c.code);
      continue;
    }
    EXPECT_EQ(result.finding.outcome, Outcome::kPassed) << c.name << ": " << result.finding.detail;
    EXPECT_EQ(result.finding.code, c.code) << c.name;
    ASSERT_TRUE(result.validity) << c.name;
    EXPECT_LE(result.validity->from, kNow) << c.name;
    EXPECT_GE(result.validity->until, kNow) << c.name;
  }
}

TEST_F(AkCertificate, ExpiredRootHasNoGrace) {
  Spec expired = ca("vTPM Root", "vTPM Root");
  expired.from = kNow - hours(48);
  expired.until = kNow - hours(24);
  TrustAnchors anchors = anchors_;
  anchors.vtpm_certificates = {make(expired, root_key_, root_key_)};
  const auto result = verify_ak_certificate(leaf(), {ca_}, testing_certificates::public_key(ak_key_),
                                            NodeClass::kConfidential, anchors, {}, kNow, kGrace);
  expect_failed(result, "root", "expired");
  EXPECT_THAT(result.finding.detail, HasSubstr("vTPM Root"));
}

TEST(ForgedAkCertificate, PassesWithTheRootOfItsWorldOnly) {
  const auto& world = forge::shared_world();
  const Bytes modulus = world.ak.rsa_modulus();
  const auto ak = PublicKey::rsa2048(modulus, Bytes{1, 0, 1}, "ak");
  ASSERT_TRUE(ak);
  const auto leaf = forge::issue_ak_certificate(world.vtpm, modulus);
  const std::vector<Certificate> sent{world.vtpm.intermediate.certificate, world.vtpm.root.certificate};
  const auto judge = [&](const TrustAnchors& anchors) {
    return verify_ak_certificate(leaf, sent, *ak, NodeClass::kConfidential, anchors, {}, forge::kNow, kGrace)
        .finding;
  };
  EXPECT_EQ(judge(forge::trust_anchors_of(world)).outcome, Outcome::kPassed);
  EXPECT_EQ(judge(built_in_trust_anchors()).code, "root-not-pinned");
}

// ---- Recorded certificates, with the built-in pins ----

// Read once: the flipped-bit test asks thousands of times.
const TrustAnchors& recorded_anchors() {
  static const TrustAnchors anchors = [] {
    TrustAnchors made = built_in_trust_anchors();
    made.vtpm_certificates = vectors::certificates("ak-certs/azure-virtual-tpm-root-2023.pem");
    return made;
  }();
  return anchors;
}

AkCertificateResult verify_recorded(const Certificate& leaf, const std::vector<Certificate>& intermediates,
                                    NodeClass node_class, UnixTime now, Seconds grace = kGrace) {
  return verify_ak_certificate(leaf, intermediates, leaf.key(), node_class, recorded_anchors(), {}, now,
                               grace);
}

TEST(RecordedAkCertificate, TrustedLaunchFormA) {
  NODEPROOF_NEED_VECTORS();
  const auto intermediates = vectors::certificates("ak-certs/global-virtual-tpm-ca-03.pem");
  const auto padded = vectors::file("ak-certs/derived-trusted-launch-leaf-padded-4096.bin");
  const auto leaf = Certificate::parse_der(cut_der(padded, "nv").value(), "nv");
  ASSERT_TRUE(leaf);
  const auto result = verify_recorded(*leaf, intermediates, NodeClass::kTrustedLaunch, kNow);
  EXPECT_EQ(result.finding.outcome, Outcome::kPassed) << result.finding.detail;
  EXPECT_EQ(result.finding.code, "");
  ASSERT_TRUE(result.validity);
  // Leaf until 2027-04-21 and CA-03 until 2027-04-24, 30 days of grace on both.
  EXPECT_EQ(to_rfc3339(result.validity->until), "2027-05-21T00:00:00Z");
  EXPECT_EQ(verify_recorded(*leaf, intermediates, NodeClass::kConfidential, kNow).finding.code,
            "wrong-node-class");
  EXPECT_EQ(verify_recorded(*leaf, {}, NodeClass::kTrustedLaunch, kNow).finding.code, "chain-incomplete");
  const auto ca_01 = vectors::certificates("ak-certs/global-virtual-tpm-ca-01-expired.pem");
  EXPECT_EQ(verify_recorded(*leaf, ca_01, NodeClass::kTrustedLaunch, kNow).finding.code, "chain-incomplete");
}

TEST(RecordedAkCertificate, TrustedLaunchOverTime) {
  NODEPROOF_NEED_VECTORS();
  const auto leaf = vectors::certificate("ak-certs/trusted-launch-leaf-form-a.der");
  const auto intermediates = vectors::certificates("ak-certs/global-virtual-tpm-ca-03.pem");
  const auto code_at = [&](const char* time) {
    return verify_recorded(leaf, intermediates, NodeClass::kTrustedLaunch, parse_rfc3339(time, "t").value())
        .finding.code;
  };
  EXPECT_EQ(code_at("2026-07-26T23:59:59Z"), "not-yet-valid");
  EXPECT_EQ(code_at("2026-07-27T00:00:00Z"), "");
  EXPECT_EQ(code_at("2027-04-21T00:00:00Z"), "");
  EXPECT_EQ(code_at("2027-04-21T00:00:01Z"), "expired-within-grace");
  EXPECT_EQ(code_at("2027-05-21T00:00:00Z"), "expired-within-grace");
  EXPECT_EQ(code_at("2027-05-21T00:00:01Z"), "expired");
}

TEST(RecordedAkCertificate, ConfidentialFormB) {
  NODEPROOF_NEED_VECTORS();
  const auto leaf = vectors::certificate("azure-tdx/tdx-ak-form-b/ak-cert.der");
  auto intermediates = vectors::certificates("azure-tdx/tdx-ak-form-b/ak-intermediate-1.pem");
  const auto half = verify_recorded(leaf, intermediates, NodeClass::kConfidential, kNow);
  EXPECT_EQ(half.finding.code, "chain-incomplete");
  EXPECT_THAT(half.finding.detail, HasSubstr("Azure Cloud Virtual TPM CA - 24"));
  intermediates.push_back(vectors::certificate("azure-tdx/tdx-ak-form-b/ak-intermediate-0.pem"));
  const auto result = verify_recorded(leaf, intermediates, NodeClass::kConfidential, kNow);
  EXPECT_EQ(result.finding.outcome, Outcome::kPassed) << result.finding.detail;
  EXPECT_EQ(verify_recorded(leaf, intermediates, NodeClass::kTrustedLaunch, kNow).finding.code,
            "wrong-node-class");
}

// The evidence is the leaf alone, as the TPM gives it: the certificates that Microsoft publishes are built
// in.
TEST(RecordedAkCertificate, BothHierarchiesNeedNoSuppliedCertificate) {
  NODEPROOF_NEED_VECTORS();
  const TrustAnchors anchors = built_in_trust_anchors();
  struct Case {
    const char* leaf;
    NodeClass right;
    NodeClass wrong;
  };
  const Case cases[] = {
      {"ak-certs/trusted-launch-leaf-form-a.der", NodeClass::kTrustedLaunch, NodeClass::kConfidential},
      {"azure-tdx/tdx-ak-form-b/ak-cert.der", NodeClass::kConfidential, NodeClass::kTrustedLaunch},
  };
  for (const Case& c : cases) {
    const auto leaf = vectors::certificate(c.leaf);
    const auto judged = [&](NodeClass node_class) {
      return verify_ak_certificate(leaf, {}, leaf.key(), node_class, anchors, {}, kNow, kGrace).finding;
    };
    EXPECT_EQ(judged(c.right).outcome, Outcome::kPassed) << c.leaf << ": " << judged(c.right).detail;
    EXPECT_EQ(judged(c.wrong).code, "wrong-node-class") << c.leaf;
  }
}

// The AK of every certified machine that was recorded is the one its paravisor reports.
TEST(RecordedAkCertificate, IsForTheAkOfItsRuntimeClaims) {
  NODEPROOF_NEED_VECTORS();
  int certified = 0;
  for (const auto& folder : vectors::cases("azure-tdx")) {
    if (!std::filesystem::exists(vectors::folder() / folder / "ak-cert.der")) continue;
    const auto leaf = vectors::certificate(folder / "ak-cert.der");
    // The frame is a TDX one, which is not judged; its runtime claims have the form that SNP's have.
    const Bytes frame = vectors::file(folder / "hcl.bin");
    const std::string_view text = as_text(frame);
    const std::size_t start = text.find(R"({"keys")");
    ASSERT_NE(start, std::string_view::npos);
    const std::string_view claims = text.substr(start, text.rfind('}') + 1 - start);
    const auto ak = parse_claimed_ak(as_bytes(claims));
    ASSERT_TRUE(ak) << to_string(ak.error());
    EXPECT_EQ(verify_ak_certificate(leaf, {}, *ak, NodeClass::kConfidential, built_in_trust_anchors(), {},
                                    kNow, kGrace)
                  .finding.outcome,
              Outcome::kPassed)
        << folder;
    ++certified;
  }
  EXPECT_GE(certified, 1);
}

TEST(RecordedAkCertificate, AnotherMicrosoftRootIsNotPinned) {
  NODEPROOF_NEED_VECTORS();
  const auto leaf = vectors::certificate("ak-certs/trusted-launch-leaf-form-a.der");
  TrustAnchors other;
  other.vtpm = {vectors::certificate("ak-certs/microsoft-rsa-devices-root-ca-2021.pem").spki_sha256()};
  const auto result =
      verify_ak_certificate(leaf,
                            {vectors::certificate("ak-certs/global-virtual-tpm-ca-03.pem"),
                             vectors::certificate("ak-certs/azure-virtual-tpm-root-2023.pem")},
                            leaf.key(), NodeClass::kTrustedLaunch, other, {}, kNow, kGrace);
  EXPECT_EQ(result.finding.code, "root-not-pinned");
}

TEST(EveryBitOfARecordedAkCertificate, IsRefused) {
  NODEPROOF_NEED_VECTORS();
  const auto leaf = vectors::certificate("ak-certs/trusted-launch-leaf-form-a.der");
  const auto intermediates = vectors::certificates("ak-certs/global-virtual-tpm-ca-03.pem");
  Bytes der = leaf.der();
  for (std::size_t bit = 0; bit < 8 * der.size(); ++bit) {
    der[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    const auto flipped = Certificate::parse_der(der, "leaf");
    if (flipped) {
      EXPECT_EQ(verify_recorded(*flipped, intermediates, NodeClass::kTrustedLaunch, kNow).finding.outcome,
                Outcome::kFailed)
          << "bit " << bit;
    }
    der[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
  }
}

}  // namespace
}  // namespace nodeproof::attest
