#include "base/byte_reader.hpp"

#include <gtest/gtest.h>

namespace nodeproof {
namespace {

const Bytes kInput{0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09,
                   0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x00, 0x00};

Status read_all(ByteView bytes) {
  ByteReader reader(bytes, "thing");
  NODEPROOF_TRY(a, reader.u8("a"));
  NODEPROOF_TRY(b, reader.u16le("b"));
  NODEPROOF_TRY(c, reader.u32le("c"));
  NODEPROOF_TRY(d, reader.u64le("d"));
  EXPECT_EQ(a, 0x01);
  EXPECT_EQ(b, 0x0302);
  EXPECT_EQ(c, 0x07060504U);
  EXPECT_EQ(d, 0x0f0e0d0c0b0a0908U);
  NODEPROOF_CHECK(reader.zeros(2, "reserved"));
  return reader.finish();
}

TEST(ByteReader, ReadsLittleEndian) {
  EXPECT_TRUE(read_all(kInput));
}

TEST(ByteReader, ReadsBigEndian) {
  ByteReader reader(kInput, "thing");
  EXPECT_EQ(*reader.u16be("a"), 0x0102);
  EXPECT_EQ(*reader.u32be("b"), 0x03040506U);
  EXPECT_EQ(*reader.u64be("c"), 0x0708090a0b0c0d0eU);
  EXPECT_EQ(reader.u32be("d").error().code, Errc::kTruncated);
}

TEST(ByteReader, RefusesEveryPrefix) {
  for (std::size_t n = 0; n < kInput.size(); ++n) {
    const auto result = read_all(ByteView(kInput).first(n));
    ASSERT_FALSE(result) << n;
    EXPECT_EQ(result.error().code, Errc::kTruncated);
  }
}

TEST(ByteReader, NamesFieldAndOffset) {
  const auto result = read_all(ByteView(kInput).first(5));
  EXPECT_EQ(to_string(result.error()), "thing.c at 0x003: needs 4 bytes, 2 are left (truncated)");
}

TEST(ByteReader, RefusesTrailingBytesAndReservedBits) {
  Bytes longer = kInput;
  longer.push_back(0);
  EXPECT_EQ(read_all(longer).error().code, Errc::kTrailing);
  Bytes dirty = kInput;
  dirty[16] = 1;
  EXPECT_EQ(to_string(read_all(dirty).error()),
            "thing.reserved at 0x00f: reserved bytes are not zero (bad-value)");
}

}  // namespace
}  // namespace nodeproof
