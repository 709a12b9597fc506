#include "attest/pcr.hpp"

#include <gtest/gtest.h>

#include "attest/crypto.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof::attest {
namespace {

Sha256Digest filled(unsigned pcr) {
  Sha256Digest out;
  out.fill(static_cast<std::uint8_t>(pcr + 1));
  return out;
}

PcrValues values_of(PcrSelection selection) {
  PcrValues out;
  for (unsigned pcr = 0; pcr < kPcrCount; ++pcr) {
    if (selection.contains(pcr)) out[pcr] = filled(pcr);
  }
  return out;
}

Bytes raw_file() {
  Bytes out;
  for (unsigned pcr = 0; pcr < kPcrCount; ++pcr) append(out, filled(pcr));
  return out;
}

std::string json_file(PcrSelection selection) {
  std::string out;
  for (const auto& [pcr, value] : values_of(selection)) {
    out += (out.empty() ? "{\"" : ",\"") + std::to_string(pcr) + "\":\"" + to_hex(value) + '"';
  }
  return out + "}";
}

void append_le(Bytes& to, std::size_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(value >> (8 * i) & 0xffU));
}

// As `tpm2_quote --pcr` writes it on a little-endian machine: 132 bytes of TPML_PCR_SELECTION, the
// number of lists, and each TPML_DIGEST with its eight places of 66 bytes.
Bytes tools_file(PcrSelection selection) {
  Bytes out;
  append_le(out, 1, 4);
  append_le(out, 0x000b, 2);
  append_le(out, 3, 1);
  append_le(out, selection.bits(), 3);
  out.resize(132);
  const PcrValues values = values_of(selection);
  const std::size_t lists = (values.size() + 7) / 8;
  append_le(out, lists, 4);
  auto next = values.begin();
  for (std::size_t list = 0; list < lists; ++list) {
    const std::size_t count = std::min<std::size_t>(8, values.size() - 8 * list);
    append_le(out, count, 4);
    const std::size_t end = out.size() + 8 * 66;
    for (std::size_t i = 0; i < count; ++i, ++next) {
      append_le(out, 32, 2);
      append(out, next->second);
      out.resize(out.size() + 32);
    }
    out.resize(end);
  }
  return out;
}

TEST(PcrSelection, IsDescribedInRanges) {
  EXPECT_EQ(PcrSelection().describe(), "none");
  EXPECT_EQ(PcrSelection(1U << 16U).describe(), "16");
  EXPECT_EQ(kNodeQuotePcrs.describe(), "0-9,11-15");
  EXPECT_EQ(kBootPcrs.describe(), "0-7");
  EXPECT_EQ(PcrSelection(0xffffffff).describe(), "0-23");
  EXPECT_EQ(PcrSelection(0x800005).describe(), "0,2,23");
}

TEST(PcrSelection, ContainsWhatItSelects) {
  EXPECT_TRUE(kNodeQuotePcrs.contains(9));
  EXPECT_FALSE(kNodeQuotePcrs.contains(10));
  EXPECT_FALSE(PcrSelection(0xffffffff).contains(24));
  EXPECT_FALSE(PcrSelection(0xffffffff).contains(64));
  EXPECT_TRUE(kNodeQuotePcrs.contains(kBootPcrs));
  EXPECT_FALSE(kBootPcrs.contains(kNodeQuotePcrs));
}

TEST(PcrValues, AreInAscendingOrderHoweverTheyCame) {
  PcrValues values;
  for (const unsigned pcr : {6U, 23U, 0U, 15U}) values[pcr] = filled(pcr);
  EXPECT_EQ(values, values_of(PcrSelection(1U << 0U | 1U << 6U | 1U << 15U | 1U << 23U)));
  std::vector<unsigned> order;
  for (const auto& [pcr, value] : values) {
    order.push_back(pcr);
    EXPECT_EQ(value, filled(pcr));
  }
  EXPECT_EQ(order, (std::vector<unsigned>{0, 6, 15, 23}));
}

TEST(PcrValues, TellWhatIsAbsent) {
  PcrValues values = values_of(kNodeQuotePcrs);
  EXPECT_EQ(values.size(), 15U);
  EXPECT_EQ(values.at(9), filled(9));
  EXPECT_EQ(values.find(10), nullptr);
  EXPECT_FALSE(values.contains(10));
  EXPECT_FALSE(values.contains(16));
  EXPECT_THROW(values.at(10), std::out_of_range);
  EXPECT_TRUE(all_zero(values[10]));
  EXPECT_TRUE(values.contains(10));
  EXPECT_EQ(values.size(), 16U);
  EXPECT_TRUE(PcrValues().empty());
}

TEST(PcrValues, AreReplacedNotDoubled) {
  PcrValues values = values_of(kBootPcrs);
  values[3] = filled(30);
  EXPECT_EQ(values.size(), 8U);
  EXPECT_EQ(values.at(3), filled(30));
  EXPECT_NE(values, values_of(kBootPcrs));
}

TEST(PcrValues, OnlySelectedOnesOfThoseThereAre) {
  const PcrValues values = values_of(kNodeQuotePcrs);
  EXPECT_EQ(values.only(kBootPcrs), values_of(kBootPcrs));
  EXPECT_EQ(values.only(PcrSelection(0xffffff)), values);
  EXPECT_TRUE(values.only(PcrSelection(1U << 10U)).empty());
}

TEST(PcrDigest, HashesTheSelectedValuesInOrder) {
  Bytes both = to_bytes(filled(3));
  append(both, filled(11));
  EXPECT_EQ(*pcr_digest(values_of(PcrSelection(0xffffff)), PcrSelection(1U << 3U | 1U << 11U)), sha256(both));
  EXPECT_EQ(*pcr_digest({}, PcrSelection()), sha256({}));
}

TEST(PcrDigest, NeedsEverySelectedValue) {
  const auto digest = pcr_digest(values_of(kBootPcrs), kNodeQuotePcrs);
  ASSERT_FALSE(digest);
  EXPECT_EQ(digest.error().code, Errc::kMissing);
  EXPECT_EQ(digest.error().where, "pcrs.8");
}

TEST(ParsePcrs, TakesEveryForm) {
  constexpr PcrSelection kAll(0xffffff);
  EXPECT_EQ(*parse_pcrs(raw_file()), values_of(kAll));
  for (const PcrSelection selection : {kAll, kNodeQuotePcrs, kBootPcrs, PcrSelection(1U << 6U)}) {
    SCOPED_TRACE(selection.describe());
    const PcrValues values = values_of(selection);
    const std::string flat = json_file(selection);
    EXPECT_EQ(*parse_pcrs(as_bytes(flat)), values);
    EXPECT_EQ(*parse_pcrs(as_bytes(" \n\t" + flat + "\n")), values);
    EXPECT_EQ(*parse_pcrs(as_bytes(R"({"sha1":{"0":"00"},"sha256":)" + flat + "}")), values);
    EXPECT_EQ(*parse_pcrs(tools_file(selection)), values);
  }
}

// 768 raw bytes stay raw bytes, whatever the first of them looks like.
TEST(ParsePcrs, TakesRawBytesThatBeginLikeJson) {
  Bytes raw = raw_file();
  raw[0] = '{';
  const auto values = parse_pcrs(raw);
  ASSERT_TRUE(values);
  EXPECT_EQ(values->at(0)[0], '{');
}

struct RefusedJson {
  const char* name;
  std::string text;
  Errc code;
};

void PrintTo(const RefusedJson& c, std::ostream* out) {
  *out << c.name;
}

class ParsePcrsRefuses : public testing::TestWithParam<RefusedJson> {};

TEST_P(ParsePcrsRefuses, Json) {
  const auto values = parse_pcrs(as_bytes(GetParam().text));
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().code, GetParam().code) << to_string(values.error());
}

std::string pair(std::string_view key, std::size_t digits = 64) {
  return "\"" + std::string(key) + "\":\"" + std::string(digits, 'a') + "\"";
}

INSTANTIATE_TEST_SUITE_P(
    Json, ParsePcrsRefuses,
    testing::Values(RefusedJson{"NoValue", "{}", Errc::kMissing},
                    RefusedJson{"EmptyBank", R"({"sha256":{}})", Errc::kMissing},
                    RefusedJson{"Pcr24", "{" + pair("24") + "}", Errc::kBadValue},
                    RefusedJson{"LeadingZero", "{" + pair("00") + "}", Errc::kBadValue},
                    RefusedJson{"Sign", "{" + pair("+1") + "}", Errc::kBadValue},
                    RefusedJson{"Blank", "{" + pair(" 1") + "}", Errc::kBadValue},
                    RefusedJson{"OtherBank", R"({"sha1":{"0":"00"}})", Errc::kMissing},
                    RefusedJson{"Sha1Value", "{" + pair("0", 40) + "}", Errc::kBadValue},
                    RefusedJson{"OddDigits", "{" + pair("0", 63) + "}", Errc::kTruncated},
                    RefusedJson{"Number", R"({"0":0})", Errc::kWrongType},
                    RefusedJson{"BankNotAnObject", R"({"sha256":[]})", Errc::kWrongType},
                    RefusedJson{"Duplicate", "{" + pair("0") + "," + pair("0") + "}", Errc::kDuplicate},
                    RefusedJson{"Cut", "{" + pair("0"), Errc::kBadValue}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ParsePcrs, RefusesEveryPrefix) {
  const std::string json = json_file(kBootPcrs);
  for (const Bytes& whole : {raw_file(), tools_file(kNodeQuotePcrs), to_bytes(as_bytes(json))}) {
    ASSERT_TRUE(parse_pcrs(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      if (size == kPcrCount * 32) continue;  // by its size a raw file; no quote has its digest
      ASSERT_FALSE(parse_pcrs(ByteView(whole).first(size))) << size << " of " << whole.size();
    }
  }
}

TEST(ParsePcrs, RefusesTrailingBytes) {
  for (Bytes whole : {raw_file(), tools_file(kNodeQuotePcrs)}) {
    whole.push_back(0);
    EXPECT_FALSE(parse_pcrs(whole));
  }
}

TEST(ParsePcrs, RefusesOtherToolsFiles) {
  const auto refused = [](std::size_t offset, std::uint8_t value, Errc code) {
    Bytes file = tools_file(kNodeQuotePcrs);
    file[offset] = value;
    const auto values = parse_pcrs(file);
    ASSERT_FALSE(values) << offset;
    EXPECT_EQ(values.error().code, code) << to_string(values.error());
  };
  refused(0, 2, Errc::kUnsupported);     // two selections
  refused(4, 0x04, Errc::kUnsupported);  // SHA-1
  refused(6, 4, Errc::kBadValue);        // sizeofSelect
  refused(7, 0x7f, Errc::kTrailing);     // one PCR fewer than values
  refused(9, 0x01, Errc::kTruncated);    // one PCR more
  refused(132, 1, Errc::kTrailing);      // one list fewer
  refused(132, 3, Errc::kTruncated);     // one list more
  refused(135, 0xff, Errc::kTruncated);  // a great many
  refused(136, 9, Errc::kBadValue);      // nine digests in a list
  refused(140, 20, Errc::kBadValue);     // a digest of 20 bytes
}

TEST(ParsePcrs, SaysWhyAFileOfNoKnownFormIsNone) {
  const auto detail = [](ByteView file) {
    const auto values = parse_pcrs(file);
    return values ? std::string() : values.error().detail;
  };
  for (const std::size_t other : {20U, 48U, 64U}) {
    EXPECT_NE(detail(Bytes(kPcrCount * other, 1)).find("of another bank than SHA-256"), std::string::npos);
  }
  for (const Bytes& file : {Bytes(), Bytes(3), Bytes(4), to_bytes(as_bytes("sha256:\n  0 : 0x00\n"))}) {
    EXPECT_NE(detail(file).find("nor a PCR file of tpm2-tools"), std::string::npos) << to_hex(file);
  }
}

// Computed apart from this code; the first is also what a recorded quote of this VM has.
TEST(VmIdPcr6, HasBothForms) {
  constexpr const char* kOld = "964e9870f9bf29d7e9df42e9e4c70f59b27f489e086ba2ee6e8d62a2b0bb6131";
  constexpr const char* kNew = "5d3f243a04ca958ee2c346e0381469584294ab03e3930231968875815ba18afc";
  for (const char* id : {"7df7b373-b947-4aaa-96e5-c358f2a03d20", "7DF7B373-B947-4AAA-96E5-C358F2A03D20"}) {
    EXPECT_EQ(to_hex(vm_id_pcr6(id, false)), kOld);
    EXPECT_EQ(to_hex(vm_id_pcr6(id, true)), kNew);
  }
  EXPECT_NE(to_hex(vm_id_pcr6("7df7b373-b947-4aaa-96e5-c358f2a03d21", false)), kOld);
}

TEST(ParsePcrs, TakesRecordedValues) {
  NODEPROOF_NEED_VECTORS();
  const auto values = parse_pcrs(vectors::file("azure-snp/milan-v3-report-userdata/pcrs-sha256.bin"));
  ASSERT_TRUE(values);
  EXPECT_EQ(values->at(6), vm_id_pcr6("7df7b373-b947-4aaa-96e5-c358f2a03d20", false));
  EXPECT_EQ(to_hex(*pcr_digest(*values, PcrSelection(0xffffff))),
            "2304510eb15046d5c940e957b6ac93bc805e3ffcadb38e0a1b95442e552cb004");
}

}  // namespace
}  // namespace nodeproof::attest
