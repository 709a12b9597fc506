#include "attest/amd_chain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <functional>

#include "tests/support/forge.hpp"
#include "tests/unit/attest/test_certificate.hpp"

namespace nodeproof::attest {
namespace {

using testing::HasSubstr;
using testing_certificates::make;
using testing_certificates::make_key;
using testing_certificates::RawExtension;
using testing_certificates::Spec;

Certificate issued(const forge::AmdAuthority& authority,
                   const std::function<void(forge::VcekOptions&)>& edit) {
  forge::VcekOptions options;
  edit(options);
  return forge::issue_vcek(authority, options).certificate;
}

forge::AmdAuthority authority_with(const std::function<void(forge::AmdOptions&)>& edit) {
  forge::AmdOptions options;
  edit(options);
  return forge::make_amd_authority(options);
}

// ---- Extensions ----

const std::string kArc = "1.3.6.1.4.1.3704.1.";

Bytes integer(std::uint8_t value) {
  return value < 0x80 ? Bytes{0x02, 0x01, value} : Bytes{0x02, 0x02, 0x00, value};
}

// The extensions of a Milan VCEK; the one with `suffix` has `content` instead, or is left out.
Certificate vcek_with(const std::string& suffix, std::optional<Bytes> content) {
  const std::vector<RawExtension> right{
      {"1", integer(0)},      {"2", {0x16, 0x08, 'M', 'i', 'l', 'a', 'n', '-', 'B', '0'}},
      {"3.1", integer(4)},    {"3.2", integer(1)},
      {"3.3", integer(24)},   {"3.4", integer(0)},
      {"3.5", integer(0)},    {"3.6", integer(0)},
      {"3.7", integer(0)},    {"3.8", integer(219)},
      {"4", Bytes(64, 0x5a)},
  };
  static const auto key = make_key();
  Spec spec{.name = "SEV-VCEK", .issuer = "SEV-Milan"};
  for (const RawExtension& extension : right) {
    if (extension.oid != suffix) {
      spec.raw.push_back({kArc + extension.oid, extension.content});
    } else if (content) {
      spec.raw.push_back({kArc + extension.oid, *content});
    }
  }
  return make(spec, key, key);
}

TEST(VcekExtensions, AreRead) {
  const auto parsed = parse_vcek_extensions(vcek_with("", std::nullopt));
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(parsed->product_name, "Milan-B0");
  EXPECT_EQ(parsed->tcb, (TcbVersion{4, 1, 24, 219}));
  EXPECT_EQ(to_bytes(parsed->hwid), Bytes(64, 0x5a));
}

TEST(VcekExtensions, HwidMayBeWrapped) {
  Bytes wrapped{0x04, 0x40};
  append(wrapped, Bytes(64, 0x5a));
  const auto parsed = parse_vcek_extensions(vcek_with("4", wrapped));
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(to_bytes(parsed->hwid), Bytes(64, 0x5a));
}

TEST(VcekExtensions, EachIsRequiredOnce) {
  for (const char* suffix : {"1", "2", "3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8", "4"}) {
    const auto absent = parse_vcek_extensions(vcek_with(suffix, std::nullopt));
    ASSERT_FALSE(absent) << suffix;
    EXPECT_EQ(absent.error().code, Errc::kMissing) << suffix;
    EXPECT_THAT(absent.error().where, testing::EndsWith(kArc + suffix));
  }
  const auto& world = forge::shared_world();
  for (const char* suffix : {"1", "2", "3.1", "3.8", "4"}) {
    const auto doubled =
        parse_vcek_extensions(issued(world.amd, [&](auto& options) { options.doubled_extension = suffix; }));
    ASSERT_FALSE(doubled) << suffix;
    EXPECT_EQ(doubled.error().code, Errc::kDuplicate) << suffix;
  }
}

TEST(VcekExtensions, OtherEncodingsAreRefused) {
  struct Case {
    const char* suffix;
    Bytes content;
    Errc code;
  };
  Bytes long_hwid{0x04, 0x41};
  append(long_hwid, Bytes(65));
  Bytes cut_hwid{0x04, 0x40};
  append(cut_hwid, Bytes(63));
  const Case cases[] = {
      {"1", integer(1), Errc::kUnsupported},  // Turin
      {"3.1", {}, Errc::kTruncated},
      {"3.1", {0x02}, Errc::kTruncated},
      {"3.1", {0x02, 0x01}, Errc::kTruncated},
      {"3.1", {0x02, 0x00}, Errc::kTruncated},  // no content
      {"3.1", {0x02, 0x01, 0x04, 0x00}, Errc::kTrailing},
      {"3.1", {0x04, 0x01, 0x04}, Errc::kWrongType},
      {"3.1", {0x02, 0x01, 0x80}, Errc::kBadValue},        // negative
      {"3.1", {0x02, 0x02, 0xff, 0x80}, Errc::kBadValue},  // negative
      {"3.1", {0x02, 0x02, 0x00, 0x04}, Errc::kBadValue},  // not the shortest form
      {"3.1", {0x02, 0x02, 0x01, 0x00}, Errc::kBadValue},  // 256
      {"3.1", {0x02, 0x03, 0x00, 0xff, 0xff}, Errc::kBadValue},
      {"3.1", {0x02, 0x03, 0x00, 0x00, 0xff}, Errc::kBadValue},
      {"3.1", {0x02, 0x81, 0x01, 0x04}, Errc::kTooLarge},              // long form of a length
      {"3.4", integer(1), Errc::kBadValue},                            // reserved level
      {"2", {0x0c, 0x05, 'M', 'i', 'l', 'a', 'n'}, Errc::kWrongType},  // UTF8String
      {"2", {0x16, 0x00}, Errc::kBadValue},
      {"2", {0x16, 0x02, 'M', '\n'}, Errc::kBadValue},
      {"4", Bytes(63), Errc::kWrongType},
      {"4", {}, Errc::kTruncated},
      {"4", Bytes(8), Errc::kWrongType},  // Turin's size
      {"4", long_hwid, Errc::kBadValue},
      {"4", cut_hwid, Errc::kTruncated},
  };
  for (const Case& c : cases) {
    const auto parsed = parse_vcek_extensions(vcek_with(c.suffix, c.content));
    ASSERT_FALSE(parsed) << c.suffix << " " << to_hex(c.content);
    EXPECT_EQ(parsed.error().code, c.code) << to_hex(c.content) << ": " << to_string(parsed.error());
    EXPECT_THAT(parsed.error().where, testing::EndsWith(kArc + c.suffix));
  }
}

TEST(VcekExtensions, RecordedOnesAreAsExpected) {
  NODEPROOF_NEED_VECTORS();
  simdjson::dom::parser parser;
  int read = 0;
  for (const char* group : {"snp-reports", "azure-snp"}) {
    for (const auto& folder : vectors::cases(group)) {
      SCOPED_TRACE(folder.string());
      if (!std::filesystem::exists(vectors::folder() / folder / "vcek.der")) continue;
      const auto parsed = parse_vcek_extensions(vectors::certificate(folder / "vcek.der"));
      const auto expected = parser.parse(std::string(as_text(vectors::file(folder / "expect.json"))))
                                .value()["endorsement_key"];
      if (expected["product"].get_string().value() == "Turin") {
        EXPECT_EQ(parsed.error().code, Errc::kUnsupported);
        continue;
      }
      ASSERT_TRUE(parsed) << to_string(parsed.error());
      const auto level = [&](const char* name) {
        return static_cast<std::uint8_t>(expected["spl"][name].get_uint64().value());
      };
      EXPECT_EQ(parsed->product_name, expected["product"].get_string().value());
      EXPECT_EQ(to_hex(parsed->hwid), expected["hwid"].get_string().value());
      EXPECT_EQ(parsed->tcb, (TcbVersion{level("3.1"), level("3.2"), level("3.3"), level("3.8")}));
      ++read;
    }
  }
  EXPECT_GE(read, 11);
}

// ---- Product ----

TEST(ProductOf, ComesFromTheCpuOrFromTheCertificate) {
  struct Case {
    std::optional<CpuId> cpu;
    const char* name;
    std::optional<Product> product;
  };
  const Case cases[] = {
      {CpuId{0x19, 0x00, 0}, "Milan-B0", Product::kMilan},
      {CpuId{0x19, 0x0f, 1}, "Milan-B1", Product::kMilan},
      {CpuId{0x19, 0x10, 0}, "Genoa", Product::kGenoa},
      {CpuId{0x19, 0x1f, 0}, "Genoa", Product::kGenoa},
      {CpuId{0x19, 0xa0, 2}, "Genoa", Product::kGenoa},
      {CpuId{0x19, 0xaf, 0}, "Genoa-B1", Product::kGenoa},
      {CpuId{0x19, 0x20, 0}, "Milan-B0", std::nullopt},
      {CpuId{0x19, 0x9f, 0}, "Genoa", std::nullopt},
      {CpuId{0x19, 0xb0, 0}, "Genoa", std::nullopt},
      {CpuId{0x1a, 0x02, 1}, "Turin", std::nullopt},
      {CpuId{0x17, 0x00, 0}, "Milan-B0", std::nullopt},
      {CpuId{0, 0, 0}, "Milan-B0", std::nullopt},
      {CpuId{0x19, 0x11, 0}, "Milan-B0", std::nullopt},  // the two disagree
      {std::nullopt, "Milan-B0", Product::kMilan},
      {std::nullopt, "Milan", Product::kMilan},
      {std::nullopt, "Genoa", Product::kGenoa},
      {std::nullopt, "Milano", std::nullopt},
      {std::nullopt, "Turin", std::nullopt},
      {std::nullopt, "", std::nullopt},
  };
  for (const Case& c : cases) {
    SnpReport report;
    report.cpuid = c.cpu;
    const auto product = product_of(report, {.product_name = c.name, .tcb = {}});
    ASSERT_EQ(product.has_value(), c.product.has_value()) << c.name << " " << (c.cpu ? c.cpu->model : 0);
    if (product) {
      EXPECT_EQ(*product, *c.product) << c.name;
    }
  }
}

TEST(ProductOf, NamesAnUnknownCpu) {
  SnpReport report;
  report.cpuid = CpuId{0x1a, 0x02, 1};
  const auto product = product_of(report, {.product_name = "Turin", .tcb = {}});
  ASSERT_FALSE(product);
  EXPECT_EQ(product.error().code, Errc::kUnsupported);
  EXPECT_THAT(product.error().detail, HasSubstr("family 0x1a model 0x02"));
}

// ---- Selection ----

TEST(SelectVcek, TakesTheOnlyOne) {
  const auto& world = forge::shared_world();
  const auto vcek = forge::issue_vcek(world.amd).certificate;
  const auto selected = select_vcek({world.amd.ark.certificate, vcek, world.amd.ask.certificate, vcek});
  ASSERT_TRUE(selected) << to_string(selected.error());
  EXPECT_EQ(selected->sha256(), vcek.sha256());
}

TEST(SelectVcek, NoneTwoAndVlekAreNamed) {
  const auto& world = forge::shared_world();
  const auto vcek = forge::issue_vcek(world.amd).certificate;
  const auto vlek = issued(world.amd, [&](auto& options) { options.common_name = "SEV-VLEK"; });
  EXPECT_EQ(select_vcek({}).error().code, Errc::kMissing);
  EXPECT_EQ(select_vcek({world.amd.ask.certificate}).error().code, Errc::kMissing);
  EXPECT_EQ(select_vcek({vcek, forge::issue_vcek(world.amd).certificate}).error().code, Errc::kDuplicate);
  const auto only_vlek = select_vcek({vlek, world.amd.ask.certificate});
  ASSERT_FALSE(only_vlek);
  EXPECT_EQ(only_vlek.error().code, Errc::kUnsupported);
  EXPECT_THAT(only_vlek.error().detail, HasSubstr("VLEK"));
  EXPECT_TRUE(select_vcek({vlek, vcek}));
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
    const auto chain = verify_amd_chain(vcek, certificates, Product::kMilan, anchors, forge::kNow);
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
      {"VLEK",
       issued(world.amd, [&](auto& options) { options.common_name = "SEV-VLEK"; }),
       {ask, ark},
       now,
       "unsupported-key"},
      {"an ASK as VCEK", ask, {ask, ark}, now, "unsupported-key"},
  };
  for (const ChainCase& c : cases) {
    expect_failed(verify_amd_chain(c.vcek, c.certificates, Product::kMilan, anchors, c.now), c.name, c.code);
  }
  expect_failed(
      verify_amd_chain(forge::issue_vcek(no_ca).certificate, {no_ca.ask.certificate, no_ca.ark.certificate},
                       Product::kMilan, no_ca_anchors, now),
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
                                   anchors, now),
                  c.name, c.code);
  }
}

TEST(AmdChain, RootCountsForItsOwnProductOnly) {
  const auto& world = forge::shared_world();
  const auto chain = verify_amd_chain(forge::issue_vcek(world.amd).certificate,
                                      {world.amd.ask.certificate, world.amd.ark.certificate}, Product::kGenoa,
                                      forge::trust_anchors_of(world), forge::kNow);
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
  expect_failed(verify_amd_chain(under_asvk, {asvk, root}, Product::kMilan, anchors, vectors::kNow), "ASVK",
                "wrong-issuer");
  expect_failed(verify_amd_chain(under_root, {root}, Product::kMilan, anchors, vectors::kNow), "ARK",
                "wrong-issuer");
}

TEST(AmdChain, RecordedChainsAreAsExpected) {
  NODEPROOF_NEED_VECTORS();
  const auto anchors = built_in_trust_anchors();
  simdjson::dom::parser parser;
  int passed_chains = 0;
  for (const char* group : {"snp-reports", "azure-snp"}) {
    for (const auto& folder : vectors::cases(group)) {
      SCOPED_TRACE(folder.string());
      if (!std::filesystem::exists(vectors::folder() / folder / "vcek.der")) continue;
      const auto expected = parser.parse(std::string(as_text(vectors::file(folder / "expect.json")))).value();
      const auto vcek = vectors::certificate(folder / "vcek.der");
      const auto name = expected["endorsement_key"]["product"].get_string().value();
      const auto product = parse_product(name.substr(0, name.find('-')), "expect.json");
      if (!product) continue;
      std::vector<Certificate> certificates;  // of all products: the right ones are to be found
      for (const char* line : {"genoa", "milan", "turin"}) {
        for (const char* kind : {"ark", "ask", "asvk"}) {
          certificates.push_back(
              vectors::certificate("amd-certs/" + std::string(line) + "/" + kind + ".pem"));
        }
      }
      const auto chain = verify_amd_chain(vcek, certificates, *product, anchors, vectors::kNow);
      EXPECT_EQ(has_passed(chain.findings, Check::kCertificateChain),
                expected["checks"]["chain_valid"].get_bool().value())
          << chain.findings.front().detail;
      passed_chains += has_passed(chain.findings, Check::kCertificateChain) ? 1 : 0;
    }
  }
  EXPECT_GE(passed_chains, 10);
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
  const auto vcek = select_vcek(*certificates);
  ASSERT_TRUE(vcek) << to_string(vcek.error());
  const auto chain =
      verify_amd_chain(*vcek, *certificates, Product::kMilan, built_in_trust_anchors(), vectors::kNow);
  EXPECT_TRUE(has_passed(chain.findings, Check::kCertificateChain)) << chain.findings.front().detail;
}

}  // namespace
}  // namespace nodeproof::attest
