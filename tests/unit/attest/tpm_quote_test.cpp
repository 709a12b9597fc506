#include "attest/tpm_quote.hpp"

#include <gtest/gtest.h>

#include "attest/hcl_report.hpp"
#include "attest/runtime_claims.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof::attest {
namespace {

// The parts of a TPMS_ATTEST of a quote (TPM 2.0 part 2, 10.12.8), big endian.
struct Attest {
  Bytes magic{0xff, 0x54, 0x43, 0x47};
  Bytes type{0x80, 0x18};
  Bytes signer = Bytes(34, 0x11);
  Bytes extra = Bytes(32, 0x22);
  Bytes clock{0, 0, 0, 1, 2, 3, 4, 5, 0, 0, 0, 7, 0, 0, 0, 8, 1};
  Bytes firmware{0x20, 0x20, 0x03, 0x12, 0x00, 0x12, 0x00, 0x03};
  Bytes selection{0, 0, 0, 1, 0x00, 0x0b, 3, 0xff, 0xfb, 0x00};
  Bytes digest = Bytes(32, 0x33);

  Bytes bytes() const {
    Bytes out = magic;
    append(out, type);
    append_sized(out, signer);
    append_sized(out, extra);
    append(out, clock);
    append(out, firmware);
    append(out, selection);
    append_sized(out, digest);
    return out;
  }

  static void append_sized(Bytes& to, ByteView content) {
    to.push_back(static_cast<std::uint8_t>(content.size() >> 8U));
    to.push_back(static_cast<std::uint8_t>(content.size() & 0xffU));
    append(to, content);
  }
};

TEST(TpmQuote, ReadsEveryField) {
  const auto quote = parse_tpms_attest(Attest{}.bytes());
  ASSERT_TRUE(quote) << to_string(quote.error());
  EXPECT_EQ(quote->qualified_signer, Bytes(34, 0x11));
  EXPECT_EQ(quote->qualifying_data, Bytes(32, 0x22));
  EXPECT_EQ(quote->clock, 0x102030405U);
  EXPECT_EQ(quote->reset_count, 7U);
  EXPECT_EQ(quote->restart_count, 8U);
  EXPECT_TRUE(quote->safe);
  EXPECT_EQ(quote->firmware_version, 0x2020031200120003U);
  EXPECT_TRUE(quote->sha256_bank_only);
  EXPECT_EQ(quote->selection, kNodeQuotePcrs);
  EXPECT_EQ(quote->pcr_digest, Bytes(32, 0x33));
}

TEST(TpmQuote, ReadsAnEmptyChallenge) {
  const auto quote = parse_tpms_attest(Attest{.extra = {}}.bytes());
  ASSERT_TRUE(quote);
  EXPECT_TRUE(quote->qualifying_data.empty());
}

struct SelectionCase {
  const char* name;
  Bytes selection;
};

void PrintTo(const SelectionCase& c, std::ostream* out) {
  *out << c.name;
}

class TpmQuoteSelection : public testing::TestWithParam<SelectionCase> {};

// It parses, because a signature can be checked over it, but selects nothing that counts.
TEST_P(TpmQuoteSelection, IsNotOfTheSha256BankAlone) {
  const auto quote = parse_tpms_attest(Attest{.selection = GetParam().selection}.bytes());
  ASSERT_TRUE(quote) << to_string(quote.error());
  EXPECT_FALSE(quote->sha256_bank_only);
  EXPECT_EQ(quote->selection, PcrSelection());
}

INSTANTIATE_TEST_SUITE_P(
    Selections, TpmQuoteSelection,
    testing::Values(SelectionCase{"None", {0, 0, 0, 0}},
                    SelectionCase{"Sha1", {0, 0, 0, 1, 0x00, 0x04, 3, 0xff, 0xff, 0xff}},
                    SelectionCase{"Sha384", {0, 0, 0, 1, 0x00, 0x0c, 3, 0xff, 0xff, 0xff}},
                    SelectionCase{"TwoBytes", {0, 0, 0, 1, 0x00, 0x0b, 2, 0xff, 0xff}},
                    SelectionCase{"FourBytes", {0, 0, 0, 1, 0x00, 0x0b, 4, 0xff, 0xff, 0xff, 0xff}},
                    SelectionCase{"Sha256Twice",
                                  {0, 0, 0, 2, 0x00, 0x0b, 3, 0xff, 0x00, 0x00,  //
                                   0x00, 0x0b, 3, 0x00, 0xff, 0x00}},
                    SelectionCase{"TwoBanks",
                                  {0, 0, 0, 2, 0x00, 0x0b, 3, 0xff, 0xff, 0xff,  //
                                   0x00, 0x04, 3, 0xff, 0xff, 0xff}}),
    [](const auto& row) { return std::string(row.param.name); });

struct RefusedCase {
  const char* name;
  Attest attest;
  Errc code;
  const char* where;
};

void PrintTo(const RefusedCase& c, std::ostream* out) {
  *out << c.name;
}

class TpmQuoteRefuses : public testing::TestWithParam<RefusedCase> {};

TEST_P(TpmQuoteRefuses, Structure) {
  const auto quote = parse_tpms_attest(GetParam().attest.bytes());
  ASSERT_FALSE(quote);
  EXPECT_EQ(quote.error().code, GetParam().code) << to_string(quote.error());
  EXPECT_EQ(quote.error().where, GetParam().where);
}

Attest with_clock_safe(std::uint8_t safe) {
  Attest out;
  out.clock.back() = safe;
  return out;
}

INSTANTIATE_TEST_SUITE_P(
    Structures, TpmQuoteRefuses,
    testing::Values(
        RefusedCase{"OtherMagic", {.magic = {0x00, 0x54, 0x43, 0x47}}, Errc::kBadValue, "quote.magic"},
        RefusedCase{
            "SizedAsTpm2b", {.magic = {0x00, 0x91, 0xff, 0x54, 0x43, 0x47}}, Errc::kBadValue, "quote.magic"},
        RefusedCase{"Certify", {.type = {0x80, 0x17}}, Errc::kUnsupported, "quote.type"},
        RefusedCase{"Time", {.type = {0x80, 0x19}}, Errc::kUnsupported, "quote.type"},
        RefusedCase{"SafeIsTwo", with_clock_safe(2), Errc::kBadValue, "quote.clockInfo.safe"},
        RefusedCase{"TooManySelections", {.selection = {0, 0, 0, 17}}, Errc::kTruncated, "quote.attested"},
        RefusedCase{"LongName", {.signer = Bytes(200, 1)}, Errc::kTruncated, "quote.attested"},
        RefusedCase{"LongDigest", {.digest = Bytes(65, 1)}, Errc::kTruncated, "quote.attested"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(TpmQuote, NamesTheFormThatHasASizeBeforeIt) {
  const Bytes attest = Attest{}.bytes();
  Bytes wrapped;
  Attest::append_sized(wrapped, attest);
  EXPECT_NE(parse_tpms_attest(wrapped).error().detail.find("TPM2B_ATTEST"), std::string::npos);
  wrapped.push_back(0);
  EXPECT_EQ(parse_tpms_attest(wrapped).error().detail.find("TPM2B_ATTEST"), std::string::npos);
}

TEST(TpmQuote, RefusesEveryPrefixAndTrailingBytes) {
  Bytes whole = Attest{}.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_tpms_attest(ByteView(whole).first(size))) << size;
  }
  whole.push_back(0);
  ASSERT_FALSE(parse_tpms_attest(whole));
  EXPECT_EQ(parse_tpms_attest(whole).error().code, Errc::kTrailing);
}

Bytes tpmt_signature(std::uint8_t scheme, std::uint8_t hash, std::size_t size = 256) {
  Bytes out{0x00, scheme, 0x00, hash};
  Attest::append_sized(out, Bytes(size, 0x77));
  return out;
}

TEST(QuoteSignature, TakesBothForms) {
  EXPECT_EQ(*parse_quote_signature(Bytes(256, 0x77)), Bytes(256, 0x77));
  EXPECT_EQ(*parse_quote_signature(tpmt_signature(0x14, 0x0b)), Bytes(256, 0x77));
}

TEST(QuoteSignature, RefusesOtherSchemesAndSizes) {
  EXPECT_EQ(parse_quote_signature(tpmt_signature(0x14, 0x04)).error().code, Errc::kUnsupported);  // SHA-1
  EXPECT_EQ(parse_quote_signature(tpmt_signature(0x14, 0x0c)).error().code, Errc::kUnsupported);  // SHA-384
  EXPECT_EQ(parse_quote_signature(tpmt_signature(0x16, 0x0b)).error().code, Errc::kUnsupported);  // RSAPSS
  EXPECT_FALSE(parse_quote_signature(tpmt_signature(0x18, 0x0b)));                                // ECDSA
  EXPECT_FALSE(parse_quote_signature(tpmt_signature(0x14, 0x0b, 255)));
  EXPECT_FALSE(parse_quote_signature(tpmt_signature(0x14, 0x0b, 384)));
  EXPECT_FALSE(parse_quote_signature({}));
}

TEST(QuoteSignature, RefusesEveryPrefixAndTrailingBytes) {
  Bytes whole = tpmt_signature(0x14, 0x0b);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    if (size == 256) continue;  // by its size a raw signature; no key verifies it
    EXPECT_FALSE(parse_quote_signature(ByteView(whole).first(size))) << size;
  }
  whole.push_back(0);
  EXPECT_EQ(parse_quote_signature(whole).error().code, Errc::kTrailing);
}

// Computed apart from this code over the template of azure-evidence 6.4.
TEST(AkName, IsThatOfAzuresTemplate) {
  Bytes modulus{0xc0};
  for (unsigned i = 1; i < 256; ++i) modulus.push_back(static_cast<std::uint8_t>(i));
  EXPECT_EQ(to_hex(ak_name(modulus)), "000b6cdc8bf886f3f323c9831088036bbdc2a42c574e041cc466b8b79645210428c3");
  EXPECT_EQ(to_hex(ak_qualified_name(modulus)),
            "000bcf373a339c6e8ff24b3c7c160caacd6db7bfd2de23574ac8cb0a3913adea3d1f");
}

TEST(AkName, IsWhatRecordedQuotesName) {
  NODEPROOF_NEED_VECTORS();
  unsigned quotes = 0;
  for (const auto& folder : vectors::cases("azure-snp")) {
    if (!std::filesystem::exists(vectors::folder() / folder / "quote.msg")) continue;
    SCOPED_TRACE(folder);
    const Bytes nv = vectors::file(folder / "hcl.bin");
    const auto ak = parse_claimed_ak(parse_hcl_report(nv)->runtime_claims);
    const auto quote = parse_tpms_attest(vectors::file(folder / "quote.msg"));
    ASSERT_TRUE(ak && quote);
    EXPECT_EQ(quote->qualified_signer, ak_qualified_name(ak->rsa_modulus()));
    ++quotes;
  }
  EXPECT_GT(quotes, 0U);
}

}  // namespace
}  // namespace nodeproof::attest
