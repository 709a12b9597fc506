#include "base/bytes.hpp"

#include <gtest/gtest.h>

namespace nodeproof {
namespace {

struct Base64Case {
  std::string text;
  std::string standard;
  std::string url;
};

// RFC 4648 section 10, and bytes that use the two digits in which the alphabets differ.
class Base64 : public testing::TestWithParam<Base64Case> {};

TEST_P(Base64, RoundTrips) {
  const auto& c = GetParam();
  EXPECT_EQ(to_base64(as_bytes(c.text)), c.standard);
  EXPECT_EQ(to_base64url(as_bytes(c.text)), c.url);
  EXPECT_EQ(as_text(from_base64(c.standard, "f").value()), c.text);
  EXPECT_EQ(as_text(from_base64url(c.url, "f").value()), c.text);
}

INSTANTIATE_TEST_SUITE_P(Rfc4648, Base64,
                         testing::Values(Base64Case{"", "", ""}, Base64Case{"f", "Zg==", "Zg"},
                                         Base64Case{"fo", "Zm8=", "Zm8"}, Base64Case{"foo", "Zm9v", "Zm9v"},
                                         Base64Case{"foob", "Zm9vYg==", "Zm9vYg"},
                                         Base64Case{"\xfb\xef\xff", "++//", "--__"}));

TEST(Base64Strict, RefusesWhatIsNotCanonical) {
  for (const char* text :
       {"Zg", "Zg=", "Zg===", "Zh==", "Z===", "Zm9v\n", "Zm 9", "Zm-v", "====", "Zg==Zg=="}) {
    EXPECT_FALSE(from_base64(text, "field")) << text;
  }
  for (const char* text : {"Zg==", "Z", "Zh", "Zm+v", "Zm9v="})
    EXPECT_FALSE(from_base64url(text, "field")) << text;
}

TEST(Base64Strict, NamesTheFieldAndTheCharacter) {
  const auto result = from_base64("Zm9*", "spec.attest");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kBadValue);
  EXPECT_EQ(result.error().where, "spec.attest");
  EXPECT_EQ(result.error().detail, "character 3 is not a base64 digit");
}

TEST(Hex, RoundTripsInEitherCase) {
  const Bytes bytes{0x00, 0x7f, 0x80, 0xff};
  EXPECT_EQ(to_hex(bytes), "007f80ff");
  EXPECT_EQ(from_hex("007F80fF", "f").value(), bytes);
}

TEST(Hex, RefusesOddLengthAndOtherCharacters) {
  EXPECT_EQ(from_hex("0", "f").error().code, Errc::kTruncated);
  EXPECT_EQ(from_hex("0g", "f").error().detail, "character 1 is not a hex digit");
  EXPECT_FALSE(from_hex("0x00", "f"));
  EXPECT_FALSE(from_hex("00 11", "f"));
}

TEST(BigEndian, AppendsMostSignificantFirst) {
  Bytes out;
  append_be32(out, 0x01020304U);
  append_be64(out, 0x0102030405060708U);
  EXPECT_EQ(to_hex(out), "010203040102030405060708");
}

TEST(Equality, ComparesLengthAndContent) {
  EXPECT_TRUE(equal(as_bytes("ab"), as_bytes("ab")));
  EXPECT_FALSE(equal(as_bytes("ab"), as_bytes("abc")));
  EXPECT_FALSE(equal(as_bytes("ab"), as_bytes("ac")));
  EXPECT_TRUE(all_zero(Bytes(3, 0)));
  EXPECT_FALSE(all_zero(as_bytes("0")));
}

TEST(ToArray, WantsTheExactLength) {
  EXPECT_EQ(to_array<2>(as_bytes("ab"), "f").value()[1], 'b');
  EXPECT_EQ(to_array<2>(as_bytes("abc"), "f").error().detail, "is 3 bytes long, must be 2");
}

}  // namespace
}  // namespace nodeproof
