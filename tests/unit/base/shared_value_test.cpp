#include "base/shared_value.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace nodeproof {
namespace {

using Words = std::vector<std::string>;

TEST(Shared, IsEmptyAtFirstAndEqualByValue) {
  const Shared<Words> nothing;
  EXPECT_TRUE(nothing->empty());
  EXPECT_EQ(nothing, Shared<Words>(Words()));
  EXPECT_FALSE(nothing == Shared<Words>(Words{"a"}));
  EXPECT_EQ(&*nothing, &*Shared<Words>()) << "having nothing costs nothing";
}

TEST(SharedValues, MakesEqualValuesOne) {
  SharedValues<Words> pool;
  const auto first = pool.share({"a", "b"});
  const auto second = pool.share({"a", "b"});
  const auto other = pool.share({"a"});
  EXPECT_EQ(&*first, &*second);
  EXPECT_NE(&*first, &*other);
  EXPECT_EQ(*other, Words{"a"});
  EXPECT_EQ(pool.size(), 2U);
}

TEST(SharedValues, ForgetsWhatNobodyElseHolds) {
  SharedValues<Words> pool;
  const auto held = pool.share({"held"});
  for (int i = 0; i < 1000; ++i) {
    pool.share({std::to_string(i)});
    ASSERT_LE(pool.size(), 64U);
  }
  EXPECT_EQ(&*pool.share({"held"}), &*held);

  std::vector<Shared<Words>> many;
  for (int i = 0; i < 200; ++i) many.push_back(pool.share({std::to_string(i)}));
  for (int i = 0; i < 200; ++i)
    EXPECT_EQ(&*pool.share({std::to_string(i)}), &*many[static_cast<std::size_t>(i)]);
}

}  // namespace
}  // namespace nodeproof
