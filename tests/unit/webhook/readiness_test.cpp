#include "webhook/readiness.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace nodeproof::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const UnixTime kNow = from_unix(1787616000);
constexpr Seconds kViewAge{30};

ReadinessView good() {
  ReadinessView view;
  view.stores = {{"nodes", true, Seconds(3)}, {"epoch keys", true, Seconds(30)}};
  view.complete = true;
  view.clock_offset = Seconds(-5);
  view.certificate_until = kNow + Seconds(1);
  return view;
}

// "name" for each condition, "name: problem" for one that does not hold.
std::vector<std::string> listed(const ReadinessView& view) {
  std::vector<std::string> out;
  for (const Condition& condition : conditions(view, kViewAge, kNow)) {
    out.push_back(condition.holds() ? condition.name : condition.name + ": " + condition.problem);
  }
  return out;
}

TEST(Readiness, IsThereWhenEveryConditionHolds) {
  EXPECT_THAT(listed(good()), ElementsAre("running", "view/nodes", "view/epoch-keys", "nodes-judged", "clock",
                                          "serving-certificate"));
  EXPECT_TRUE(all_hold(conditions(good(), kViewAge, kNow)));
  EXPECT_TRUE(may_report(good(), kViewAge));
}

struct Row {
  std::string name;
  std::function<void(ReadinessView&)> change;
  std::string condition;
  std::string clause;
  bool may_report;
};

class NotReady : public ::testing::TestWithParam<Row> {};

TEST_P(NotReady, SaysWhy) {
  ReadinessView view = good();
  GetParam().change(view);
  const auto list = conditions(view, kViewAge, kNow);
  EXPECT_FALSE(all_hold(list));
  std::size_t failing = 0;
  for (const Condition& condition : list) {
    if (condition.holds()) continue;
    ++failing;
    EXPECT_EQ(condition.name, GetParam().condition);
    EXPECT_EQ(condition.problem, GetParam().clause);
  }
  EXPECT_EQ(failing, 1U);
  EXPECT_EQ(may_report(view, kViewAge), GetParam().may_report);
}

INSTANTIATE_TEST_SUITE_P(
    All, NotReady,
    ::testing::Values(Row{"not_listed", [](auto& v) { v.stores[0].synced = false; }, "view/nodes",
                          "nodes have not been listed yet", false},
                      Row{"silent", [](auto& v) { v.stores[1].age = Seconds(31); }, "view/epoch-keys",
                          "nothing was heard of epoch keys for 31s, the limit is 30s", false},
                      Row{"not_judged", [](auto& v) { v.complete = false; }, "nodes-judged",
                          "not every node has been judged yet", false},
                      Row{"stopping", [](auto& v) { v.stopping = true; }, "running", "stopping", false},
                      Row{"clock_unknown", [](auto& v) { v.clock_offset.reset(); }, "clock",
                          "the clock has not been compared with the API server's yet", false},
                      Row{"clock_ahead", [](auto& v) { v.clock_offset = Seconds(-6); }, "clock",
                          "the clock differs by -6s from the API server's, the limit is 5s", false},
                      Row{"clock_behind", [](auto& v) { v.clock_offset = Seconds(6); }, "clock",
                          "the clock differs by 6s from the API server's, the limit is 5s", false},
                      Row{"certificate", [](auto& v) { v.certificate_until = kNow - Seconds(1); },
                          "serving-certificate", "the serving certificate expired at 2026-08-24T23:59:59Z",
                          true},
                      Row{"no_certificate", [](auto& v) { v.certificate_until.reset(); },
                          "serving-certificate", "there is no serving certificate yet", true}),
    [](const auto& param) { return param.param.name; });

TEST(ClockAllowsLead, WithinTheLimitAndWhileUnknown) {
  EXPECT_TRUE(clock_allows_lead(std::nullopt));
  for (const int offset : {-5, 0, 5}) EXPECT_TRUE(clock_allows_lead(Seconds(offset))) << offset;
  for (const int offset : {-3600, -6, 6, 3600}) EXPECT_FALSE(clock_allows_lead(Seconds(offset))) << offset;
}

struct UnfitRow {
  std::string name;
  StoreView oldest;
  std::optional<Seconds> clock_offset;
  std::string reason;  // empty: fit
  std::string what;
};

class Unfit : public ::testing::TestWithParam<UnfitRow> {};

TEST_P(Unfit, IsAViewThatMustNotBeReliedOn) {
  const UnfitRow& row = GetParam();
  const auto refusal = unfit(row.oldest, kViewAge, row.clock_offset);
  ASSERT_EQ(refusal.has_value(), !row.reason.empty());
  if (!refusal) return;
  EXPECT_EQ(refusal->reason, row.reason);
  EXPECT_THAT(refusal->what, HasSubstr(row.what));
  EXPECT_THAT(refusal->remedy, HasSubstr("then try again"));
}

INSTANTIATE_TEST_SUITE_P(
    All, Unfit,
    ::testing::Values(
        UnfitRow{"fresh", {"pods", true, Seconds(0)}, Seconds(0), "", ""},
        UnfitRow{"at_the_limits", {"pods", true, Seconds(30)}, Seconds(-5), "", ""},
        UnfitRow{"old",
                 {"nodequotes", true, Seconds(31)},
                 Seconds(0),
                 "view-too-old",
                 "nothing was heard of nodequotes for 31s, the limit is 30s"},
        UnfitRow{"never_listed",
                 {"nodes", false, Seconds::max()},
                 Seconds(0),
                 "view-too-old",
                 "nodes have not been listed yet"},
        UnfitRow{
            "clock_ahead", {"pods", true, Seconds(0)}, Seconds(-6), "clock-off", "the clock differs by -6s"},
        UnfitRow{
            "clock_behind", {"pods", true, Seconds(0)}, Seconds(6), "clock-off", "the clock differs by 6s"},
        UnfitRow{
            "clock_unknown", {"pods", true, Seconds(0)}, std::nullopt, "clock-off", "has not been compared"}),
    [](const auto& param) { return param.param.name; });

TEST(ReadinessLog, HasALineForEachChangeInBothDirections) {
  ReadinessLog log;
  const auto note = [&log](const ReadinessView& view) { return log.note(conditions(view, kViewAge, kNow)); };
  ReadinessView silent = good();
  silent.stores[0].age = Seconds(31);
  EXPECT_EQ(note(silent), "not ready: nothing was heard of nodes for 31s, the limit is 30s");
  silent.stores[0].age = Seconds(32);
  EXPECT_EQ(note(silent), std::nullopt) << "a view that goes on ageing is no change";
  silent.stopping = true;
  EXPECT_EQ(note(silent), "not ready: stopping; nothing was heard of nodes for 32s, the limit is 30s");
  EXPECT_EQ(note(good()), "ready");
  EXPECT_EQ(note(good()), std::nullopt);
  EXPECT_EQ(ReadinessLog().note(conditions(good(), kViewAge, kNow)), "ready") << "the first time always";
}

}  // namespace
}  // namespace nodeproof::webhook
