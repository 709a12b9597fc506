#include "attest/endorsement_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <functional>

#include "tests/support/forge.hpp"
#include "tests/unit/attest/issued.hpp"
#include "tests/unit/attest/test_certificate.hpp"

namespace nodeproof::attest {
namespace {

using testing::HasSubstr;
using testing_certificates::make;
using testing_certificates::make_key;
using testing_certificates::RawExtension;
using testing_certificates::Spec;

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
      {"1", integer(1), Errc::kBadValue},  // Turin's, on a Milan
      {"1", integer(2), Errc::kUnsupported},
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
      ASSERT_TRUE(parsed) << to_string(parsed.error());
      const auto level = [&](const char* name) {
        return static_cast<std::uint8_t>(expected["spl"][name].get_uint64().value());
      };
      EXPECT_EQ(parsed->product_name, expected["product"].get_string().value());
      const std::string_view hwid = expected["hwid"].get_string().value();
      EXPECT_EQ(to_hex(parsed->hwid), std::string(hwid) + std::string(128 - hwid.size(), '0'));
      TcbVersion tcb{level("3.1"), level("3.2"), level("3.3"), level("3.8")};
      if (parsed->product_name == "Turin") {
        tcb.layout = TcbLayout::kTurin;
        tcb.fmc = level("3.9");
      }
      EXPECT_EQ(parsed->tcb, tcb);
      ++read;
    }
  }
  EXPECT_GE(read, 12);
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
      {CpuId{0x1a, 0x00, 0}, "Turin", Product::kTurin},
      {CpuId{0x1a, 0x11, 1}, "Turin", Product::kTurin},
      {CpuId{0x1a, 0x12, 0}, "Turin", std::nullopt},
      {CpuId{0x1a, 0x50, 0}, "Turin", std::nullopt},
      {CpuId{0x1a, 0x02, 0}, "Genoa", std::nullopt},
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
    const auto product = product_of(report, KeyExtensions{.product_name = c.name, .tcb = {}});
    ASSERT_EQ(product.has_value(), c.product.has_value()) << c.name << " " << (c.cpu ? c.cpu->model : 0);
    if (product) {
      EXPECT_EQ(*product, *c.product) << c.name;
    }
  }
}

TEST(ProductOf, NamesAnUnknownCpu) {
  SnpReport report;
  report.cpuid = CpuId{0x1a, 0x52, 1};
  const auto product = product_of(report, KeyExtensions{.product_name = "Turin", .tcb = {}});
  ASSERT_FALSE(product);
  EXPECT_EQ(product.error().code, Errc::kUnsupported);
  EXPECT_THAT(product.error().detail, HasSubstr("family 0x1a model 0x52"));
}

// ---- Turin, VLEK ----

TEST(VcekExtensions, TurinHasAnFmcLevelAndAShortHwid) {
  const auto& world = forge::shared_world(Product::kTurin);
  for (const bool wrapped : {false, true}) {
    forge::VcekOptions options;
    options.tcb.fmc = 3;
    options.hwid_as_octet_string = wrapped;
    const auto parsed = parse_vcek_extensions(forge::issue_vcek(world.amd, options).certificate);
    ASSERT_TRUE(parsed) << to_string(parsed.error());
    TcbVersion tcb = forge::tcb_for(Product::kTurin);
    tcb.fmc = 3;
    EXPECT_EQ(parsed->tcb, tcb);
    EXPECT_TRUE(equal(ByteView(parsed->hwid).first(8), ByteView(options.chip_id).first(8)));
    EXPECT_TRUE(all_zero(ByteView(parsed->hwid).subspan(8)));
  }
  for (const char* suffix : {"3.8", "3.9", "4"}) {
    const auto absent =
        parse_vcek_extensions(issued(world.amd, [&](auto& options) { options.without_extension = suffix; }));
    ASSERT_FALSE(absent) << suffix;
    EXPECT_EQ(absent.error().code, Errc::kMissing) << suffix;
  }
}

TEST(VcekExtensions, WhatBelongsToAnotherProductOrKindIsRefused) {
  static const auto key = make_key();
  const auto with = [](std::vector<RawExtension> more, const char* name = "Milan-B0",
                       std::uint8_t version = 0) {
    Bytes text{0x16, static_cast<std::uint8_t>(std::string_view(name).size())};
    append(text, as_bytes(name));
    Spec spec{.name = "SEV-VCEK", .issuer = "SEV-Milan"};
    spec.raw = {{kArc + "1", integer(version)}, {kArc + "2", text}};
    for (const char* suffix : {"3.1", "3.2", "3.3", "3.5", "3.6", "3.7", "3.8"})
      spec.raw.push_back({kArc + suffix, integer(0)});
    for (const RawExtension& extension : more) spec.raw.push_back({kArc + extension.oid, extension.content});
    return parse_vcek_extensions(make(spec, key, key));
  };
  const RawExtension spl4{"3.4", integer(0)};
  const RawExtension fmc{"3.9", integer(0)};
  const RawExtension long_hwid{"4", Bytes(64, 1)};
  const RawExtension short_hwid{"4", Bytes(8, 1)};
  const RawExtension csp{"5", {0x16, 0x01, 'x'}};
  EXPECT_TRUE(with({spl4, long_hwid}));
  EXPECT_TRUE(with({fmc, short_hwid}, "Turin", 1));
  EXPECT_EQ(with({spl4, fmc, long_hwid}).error().code, Errc::kUnknownField);
  EXPECT_EQ(with({spl4, fmc, short_hwid}, "Turin", 1).error().code, Errc::kUnknownField);
  EXPECT_EQ(with({spl4, short_hwid}).error().code, Errc::kWrongType);
  EXPECT_EQ(with({fmc, long_hwid}, "Turin", 1).error().code, Errc::kWrongType);
  EXPECT_EQ(with({spl4, long_hwid}, "Turin", 0).error().code, Errc::kBadValue);
  EXPECT_EQ(with({spl4, long_hwid, csp}).error().code, Errc::kUnknownField);
}

TEST(VlekExtensions, NameTheProviderInsteadOfAChip) {
  const auto& world = forge::shared_world();
  const auto asvk = forge::make_asvk(world.amd);
  const auto vlek = forge::issue_vlek(world.amd, asvk).certificate;
  const auto parsed = parse_vlek_extensions(vlek);
  ASSERT_TRUE(parsed) << to_string(parsed.error());
  EXPECT_EQ(parsed->csp_id, "CN=cloud.example");
  EXPECT_EQ(parsed->product_name, "Milan");
  EXPECT_EQ(parsed->tcb, forge::kTcb);
  forge::VlekOptions nameless;
  nameless.without_extension = "5";
  EXPECT_EQ(parse_vlek_extensions(forge::issue_vlek(world.amd, asvk, nameless).certificate).error().code,
            Errc::kMissing);
  EXPECT_EQ(parse_vlek_extensions(forge::issue_vcek(world.amd).certificate).error().code, Errc::kMissing);
  EXPECT_EQ(parse_vcek_extensions(vlek).error().code, Errc::kMissing);
}

// ---- Selection ----

TEST(SelectEndorsementKey, TakesTheOnlyOneOfItsKind) {
  const auto& world = forge::shared_world();
  const auto vcek = forge::issue_vcek(world.amd).certificate;
  const auto vlek = forge::issue_vlek(world.amd, forge::make_asvk(world.amd)).certificate;
  const std::vector<Certificate> sent{world.amd.ark.certificate, vcek, vlek, world.amd.ask.certificate, vcek};
  const auto selected = select_endorsement_key(sent, SigningKey::kVcek);
  ASSERT_TRUE(selected) << to_string(selected.error());
  EXPECT_EQ(selected->sha256(), vcek.sha256());
  const auto other = select_endorsement_key(sent, SigningKey::kVlek);
  ASSERT_TRUE(other) << to_string(other.error());
  EXPECT_EQ(other->sha256(), vlek.sha256());
}

TEST(SelectEndorsementKey, NoneTwoAndTheOtherKindAreNamed) {
  const auto& world = forge::shared_world();
  const auto vcek = forge::issue_vcek(world.amd).certificate;
  const auto code = [](const std::vector<Certificate>& sent) {
    return select_endorsement_key(sent, SigningKey::kVcek).error().code;
  };
  EXPECT_EQ(code({}), Errc::kMissing);
  EXPECT_EQ(code({world.amd.ask.certificate}), Errc::kMissing);
  EXPECT_EQ(code({vcek, forge::issue_vcek(world.amd).certificate}), Errc::kDuplicate);
  const auto only_vcek = select_endorsement_key({vcek}, SigningKey::kVlek);
  ASSERT_FALSE(only_vcek);
  EXPECT_EQ(only_vcek.error().code, Errc::kMissing);
  EXPECT_THAT(only_vcek.error().detail, HasSubstr("no VLEK, but a VCEK"));
}

}  // namespace
}  // namespace nodeproof::attest
