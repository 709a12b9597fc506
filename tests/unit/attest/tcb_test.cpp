#include "attest/tcb.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nodeproof::attest {
namespace {

constexpr TcbVersion kTcb{4, 1, 24, 219};
constexpr ByteArray<8> kRaw{4, 1, 0, 0, 0, 0, 24, 219};

TEST(Tcb, ReadsTheMilanAndGenoaLayout) {
  const auto parsed = parse_tcb(kRaw, "tcb");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(*parsed, kTcb);
  EXPECT_EQ(serialize_tcb(*parsed), kRaw);
}

TEST(Tcb, RefusesOtherSizesAndReservedBytes) {
  for (const std::size_t size : {0U, 7U, 9U}) EXPECT_FALSE(parse_tcb(Bytes(size), "tcb")) << size;
  for (std::size_t i = 2; i < 6; ++i) {
    ByteArray<8> dirty = kRaw;
    dirty[i] = 1;
    const auto parsed = parse_tcb(dirty, "report.current_tcb");
    ASSERT_FALSE(parsed) << i;
    EXPECT_EQ(parsed.error().code, Errc::kBadValue);
    EXPECT_EQ(parsed.error().where, "report.current_tcb");
  }
}

TEST(Tcb, ComparesEachComponentByItself) {
  struct Case {
    TcbVersion have;
    std::optional<std::string_view> below;
  };
  const Case cases[] = {
      {kTcb, std::nullopt},
      {{5, 2, 25, 220}, std::nullopt},
      {{3, 1, 24, 219}, "bootloader"},
      {{4, 0, 24, 219}, "tee"},
      {{4, 1, 23, 219}, "snp"},
      {{4, 1, 24, 218}, "microcode"},
      {{255, 255, 255, 0}, "microcode"},  // a large number elsewhere does not make up for it
      {{0, 255, 255, 255}, "bootloader"},
  };
  for (const Case& c : cases) EXPECT_EQ(component_below(c.have, kTcb), c.below) << describe(c.have);
}

TEST(Tcb, DescribesItself) {
  EXPECT_EQ(describe(kTcb), "bootloader 4, tee 1, snp 24, microcode 219");
}

TEST(Product, NamesGoBothWays) {
  for (const Product product : {Product::kMilan, Product::kGenoa}) {
    const auto parsed = parse_product(to_string(product), "product");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, product);
  }
}

TEST(Product, OthersAreNamedInTheError) {
  for (const std::string_view text : {"Turin", "milan", "Milan-B0", "", "Milan "}) {
    const auto parsed = parse_product(text, "spec.sevSnp.products");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::kUnsupported);
    EXPECT_EQ(parsed.error().where, "spec.sevSnp.products");
    EXPECT_THAT(parsed.error().detail, testing::HasSubstr("'" + std::string(text) + "'"));
  }
}

}  // namespace
}  // namespace nodeproof::attest
