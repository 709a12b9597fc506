#include "attest/hcl_report.hpp"

#include <gtest/gtest.h>

#include "tests/support/vectors.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::string_view kClaims = R"({"keys":[]})";

Bytes make_frame(std::string_view claims = kClaims) {
  return serialize_hcl_report(Bytes(1184, 0xa5), as_bytes(claims));
}

void put_u32(Bytes& to, std::size_t offset, std::uint32_t value) {
  for (unsigned i = 0; i < 4; ++i) to[offset + i] = static_cast<std::uint8_t>(value >> (8 * i));
}

TEST(HclReport, ParsesWhatItSerialises) {
  for (const std::size_t padding : {0U, 1U, 1000U}) {
    Bytes nv = make_frame();
    const std::size_t framed = nv.size();
    ASSERT_EQ(framed, 1236 + kClaims.size());
    nv.resize(framed + padding);
    const auto report = parse_hcl_report(nv);
    ASSERT_TRUE(report) << to_string(report.error());
    EXPECT_EQ(report->header_version, 2U);
    EXPECT_EQ(report->report_type, HclReportType::kSnp);
    EXPECT_EQ(report->framed.size(), framed);
    EXPECT_EQ(report->framed.data(), nv.data());
    EXPECT_TRUE(equal(report->hardware_report, Bytes(1184, 0xa5)));
    EXPECT_EQ(as_text(report->runtime_claims), kClaims);
    EXPECT_EQ(serialize_hcl_report(report->hardware_report, report->runtime_claims),
              to_bytes(report->framed));
  }
}

TEST(HclReport, AcceptsHeaderVersionOne) {
  Bytes nv = make_frame();
  put_u32(nv, 0x004, 1);
  ASSERT_TRUE(parse_hcl_report(nv));
  EXPECT_EQ(parse_hcl_report(nv)->header_version, 1U);
}

struct FieldCase {
  const char* name;
  std::size_t offset;
  std::uint32_t value;
  Errc code;
  const char* where;  // what the error must name
  const char* detail;
};

void PrintTo(const FieldCase& c, std::ostream* out) {
  *out << c.name;
}

class HclReportRefuses : public testing::TestWithParam<FieldCase> {};

TEST_P(HclReportRefuses, Field) {
  Bytes nv = make_frame();
  nv.resize(2600);
  put_u32(nv, GetParam().offset, GetParam().value);
  const auto report = parse_hcl_report(nv);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, GetParam().code) << to_string(report.error());
  EXPECT_NE(report.error().where.find(GetParam().where), std::string::npos) << report.error().where;
  EXPECT_NE(report.error().detail.find(GetParam().detail), std::string::npos) << report.error().detail;
}

constexpr std::uint32_t kSize = 1236 + 11;
static_assert(kClaims.size() == 11);

INSTANTIATE_TEST_SUITE_P(
    Fields, HclReportRefuses,
    testing::Values(
        FieldCase{"Signature", 0x000, 0x414c4349, Errc::kBadValue, "signature", "HCLA"},
        FieldCase{"Version0", 0x004, 0, Errc::kUnsupported, "version", "supported: 1, 2"},
        FieldCase{"Version3", 0x004, 3, Errc::kUnsupported, "version", "is 3"},
        FieldCase{"SizeBelowFixedPart", 0x008, 1235, Errc::kBadValue, "report_size", "1236"},
        FieldCase{"SizeOneLess", 0x008, kSize - 1, Errc::kBadValue, "data_size", "must be 30"},
        FieldCase{"SizeOneMore", 0x008, kSize + 1, Errc::kBadValue, "data_size", "must be 32"},
        FieldCase{"SizeHuge", 0x008, 0xffffffff, Errc::kTooLarge, "report_size", ""},
        FieldCase{"KeyRelease", 0x00c, 1, Errc::kBadValue, "request_type", "must be 2"},
        FieldCase{"Status", 0x010, 1, Errc::kBadValue, "status", "must be 0"},
        FieldCase{"ReservedFirst", 0x014, 1, Errc::kBadValue, "reserved", ""},
        FieldCase{"ReservedLast", 0x01c, 0x01000000, Errc::kBadValue, "reserved", ""},
        FieldCase{"DataSize", 0x4c0, 32, Errc::kBadValue, "data_size", "must be 31"},
        FieldCase{"RuntimeVersion2", 0x4c4, 2, Errc::kUnsupported, "runtime_version", "supported: 1"},
        FieldCase{"Invalid", 0x4c8, 0, Errc::kOtherKind, "report_type", "type 0 (invalid)"},
        FieldCase{"Vbs", 0x4c8, 1, Errc::kOtherKind, "report_type", "VBS"},
        FieldCase{"TrustedLaunch", 0x4c8, 3, Errc::kOtherKind, "report_type", "Trusted Launch"},
        FieldCase{"Tdx", 0x4c8, 4, Errc::kOtherKind, "report_type", "TDX"},
        FieldCase{"Cca", 0x4c8, 5, Errc::kOtherKind, "report_type", "CCA"},
        FieldCase{"Unknown", 0x4c8, 6, Errc::kUnsupported, "report_type", "type 6"},
        FieldCase{"NoHash", 0x4cc, 0, Errc::kBadValue, "report_data_hash_type", "supported: 1"},
        FieldCase{"Sha384", 0x4cc, 2, Errc::kUnsupported, "report_data_hash_type", "supported: 1"},
        FieldCase{"ClaimsSize", 0x4d0, 10, Errc::kBadValue, "variable_data_size", "must be 11"},
        FieldCase{"PaddingFirst", kSize, 1, Errc::kBadValue, "padding", ""},
        FieldCase{"PaddingLast", 2596, 0x80000000, Errc::kBadValue, "padding", ""}),
    [](const auto& row) { return std::string(row.param.name); });

// A later header may have another size, so its version is what is told.
TEST(HclReport, TellsALaterRuntimeHeaderBeforeItsSize) {
  Bytes nv = make_frame();
  put_u32(nv, 0x4c0, 63);
  put_u32(nv, 0x4c4, 2);
  const auto report = parse_hcl_report(nv);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Errc::kUnsupported) << to_string(report.error());
}

TEST(HclReport, RefusesEveryPrefix) {
  const Bytes whole = make_frame();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_hcl_report(ByteView(whole).first(size))) << size;
  }
}

TEST(HclReport, RefusesMoreThanAnIndexHolds) {
  Bytes nv = make_frame();
  nv.resize(kHclMaxSize);
  EXPECT_TRUE(parse_hcl_report(nv));
  nv.push_back(0);
  ASSERT_FALSE(parse_hcl_report(nv));
  EXPECT_EQ(parse_hcl_report(nv).error().code, Errc::kTooLarge);
}

// No header bit can change without being noticed: all of its fields have one value, but the version two.
TEST(HclReport, RefusesEveryFlippedBitOfItsFields) {
  const Bytes whole = make_frame();
  const auto flip_range = [&](std::size_t from, std::size_t until) {
    for (std::size_t bit = from * 8; bit < until * 8; ++bit) {
      Bytes flipped = whole;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ 1U << (bit % 8));
      EXPECT_FALSE(parse_hcl_report(flipped)) << bit;
    }
  };
  flip_range(0x000, 0x020);
  flip_range(0x4c0, 0x4d4);
}

TEST(HclReport, ParsesRecordedReports) {
  NODEPROOF_NEED_VECTORS();
  for (const auto& folder : vectors::cases("azure-snp")) {
    SCOPED_TRACE(folder);
    const Bytes nv = vectors::file(folder / "hcl.bin");
    const auto report = parse_hcl_report(nv);
    ASSERT_TRUE(report) << to_string(report.error());
    EXPECT_EQ(report->framed.size(), 1236 + report->runtime_claims.size());
    EXPECT_EQ(report->runtime_claims.back(), '}');
  }
}

TEST(HclReport, NamesTdxInRecordedReports) {
  NODEPROOF_NEED_VECTORS();
  for (const auto& folder : vectors::cases("azure-tdx")) {
    SCOPED_TRACE(folder);
    const auto report = parse_hcl_report(vectors::file(folder / "hcl.bin"));
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Errc::kOtherKind);
    EXPECT_NE(report.error().detail.find("TDX"), std::string::npos) << report.error().detail;
  }
}

}  // namespace
}  // namespace nodeproof::attest
