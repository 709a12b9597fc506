#include "webhook/counters.hpp"

#include <gtest/gtest.h>

namespace nodeproof::webhook {
namespace {

constexpr const char* kBoot = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
constexpr const char* kNextBoot = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee";
constexpr std::uint64_t kSeen = 1000;  // the epoch in which the mark was seen

CounterMark mark_at_five() {
  return {Sha256Digest{1}, kBoot, 5, 2, 60000, kSeen, false};
}

// What a quote shows, beside an AK that is the mark's.
struct Shown {
  std::uint32_t reset_count = 5;
  std::uint32_t restart_count = 2;
  std::uint64_t clock = 60001;
  bool safe = true;
  std::string boot_id = kBoot;
  std::optional<std::uint64_t> epoch = kSeen + 4;  // proven by the qualifying data
  Sha256Digest ak{1};
};

attest::TpmQuote quote_of(const Shown& shown) {
  attest::TpmQuote out;
  out.reset_count = shown.reset_count;
  out.restart_count = shown.restart_count;
  out.clock = shown.clock;
  out.safe = shown.safe;
  return out;
}

std::string outcome(const CounterMark& mark, const Shown& shown) {
  const attest::TpmQuote quote = quote_of(shown);
  const auto finding = against_mark(mark, {shown.ak, shown.boot_id, quote}, shown.epoch);
  if (!finding) return "";
  return std::string(attest::name_of(finding->check)) + " " +
         std::string(attest::to_string(finding->outcome)) + " " + finding->code;
}

struct Case {
  std::string name;
  Shown shown;
  std::string outcome;
};

class Counters : public ::testing::TestWithParam<Case> {};

TEST_P(Counters, AgainstTheMark) {
  EXPECT_EQ(outcome(mark_at_five(), GetParam().shown), GetParam().outcome);
}

const std::string kBack = "counters failed went-back";
const std::string kReset = "boot-changed not-checked tpm-reset";

INSTANTIATE_TEST_SUITE_P(
    All, Counters,
    ::testing::Values(
        Case{"later", {}, ""},                                      //
        Case{"the_very_same", {.clock = 60000}, ""},                //
        Case{"clock_back_within_a_boot", {.clock = 59999}, kBack},  //
        Case{"restart_count_back", {.restart_count = 1}, kBack},    //
        Case{"reset_count_back", {.reset_count = 4}, kBack},        //
        Case{"reset_count_back_in_another_boot", {.reset_count = 4, .boot_id = kNextBoot}, kBack},
        Case{"clock_back_in_another_boot_without_a_reset", {.clock = 1, .boot_id = kNextBoot}, kBack},
        // A crash: the clock falls to what NV last kept, and says that it is not safe.
        Case{"crash",
             {.reset_count = 6, .restart_count = 0, .clock = 1, .safe = false, .boot_id = kNextBoot},
             ""},
        Case{
            "clean_reboot", {.reset_count = 6, .restart_count = 0, .clock = 60100, .boot_id = kNextBoot}, ""},
        // kexec: another kernel, the same TPM.
        Case{"another_kernel_without_a_reset", {.boot_id = kNextBoot}, ""},
        Case{"another_ak", {.reset_count = 0, .clock = 1, .ak = {2}}, ""},
        Case{"reset_within_the_boot_that_the_node_reports", {.reset_count = 6, .clock = 1}, kReset},
        Case{"resume_within_it", {.restart_count = 3}, kReset},
        // An older quote, or one of the same moments, may come late: two watches, a restored etcd, two
        // agents.
        Case{"back_but_of_an_older_epoch", {.clock = 1, .epoch = kSeen - 7}, ""},
        Case{"back_but_of_the_epoch_after", {.clock = 1, .epoch = kSeen + 1}, ""},
        Case{"back_in_the_epoch_after_that", {.clock = 1, .epoch = kSeen + 2}, kBack},
        Case{"back_and_of_no_proven_epoch", {.clock = 1, .epoch = std::nullopt}, ""}),
    [](const auto& param) { return param.param.name; });

CounterMark after(const CounterMark& mark, const Shown& shown, std::uint64_t now = kSeen + 4) {
  return raised(mark, {shown.ak, shown.boot_id, quote_of(shown)}, now);
}

TEST(CounterMarks, RiseAndNeverFall) {
  const CounterMark first = raised(std::nullopt, {Sha256Digest{1}, kBoot, quote_of({})}, 7);
  EXPECT_EQ(first, (CounterMark{Sha256Digest{1}, kBoot, 5, 2, 60001, 7, false}));

  const CounterMark mark = mark_at_five();
  EXPECT_EQ(after(mark, {.clock = 1}), mark);
  EXPECT_EQ(after(mark, {.clock = 60000}), mark) << "seen when it was first seen";
  EXPECT_EQ(after(mark, {.reset_count = 4, .boot_id = kNextBoot}), mark);
  EXPECT_EQ(after(mark, {}), (CounterMark{Sha256Digest{1}, kBoot, 5, 2, 60001, kSeen + 4, false}));
  EXPECT_EQ(after(mark, {.reset_count = 6, .restart_count = 0, .clock = 1, .boot_id = kNextBoot}),
            (CounterMark{Sha256Digest{1}, kNextBoot, 6, 0, 1, kSeen + 4, false}));
  EXPECT_EQ(after(mark, {.clock = 1, .ak = {2}}),
            (CounterMark{Sha256Digest{2}, kBoot, 5, 2, 1, kSeen + 4, false}));
}

// The refusal lasts as long as the Node reports that boot, not only until the mark has followed.
TEST(CounterMarks, RememberThatABootIsOver) {
  const Shown reset{.reset_count = 6, .clock = 1};
  const CounterMark over = after(mark_at_five(), reset);
  EXPECT_TRUE(over.boot_over);
  EXPECT_EQ(outcome(over, {.reset_count = 6, .clock = 2, .epoch = kSeen + 9}), kReset);
  EXPECT_EQ(outcome(over, {.reset_count = 6, .clock = 2, .boot_id = kNextBoot, .epoch = kSeen + 9}), "");
  EXPECT_FALSE(after(over, {.reset_count = 6, .clock = 2, .boot_id = kNextBoot}).boot_over);
  EXPECT_TRUE(after(over, {.reset_count = 6, .clock = 2}).boot_over);
}

TEST(CounterMarks, OfTheLeaderOnlyRaise) {
  const CounterMark kept = mark_at_five();
  EXPECT_EQ(joined(std::nullopt, std::nullopt), std::nullopt);
  EXPECT_EQ(joined(kept, std::nullopt), kept);
  EXPECT_EQ(joined(std::nullopt, kept), kept);
  CounterMark stored = kept;
  stored.clock = 1;
  EXPECT_EQ(joined(kept, stored), kept);
  stored.clock = 70000;
  EXPECT_EQ(joined(kept, stored), stored);
  stored.ak = Sha256Digest{2};
  EXPECT_EQ(joined(kept, stored), kept) << "of an AK that is no more";
  stored = kept;
  stored.boot_over = true;
  EXPECT_TRUE(joined(kept, stored)->boot_over);
  stored = kept;
  stored.reset_count = 4;
  EXPECT_TRUE(joined(kept, stored)->boot_over) << "two resets under one boot ID";
  stored.boot_id = kNextBoot;
  EXPECT_EQ(joined(kept, stored), kept);
}

}  // namespace
}  // namespace nodeproof::webhook
