#include "attest/gzip.hpp"

#include <gtest/gtest.h>

namespace nodeproof::attest {
namespace {

constexpr std::size_t kLimit = 4096;

Bytes sample() {
  Bytes out;
  for (unsigned i = 0; i < kLimit; ++i) out.push_back(static_cast<std::uint8_t>(i * i >> 3U));
  return out;
}

TEST(Gzip, GoesRoundWhateverTheSize) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{300}, kLimit}) {
    Bytes bytes = sample();
    bytes.resize(size);
    const auto back = gunzip(gzip(bytes), kLimit, "log");
    ASSERT_TRUE(back) << size << ": " << to_string(back.error());
    EXPECT_EQ(*back, bytes);
  }
}

TEST(Gzip, EveryPrefixIsRefused) {
  const Bytes packed = gzip(sample());
  for (std::size_t size = 0; size < packed.size(); ++size) {
    const auto out = gunzip(ByteView(packed).first(size), kLimit, "log");
    ASSERT_FALSE(out) << size;
    EXPECT_EQ(out.error().code, Errc::kTruncated) << size;
    EXPECT_EQ(out.error().where, "log");
  }
}

TEST(Gzip, EveryFlippedBitOfContentOrChecksumIsRefusedOrHarmless) {
  const Bytes bytes = sample();
  const Bytes packed = gzip(bytes);
  for (std::size_t bit = 0; bit < packed.size() * 8; ++bit) {
    Bytes flipped = packed;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    const auto out = gunzip(flipped, kLimit, "log");
    // The header's time and flags say nothing about the content; the content is under a CRC.
    if (out) {
      EXPECT_EQ(*out, bytes) << bit;
    }
  }
}

TEST(Gzip, WhatUnpacksToMoreThanTheLimitIsRefused) {
  const auto out = gunzip(gzip(Bytes(std::size_t{1} << 20U, 0)), kLimit, "log");
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Errc::kTooLarge);
  EXPECT_EQ(out.error().detail, "unpacks to more than 4096 bytes");
}

TEST(Gzip, WhatFollowsTheStreamIsRefused) {
  Bytes packed = gzip(sample());
  append(packed, gzip(sample()));
  const auto out = gunzip(packed, 2 * kLimit, "log");
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Errc::kTrailing);
}

TEST(Gzip, AnythingElseIsRefusedWithItsPosition) {
  const auto out = gunzip(as_bytes("Spec ID Event03, not packed"), kLimit, "log");
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, Errc::kBadValue);
  EXPECT_NE(out.error().detail.find("is no gzip stream at byte"), std::string::npos) << out.error().detail;
}

}  // namespace
}  // namespace nodeproof::attest
