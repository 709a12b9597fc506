#include "base/uuid.hpp"

#include <gtest/gtest.h>

namespace nodeproof {
namespace {

constexpr const char* kUuid = "911b0ef8-9dba-48b0-b275-4e4df2d39252";

TEST(Uuid, TakesOnlyTheCanonicalForm) {
  EXPECT_TRUE(is_canonical_uuid(kUuid));
  for (const char* text : {"", "911B0EF8-9DBA-48B0-B275-4E4DF2D39252", "911b0ef89dba48b0b2754e4df2d39252",
                           "911b0ef8-9dba-48b0-b275-4e4df2d3925", "911b0ef8-9dba-48b0-b275-4e4df2d392521",
                           "911b0ef8+9dba-48b0-b275-4e4df2d39252", "g11b0ef8-9dba-48b0-b275-4e4df2d39252"}) {
    EXPECT_FALSE(is_canonical_uuid(text)) << text;
    EXPECT_FALSE(canonical_uuid(text, "uid")) << text;
  }
}

TEST(Uuid, LowersEitherCase) {
  EXPECT_EQ(uuid_any_case("911B0EF8-9DBA-48b0-B275-4E4DF2D39252", "vmUniqueId").value(), kUuid);
  EXPECT_FALSE(uuid_any_case("911B0EF8", "vmUniqueId"));
}

TEST(Uuid, KnowsTheOneThatStandsForNone) {
  EXPECT_TRUE(is_nil_uuid("00000000-0000-0000-0000-000000000000"));
  EXPECT_FALSE(is_nil_uuid("00000000-0000-0000-0000-000000000001"));
  EXPECT_FALSE(is_nil_uuid(""));
}

TEST(Uuid, SwapsTheFirstThreeFields) {
  EXPECT_EQ(swapped_uuid(kUuid), "f80e1b91-ba9d-b048-b275-4e4df2d39252");
  EXPECT_EQ(swapped_uuid(swapped_uuid(kUuid)), kUuid);
}

}  // namespace
}  // namespace nodeproof
