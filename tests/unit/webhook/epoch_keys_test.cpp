#include "webhook/epoch_keys.hpp"

#include <gtest/gtest.h>

namespace nodeproof::webhook {
namespace {

constexpr RotationTimes kTimes{100, 10, 200};

wire::EpochKeyGeneration generation(const std::string& kid, std::uint64_t first, std::uint64_t last) {
  wire::EpochKeyGeneration out;
  out.kid = kid;
  out.first = first;
  out.last = last;
  return out;
}

class Keys {
 public:
  KeySource source() {
    return [this] { return generation("made-" + std::to_string(++made_), 0, 0); };
  }
  int made() const { return made_; }

 private:
  int made_ = 0;
};

std::string describe(const Generations& generations) {
  std::string out;
  for (const auto& item : generations) {
    out += item.kid + " " + std::to_string(item.first) + "-" + std::to_string(item.last) + "; ";
  }
  return out;
}

struct Row {
  std::string name;
  Generations have;
  std::uint64_t now;
  std::string want;  // empty: nothing to change
};

class Rotation : public ::testing::TestWithParam<Row> {};

TEST_P(Rotation, HoldsWhatIsNeeded) {
  Keys keys;
  const auto out = rotated(GetParam().have, GetParam().now, kTimes, keys.source());
  EXPECT_EQ(out ? describe(*out) : "", GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    All, Rotation,
    ::testing::Values(
        Row{"first_ever", {}, 1000, "made-1 1000-1099; "},
        Row{"in_the_middle", {generation("a", 1000, 1099)}, 1050, ""},
        Row{"just_before_the_lead", {generation("a", 1000, 1099)}, 1089, ""},
        Row{"near_the_end", {generation("a", 1000, 1099)}, 1090, "a 1000-1099; made-1 1100-1199; "},
        Row{"successor_is_there", {generation("a", 1000, 1099), generation("b", 1100, 1199)}, 1099, ""},
        Row{"after_the_end", {generation("a", 1000, 1099), generation("b", 1100, 1199)}, 1100, ""},
        Row{"kept_to_verify", {generation("a", 1000, 1099), generation("b", 1200, 1299)}, 1250, ""},
        Row{"too_old", {generation("a", 1000, 1099), generation("b", 1300, 1399)}, 1350, "b 1300-1399; "},
        Row{"all_too_old", {generation("a", 1000, 1099)}, 2000, "made-1 2000-2099; "},
        Row{"nobody_led_for_a_while",
            {generation("a", 1000, 1099)},
            1150,
            "a 1000-1099; made-1 1150-1249; "}),
    [](const auto& param) { return param.param.name; });

TEST(EpochKeys, RotationIsStable) {
  Keys keys;
  Generations have;
  for (std::uint64_t now = 5000; now < 6000; ++now) {
    if (auto next = rotated(have, now, kTimes, keys.source())) have = *std::move(next);
    ASSERT_NE(generation_for(have, now), nullptr);
    EXPECT_EQ(rotated(have, now, kTimes, keys.source()), std::nullopt);
  }
  EXPECT_EQ(keys.made(), 11);
}

TEST(EpochKeys, NonceCountsOnlyInsideItsOwnWindow) {
  const Generations have{generation("a", 1000, 1099), generation("b", 1100, 1199)};
  EXPECT_TRUE(nonce_of(have, {"a", 1000}));
  EXPECT_TRUE(nonce_of(have, {"a", 1099}));
  EXPECT_FALSE(nonce_of(have, {"a", 999}));
  EXPECT_FALSE(nonce_of(have, {"a", 1100}));
  EXPECT_FALSE(nonce_of(have, {"c", 1100}));
  EXPECT_EQ(*nonce_of(have, {"b", 1100}), attest::epoch_nonce(have[1].key, 1100));
}

TEST(EpochKeys, TheNewestGenerationCounts) {
  const Generations have{generation("a", 1000, 1099), generation("b", 1050, 1149)};
  EXPECT_EQ(generation_for(have, 1049)->kid, "a");
  EXPECT_EQ(generation_for(have, 1050)->kid, "b");
  EXPECT_EQ(generation_for(have, 1150), nullptr);
}

TEST(EpochKeys, ARevokedGenerationCountsNoMoreAndIsFollowedAtOnce) {
  Keys keys;
  const Generations have{generation("a", 1000, 1099), generation("b", 1100, 1199)};
  const auto revoked = with_revoked(have, "b");
  ASSERT_TRUE(revoked);
  EXPECT_TRUE(is_revoked(*revoked, "b"));
  EXPECT_FALSE(is_revoked(*revoked, "a"));
  EXPECT_FALSE(is_revoked(*revoked, "c"));
  EXPECT_EQ(with_revoked(*revoked, "b"), std::nullopt) << "there is nothing to do twice";
  EXPECT_EQ(with_revoked(have, "c"), std::nullopt);
  EXPECT_FALSE(nonce_of(*revoked, {"b", 1150}));
  EXPECT_TRUE(nonce_of(*revoked, {"a", 1050}));
  EXPECT_EQ(generation_for(*revoked, 1150), nullptr);
  EXPECT_EQ(describe(*rotated(*revoked, 1150, kTimes, keys.source())),
            "a 1000-1099; b 1100-1199; made-1 1150-1249; ");
}

TEST(EpochKeys, ARevokedSuccessorIsReplaced) {
  Keys keys;
  const auto revoked = with_revoked({generation("a", 1000, 1099), generation("b", 1100, 1199)}, "b");
  EXPECT_EQ(describe(*rotated(*revoked, 1095, kTimes, keys.source())),
            "a 1000-1099; b 1100-1199; made-1 1100-1199; ");
}

TEST(EpochKeys, NoncesThatBecameKnownBeforeTheirTimeNeverCount) {
  const Generations have{generation("a", 1000, 1099), generation("b", 1100, 1199)};
  EXPECT_EQ(without_leaked(have, {"a", 1050}, 1050), std::nullopt);
  EXPECT_EQ(without_leaked(have, {"a", 1051}, 1050), std::nullopt) << "the next epoch is no secret";
  EXPECT_EQ(without_leaked(have, {"c", 1090}, 1050), std::nullopt) << "not ours";
  const auto cut = without_leaked(have, {"a", 1090}, 1050);
  ASSERT_TRUE(cut);
  EXPECT_TRUE(nonce_of(*cut, {"a", 1051})) << "honest quotes of now stay good";
  EXPECT_FALSE(nonce_of(*cut, {"a", 1052}));
  EXPECT_FALSE(nonce_of(*cut, {"a", 1090}));
  EXPECT_EQ(without_leaked(*cut, {"a", 1090}, 1051), std::nullopt) << "once is enough";
  const auto future = without_leaked(have, {"b", 1150}, 1050);
  ASSERT_TRUE(future);
  EXPECT_TRUE(is_revoked(*future, "b")) << "nobody honest has quoted it";
}

TEST(EpochKeys, TimesFollowTheEpochLength) {
  const RotationTimes normal = rotation_times(Seconds(30), std::chrono::hours(24));
  EXPECT_EQ(normal.window, 720U);
  EXPECT_EQ(normal.lead, 60U);
  EXPECT_EQ(normal.keep, 2880U);
  EXPECT_EQ(rotation_times(Seconds(2), std::chrono::hours(1)).window, 10800U);
  EXPECT_EQ(rotation_times(std::chrono::hours(12), Seconds(1)).window, 1U);
}

}  // namespace
}  // namespace nodeproof::webhook
