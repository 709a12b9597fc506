#include "attest/tcb.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nodeproof::attest {
namespace {

constexpr TcbVersion kTcb{4, 1, 24, 219};
constexpr ByteArray<8> kRaw{4, 1, 0, 0, 0, 0, 24, 219};

// Turin's five levels, each another.
constexpr TcbVersion kTurinTcb{1, 2, 3, 71, 5, TcbLayout::kTurin};
constexpr ByteArray<8> kTurinRaw{5, 1, 2, 3, 0, 0, 0, 71};

TEST(Tcb, ReadsBothLayouts) {
  const auto milan = parse_tcb(kRaw, TcbLayout::kMilanGenoa, "tcb");
  ASSERT_TRUE(milan);
  EXPECT_EQ(*milan, kTcb);
  EXPECT_EQ(serialize_tcb(*milan), kRaw);
  const auto turin = parse_tcb(kTurinRaw, TcbLayout::kTurin, "tcb");
  ASSERT_TRUE(turin);
  EXPECT_EQ(*turin, kTurinTcb);
  EXPECT_EQ(serialize_tcb(*turin), kTurinRaw);
  EXPECT_EQ(tcb_layout_of(Product::kMilan), TcbLayout::kMilanGenoa);
  EXPECT_EQ(tcb_layout_of(Product::kGenoa), TcbLayout::kMilanGenoa);
  EXPECT_EQ(tcb_layout_of(Product::kTurin), TcbLayout::kTurin);
}

TEST(Tcb, RefusesOtherSizesAndReservedBytes) {
  struct Case {
    TcbLayout layout;
    ByteArray<8> right;
    std::vector<std::size_t> reserved;
  };
  const Case cases[] = {{TcbLayout::kMilanGenoa, kRaw, {2, 3, 4, 5}},
                        {TcbLayout::kTurin, kTurinRaw, {4, 5, 6}}};
  for (const Case& c : cases) {
    for (const std::size_t size : {0U, 7U, 9U}) EXPECT_FALSE(parse_tcb(Bytes(size), c.layout, "tcb")) << size;
    for (const std::size_t i : c.reserved) {
      ByteArray<8> dirty = c.right;
      dirty[i] = 1;
      const auto parsed = parse_tcb(dirty, c.layout, "report.current_tcb");
      ASSERT_FALSE(parsed) << i;
      EXPECT_EQ(parsed.error().code, Errc::kBadValue);
      EXPECT_EQ(parsed.error().where, "report.current_tcb");
    }
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

TEST(Tcb, ComparesTheFmcLevelOfTurin) {
  EXPECT_EQ(component_below(kTurinTcb, kTurinTcb), std::nullopt);
  TcbVersion lower = kTurinTcb;
  lower.fmc = 4;
  EXPECT_EQ(component_below(lower, kTurinTcb), "fmc");
  EXPECT_EQ(component_below(kTcb, kTurinTcb), "fmc") << "a level that is not there meets no minimum";
  EXPECT_NE(TcbVersion({1, 0, 0, 0, 0, TcbLayout::kTurin}), TcbVersion({1, 0, 0, 0})) << "layouts differ";
}

TEST(Tcb, DescribesItself) {
  EXPECT_EQ(describe(kTcb), "bootloader 4, tee 1, snp 24, microcode 219");
  EXPECT_EQ(describe(kTurinTcb), "fmc 5, bootloader 1, tee 2, snp 3, microcode 71");
}

TEST(Product, NamesGoBothWays) {
  for (const Product product : kProducts) {
    const auto parsed = parse_product(to_string(product), "product");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, product);
  }
}

TEST(Product, OthersAreNamedInTheError) {
  for (const std::string_view text : {"Venice", "milan", "Milan-B0", "", "Milan "}) {
    const auto parsed = parse_product(text, "spec.sevSnp.products");
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::kUnsupported);
    EXPECT_EQ(parsed.error().where, "spec.sevSnp.products");
    EXPECT_THAT(parsed.error().detail, testing::HasSubstr("'" + std::string(text) + "'"));
  }
}

}  // namespace
}  // namespace nodeproof::attest
