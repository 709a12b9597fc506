#include "attest/amd_chain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <functional>

#include "tests/support/forge.hpp"
#include "tests/unit/attest/issued.hpp"
#include "tests/unit/attest/test_certificate.hpp"

namespace nodeproof::attest {
namespace {

using testing_certificates::make;
using testing_certificates::make_key;
using testing_certificates::Spec;

forge::AmdAuthority authority_with(const std::function<void(forge::AmdOptions&)>& edit) {
  forge::AmdOptions options;
  edit(options);
  return forge::make_amd_authority(options);
}

// ---- Chain ----

struct ChainCase {
  const char* name;
  Certificate vcek;
  std::vector<Certificate> certificates;
  UnixTime now;
  const char* code;
};

void expect_failed(const AmdChain& chain, const char* name, const char* code) {
  ASSERT_EQ(chain.findings.size(), 1U) << name;
  const Finding& finding = chain.findings.front();
  EXPECT_EQ(finding.check, Check::kCertificateChain) << name;
  EXPECT_EQ(finding.outcome, Outcome::kFailed) << name;
  EXPECT_EQ(finding.code, code) << name << ": " << finding.detail;
  EXPECT_FALSE(finding.detail.empty()) << name;
  EXPECT_FALSE(finding.remedy.empty()) << name;
  EXPECT_FALSE(chain.validity) << name;
}

TEST(AmdChain, PassesInAnyOrderWithTheWindowOfAll) {
  const auto& world = forge::shared_world();
  const auto anchors = forge::trust_anchors_of(world);
  const UnixTime until = forge::kNow + std::chrono::hours(24);
  const auto vcek = issued(world.amd, [&](auto& options) {
    options.validity = {forge::kNow - std::chrono::hours(1), until};
  });
  const auto& ark = world.amd.ark.certificate;
  const auto& ask = world.amd.ask.certificate;
  for (const auto& certificates : {std::vector{ask, ark}, std::vector{vcek, ark, ask}}) {
    const auto chain = verify_amd_chain(vcek, certificates, Product::kMilan, anchors, {}, forge::kNow);
    ASSERT_TRUE(has_passed(chain.findings, Check::kCertificateChain)) << chain.findings.front().detail;
    ASSERT_TRUE(chain.validity);
    EXPECT_EQ(chain.validity->from, forge::kNow - std::chrono::hours(1));
    EXPECT_EQ(chain.validity->until, until);
  }
}

TEST(AmdChain, FailsByName) {
  const auto& world = forge::shared_world();
  const auto anchors = forge::trust_anchors_of(world);
  const auto& ark = world.amd.ark.certificate;
  const auto& ask = world.amd.ask.certificate;
  const auto vcek = forge::issue_vcek(world.amd).certificate;
  const UnixTime now = forge::kNow;
  const forge::Validity past{now - std::chrono::hours(48), now - std::chrono::hours(24)};
  const forge::Validity future{now + std::chrono::hours(24), now + std::chrono::hours(48)};
  const auto stranger = forge::make_amd_authority();
  const auto no_ca = authority_with([](auto& options) { options.ask_is_ca = false; });
  auto no_ca_anchors = anchors;
  ASSERT_TRUE(add_trust_anchors(no_ca_anchors, {no_ca.ark.certificate}, {}));

  const ChainCase cases[] = {
      {"nothing else", vcek, {}, now, "chain-incomplete"},
      {"no ASK", vcek, {ark}, now, "chain-incomplete"},
      {"no ARK", vcek, {ask}, now, "root-missing"},
      {"VCEK by a stranger",
       issued(world.amd, [&](auto& options) { options.by_stranger = true; }),
       {ask, ark},
       now,
       "signature-invalid"},
      {"another authority of the same names",
       forge::issue_vcek(stranger).certificate,
       {stranger.ask.certificate, stranger.ark.certificate},
       now,
       "root-not-pinned"},
      {"its VCEK under our ASK",
       forge::issue_vcek(stranger).certificate,
       {ask, ark},
       now,
       "signature-invalid"},
      {"our VCEK, a stranger's ARK", vcek, {ask, stranger.ark.certificate}, now, "signature-invalid"},
      {"VCEK expired",
       issued(world.amd, [&](auto& options) { options.validity = past; }),
       {ask, ark},
       now,
       "expired"},
      {"VCEK not yet valid",
       issued(world.amd, [&](auto& options) { options.validity = future; }),
       {ask, ark},
       now,
       "not-yet-valid"},
      {"VCEK with a critical extension",
       issued(world.amd, [&](auto& options) { options.critical_extension = "2"; }),
       {ask, ark},
       now,
       "critical-extension"},
      {"a VLEK by the ASK",
       issued(world.amd, [&](auto& options) { options.common_name = "SEV-VLEK"; }),
       {ask, ark},
       now,
       "wrong-issuer"},
      {"an ASK as VCEK", ask, {ask, ark}, now, "unsupported-key"},
  };
  for (const ChainCase& c : cases) {
    expect_failed(verify_amd_chain(c.vcek, c.certificates, Product::kMilan, anchors, {}, c.now), c.name,
                  c.code);
  }
  expect_failed(
      verify_amd_chain(forge::issue_vcek(no_ca).certificate, {no_ca.ask.certificate, no_ca.ark.certificate},
                       Product::kMilan, no_ca_anchors, {}, now),
      "ASK is no CA", "issuer-not-ca");
}

TEST(AmdChain, AskAndArkMustBeCurrentToo) {
  const UnixTime now = forge::kNow;
  const forge::Validity past{now - std::chrono::hours(48), now - std::chrono::hours(24)};
  struct Case {
    const char* name;
    std::function<void(forge::AmdOptions&)> edit;
    const char* code;
  };
  const Case cases[] = {
      {"ASK expired", [&](auto& options) { options.ask_validity = past; }, "expired"},
      {"ARK expired", [&](auto& options) { options.validity = past; }, "expired"},
      {"ASK by a stranger", [](auto& options) { options.ask_by_stranger = true; }, "signature-invalid"},
  };
  for (const Case& c : cases) {
    const auto authority = authority_with(c.edit);
    TrustAnchors anchors;
    ASSERT_TRUE(add_trust_anchors(anchors, {authority.ark.certificate}, {}));
    expect_failed(verify_amd_chain(forge::issue_vcek(authority).certificate,
                                   {authority.ask.certificate, authority.ark.certificate}, Product::kMilan,
                                   anchors, {}, now),
                  c.name, c.code);
  }
}

TEST(AmdChain, RootCountsForItsOwnProductOnly) {
  const auto& world = forge::shared_world();
  const auto chain = verify_amd_chain(forge::issue_vcek(world.amd).certificate,
                                      {world.amd.ask.certificate, world.amd.ark.certificate}, Product::kGenoa,
                                      forge::trust_anchors_of(world), {}, forge::kNow);
  expect_failed(chain, "Milan chain for a Genoa report", "root-not-pinned");
}

// The root signs SEV-VLEK-Milan as well; under it a certificate that calls itself SEV-VCEK is none.
TEST(AmdChain, OnlyTheAskIssuesVceks) {
  const auto root_key = make_key();
  const auto other_key = make_key();
  const auto root = make(testing_certificates::ca("ARK-Milan", "ARK-Milan"), root_key, root_key);
  const auto asvk = make(testing_certificates::ca("SEV-VLEK-Milan", "ARK-Milan"), other_key, root_key);
  const auto under_asvk = make(Spec{.name = "SEV-VCEK", .issuer = "SEV-VLEK-Milan"}, make_key(), other_key);
  const auto under_root = make(Spec{.name = "SEV-VCEK", .issuer = "ARK-Milan"}, make_key(), root_key);
  const TrustAnchors anchors{
      .amd = {{Product::kMilan, root.spki_sha256()}}, .vtpm = {}, .vtpm_certificates = {}};
  expect_failed(verify_amd_chain(under_asvk, {asvk, root}, Product::kMilan, anchors, {}, vectors::kNow),
                "ASVK", "wrong-issuer");
  expect_failed(verify_amd_chain(under_root, {root}, Product::kMilan, anchors, {}, vectors::kNow), "ARK",
                "wrong-issuer");
}

// The other way round: an ASVK vouches for VLEKs alone.
TEST(AmdChain, OnlyTheAsvkIssuesVleks) {
  for (const Product product : {Product::kMilan, Product::kTurin}) {
    const auto& world = forge::shared_world(product);
    const auto asvk = forge::make_asvk(world.amd);
    const std::vector<Certificate> sent{world.amd.ask.certificate, asvk.certificate,
                                        world.amd.ark.certificate};
    const auto anchors = forge::trust_anchors_of(world);
    const auto vlek = forge::issue_vlek(world.amd, asvk).certificate;
    const auto chain = verify_amd_chain(vlek, sent, product, anchors, {}, forge::kNow);
    EXPECT_TRUE(has_passed(chain.findings, Check::kCertificateChain)) << chain.findings.front().detail;
    forge::VlekOptions past;
    past.validity.until = forge::kNow - Seconds(1);
    expect_failed(verify_amd_chain(forge::issue_vlek(world.amd, asvk, past).certificate, sent, product,
                                   anchors, {}, forge::kNow),
                  "VLEK expired", "expired");
  }
}

TEST(AmdChain, HasOneIntermediateAlone) {
  const auto key = make_key();
  const auto root = make(testing_certificates::ca("ARK-Milan", "ARK-Milan"), key, key);
  const auto upper = make(testing_certificates::ca("Upper", "ARK-Milan"), key, key);
  const auto ask = make(testing_certificates::ca("SEV-Milan", "Upper"), key, key);
  const auto vcek = make(Spec{.name = "SEV-VCEK", .issuer = "SEV-Milan"}, make_key(), key);
  const TrustAnchors anchors{
      .amd = {{Product::kMilan, root.spki_sha256()}}, .vtpm = {}, .vtpm_certificates = {}};
  expect_failed(verify_amd_chain(vcek, {ask, upper, root}, Product::kMilan, anchors, {}, vectors::kNow),
                "two intermediates", "chain-too-complex");
}

TEST(AmdChain, RecordedChainsAreAsExpected) {
  NODEPROOF_NEED_VECTORS();
  const auto anchors = built_in_trust_anchors();
  simdjson::dom::parser parser;
  int passed_chains = 0;
  for (const char* group : {"snp-reports", "azure-snp"}) {
    for (const auto& folder : vectors::cases(group)) {
      SCOPED_TRACE(folder.string());
      const bool vlek = std::filesystem::exists(vectors::folder() / folder / "vlek.der");
      const auto expected = parser.parse(std::string(as_text(vectors::file(folder / "expect.json")))).value();
      const auto key = vectors::certificate(folder / (vlek ? "vlek.der" : "vcek.der"));
      const auto name = expected["endorsement_key"]["product"].get_string().value();
      const auto product = parse_product(name.substr(0, name.find('-')), "expect.json");
      ASSERT_TRUE(product) << to_string(product.error());
      std::vector<Certificate> certificates;  // of all products: the right ones are to be found
      for (const char* line : {"genoa", "milan", "turin"}) {
        for (const char* kind : {"ark", "ask", "asvk"}) {
          certificates.push_back(
              vectors::certificate("amd-certs/" + std::string(line) + "/" + kind + ".pem"));
        }
      }
      const auto chain =
          verify_amd_chain(key, certificates, *product, anchors, {}, vlek ? key.not_before() : vectors::kNow);
      EXPECT_EQ(has_passed(chain.findings, Check::kCertificateChain),
                expected["checks"]["chain_valid"].get_bool().value())
          << chain.findings.front().detail;
      passed_chains += has_passed(chain.findings, Check::kCertificateChain) ? 1 : 0;
    }
  }
  EXPECT_GE(passed_chains, 13);
}

TEST(AmdChain, RecordedThimReplyIsAChain) {
  NODEPROOF_NEED_VECTORS();
  simdjson::dom::parser parser;
  const Bytes text = vectors::file("azure-snp/thim-reply-example/thim-amd-certification.json");
  const auto reply = parser.parse(std::string(as_text(text))).value();
  const std::string pem = std::string(reply["vcekCert"].get_string().value()) +
                          std::string(reply["certificateChain"].get_string().value());
  const auto certificates = parse_certificates(as_bytes(pem), "thim");
  ASSERT_TRUE(certificates) << to_string(certificates.error());
  const auto vcek = select_endorsement_key(*certificates, SigningKey::kVcek);
  ASSERT_TRUE(vcek) << to_string(vcek.error());
  const auto chain =
      verify_amd_chain(*vcek, *certificates, Product::kMilan, built_in_trust_anchors(), {}, vectors::kNow);
  EXPECT_TRUE(has_passed(chain.findings, Check::kCertificateChain)) << chain.findings.front().detail;
}

}  // namespace
}  // namespace nodeproof::attest
