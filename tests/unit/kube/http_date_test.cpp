#include "kube/http_date.hpp"

#include <gtest/gtest.h>

namespace nodeproof::kube {
namespace {

TEST(HttpDate, IsRead) {
  const std::pair<const char*, const char*> cases[] = {
      {"Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00Z"},
      {"Tue, 24 Nov 2026 11:39:07 GMT", "2026-11-24T11:39:07Z"},
      {"Sun, 29 Feb 2032 23:59:59 GMT", "2032-02-29T23:59:59Z"},
  };
  for (const auto& [text, expected] : cases) {
    const auto time = parse_http_date(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(to_rfc3339(*time), expected);
  }
}

TEST(HttpDate, OtherTextsAreRefused) {
  for (const char* text :
       {"", "now", "Tue, 24 Nov 2026 11:39:07", "Tue, 24 Nov 2026 11:39:07 UTC",
        "Tue, 31 Feb 2026 11:39:07 GMT", "Tue, 24 Now 2026 11:39:07 GMT", "Tue, 24-Nov-2026 11:39:07 GMT",
        "Tue, 24 Nov 2026 25:39:07 GMT", "Tuesday, 24-Nov-26 11:39:07 GMT", "Tue Nov 24 11:39:07 2026",
        "Tue, 2x Nov 2026 11:39:07 GMT"}) {
    EXPECT_FALSE(parse_http_date(text)) << text;
  }
}

}  // namespace
}  // namespace nodeproof::kube
