#include "webhook/readiness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace nodeproof::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const UnixTime kNow = from_unix(1787616000);
constexpr Seconds kViewAge{30};

ReadinessView good() {
  ReadinessView view;
  view.stores = {{"nodes", true, Seconds(3)}, {"pods", true, Seconds(30)}};
  view.complete = true;
  view.clock_offset = Seconds(-5);
  view.certificate_until = kNow + Seconds(1);
  return view;
}

TEST(Readiness, IsThereWhenNothingIsMissing) {
  EXPECT_THAT(missing(good(), kViewAge, kNow), IsEmpty());
  EXPECT_TRUE(may_report(good(), kViewAge));
}

struct Row {
  std::string name;
  std::function<void(ReadinessView&)> change;
  std::string clause;
  bool may_report;
};

class NotReady : public ::testing::TestWithParam<Row> {};

TEST_P(NotReady, SaysWhy) {
  ReadinessView view = good();
  GetParam().change(view);
  EXPECT_THAT(missing(view, kViewAge, kNow), ElementsAre(GetParam().clause));
  EXPECT_EQ(may_report(view, kViewAge), GetParam().may_report);
}

INSTANTIATE_TEST_SUITE_P(
    All, NotReady,
    ::testing::Values(Row{"not_listed", [](auto& v) { v.stores[0].synced = false; },
                          "nodes have not been listed yet", false},
                      Row{"silent", [](auto& v) { v.stores[1].age = Seconds(31); },
                          "nothing was heard of pods for 31s, the limit is 30s", false},
                      Row{"not_judged", [](auto& v) { v.complete = false; },
                          "not every node has been judged yet", false},
                      Row{"stopping", [](auto& v) { v.stopping = true; }, "stopping", false},
                      Row{"clock_unknown", [](auto& v) { v.clock_offset.reset(); },
                          "the clock has not been compared with the API server's yet", false},
                      Row{"clock_ahead", [](auto& v) { v.clock_offset = Seconds(-6); },
                          "the clock differs by -6s from the API server's, the limit is 5s", false},
                      Row{"clock_behind", [](auto& v) { v.clock_offset = Seconds(6); },
                          "the clock differs by 6s from the API server's, the limit is 5s", false},
                      Row{"certificate", [](auto& v) { v.certificate_until = kNow - Seconds(1); },
                          "the serving certificate expired at 2026-08-24T23:59:59Z", true}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace nodeproof::webhook
