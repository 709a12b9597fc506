#include "base/time.hpp"

#include <gtest/gtest.h>

namespace nodeproof {
namespace {

TEST(Rfc3339, ReadsAndWrites) {
  struct Case {
    const char* text;
    std::int64_t seconds;
    const char* canonical;
  };
  for (const Case& c : {Case{"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
                        Case{"2026-08-25T00:00:00Z", 1787616000, "2026-08-25T00:00:00Z"},
                        Case{"2024-02-29T23:59:59.123456Z", 1709251199, "2024-02-29T23:59:59Z"},
                        Case{"2026-08-25T02:00:00+02:00", 1787616000, "2026-08-25T00:00:00Z"},
                        Case{"1969-12-31T23:59:59Z", -1, "1969-12-31T23:59:59Z"}}) {
    const auto time = parse_rfc3339(c.text, "t");
    ASSERT_TRUE(time) << c.text;
    EXPECT_EQ(to_unix(*time), c.seconds) << c.text;
    EXPECT_EQ(to_rfc3339(*time), c.canonical);
  }
}

TEST(Rfc3339, RefusesOtherTexts) {
  for (const char* text :
       {"", "2026-08-25", "2026-08-25T00:00:00", "2026-08-25 00:00:00Z", "2026-13-01T00:00:00Z",
        "2026-02-29T00:00:00Z", "2026-08-25T24:00:00Z", "2026-08-25T00:00:00.Z", "2026-08-25T00:00:00Zx",
        "2026-08-25T00:00:00+0200", "+026-08-25T00:00:00Z"}) {
    EXPECT_FALSE(parse_rfc3339(text, "t")) << text;
  }
}

TEST(Duration, ReadsAndWrites) {
  struct Case {
    const char* text;
    std::int64_t seconds;
    const char* canonical;
  };
  for (const Case& c : {Case{"90s", 90, "1m30s"}, Case{"10m", 600, "10m"}, Case{"1h30m", 5400, "1h30m"},
                        Case{"24h", 86400, "24h"}, Case{"1h1s", 3601, "1h1s"}}) {
    EXPECT_EQ(parse_duration(c.text, "d").value().count(), c.seconds) << c.text;
    EXPECT_EQ(to_duration(Seconds(c.seconds)), c.canonical);
  }
  EXPECT_EQ(to_duration(Seconds(0)), "0s");
  EXPECT_EQ(to_duration(Seconds(-5)), "0s");
}

TEST(Duration, RefusesOtherTexts) {
  for (const char* text :
       {"", "10", "m", "0s", "-5m", "1.5h", "5m1h", "1m1m", "10 m", "5d", "99999999999999999999s", "5ms"}) {
    EXPECT_FALSE(parse_duration(text, "d")) << text;
  }
}

}  // namespace
}  // namespace nodeproof
