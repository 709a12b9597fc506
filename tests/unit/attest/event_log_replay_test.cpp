// Replaying an event log, and saying where log and PCR part.
#include "attest/boot_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/event_log_parts.hpp"

namespace nodeproof::attest {
namespace {

using forge::extended;
using forge::log_of;
using forge::make_boot_log;
using forge::make_event;
using forge::make_separator;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kZeros{"\0\0\0\0", 4};

LogEvent startup_locality(std::uint8_t locality) {
  Bytes data = to_bytes(as_bytes("StartupLocality"));
  data.push_back(0);
  data.push_back(locality);
  return make_event(0, kEvNoAction, data);
}

std::string refusal(const EventLog& log, std::uint16_t bank = kTpmAlgSha256) {
  const auto replayed = replay(log, bank);
  return replayed ? std::string() : to_string(replayed.error());
}

TEST(Replay, ExtendsWhatIsMeasuredAndNothingElse) {
  const EventLog log = log_of({make_event(4, kEvEfiAction, "a"), make_event(4, kEvNoAction, "b"),
                               make_event(0xFFFFFFFF, kEvNoAction, "c"), make_separator(5),
                               make_event(4, 0x8401, "of no known type"), make_separator(4)});
  const auto pcrs = replay(log, kTpmAlgSha256);
  ASSERT_TRUE(pcrs) << to_string(pcrs.error());
  ASSERT_EQ(pcrs->size(), 2U);
  EXPECT_EQ((*pcrs)[0].pcr, 4U);
  EXPECT_EQ((*pcrs)[0].events, 3U);
  EXPECT_EQ((*pcrs)[0].last_event, 4U) << "the last that is no separator";
  EXPECT_EQ((*pcrs)[0].value, extended(Bytes(32), {"a", "of no known type", kZeros}));
  EXPECT_EQ((*pcrs)[1].pcr, 5U);
  EXPECT_EQ((*pcrs)[1].last_event, 3U) << "there is nothing but a separator";
  EXPECT_EQ((*pcrs)[1].value, extended(Bytes(32), {kZeros}));
}

TEST(Replay, TakesOneBankOfSeveral) {
  const auto pcrs = replay(log_of({make_event(4, kEvEfiAction, "a")}), kTpmAlgSha384);
  ASSERT_TRUE(pcrs);
  Bytes both(48);
  append(both, sha384(as_bytes("a")));
  EXPECT_EQ(pcrs->at(0).value, to_bytes(sha384(both)));
}

TEST(Replay, StartsWhereTheTpmStarts) {
  for (const std::uint8_t locality : ByteArray<3>{0, 3, 4}) {
    const auto pcrs =
        replay(log_of({startup_locality(locality), make_event(0, kEvSCrtmVersion, "v")}), kTpmAlgSha256);
    ASSERT_TRUE(pcrs);
    Bytes start(32);
    start.back() = locality;
    EXPECT_EQ(pcrs->at(0).value, extended(start, {"v"}));
  }
  for (const unsigned pcr : {16U, 17U, 22U, 23U}) {
    const auto pcrs = replay(log_of({make_event(pcr, kEvEventTag, "x")}), kTpmAlgSha256);
    ASSERT_TRUE(pcrs);
    const std::uint8_t fill = pcr >= 17 && pcr <= 22 ? 0xFF : 0;
    EXPECT_EQ(pcrs->at(0).value, extended(Bytes(32, fill), {"x"})) << pcr;
  }
}

TEST(Replay, TellsPcr0WhereOnlyItsStartIsKnown) {
  const auto pcrs = replay(log_of({startup_locality(3)}), kTpmAlgSha256);
  ASSERT_TRUE(pcrs);
  ASSERT_EQ(pcrs->size(), 1U);
  EXPECT_EQ(pcrs->at(0).events, 0U);
  EXPECT_EQ(pcrs->at(0).value.back(), 3);
  EXPECT_TRUE(replay(log_of({}), kTpmAlgSha256)->empty());
}

TEST(Replay, RefusesAStartThatIsNone) {
  EXPECT_EQ(refusal(log_of({startup_locality(3), startup_locality(3)})), "");
  EXPECT_THAT(refusal(log_of({startup_locality(3), startup_locality(0)})),
              HasSubstr("event_log.event[2]: is a second StartupLocality and differs from event 1"));
  EXPECT_THAT(refusal(log_of({startup_locality(1)})), HasSubstr("locality 1, must be 0, 3 or 4"));
  LogEvent other = startup_locality(3);
  other.pcr = 1;
  EXPECT_THAT(refusal(log_of({other})), HasSubstr("not of PCR 0"));
  other = startup_locality(3);
  other.data.push_back(0);
  EXPECT_THAT(refusal(log_of({other})), HasSubstr("17 bytes"));
}

TEST(Replay, RefusesABankThatIsNotThere) {
  EventLog log = make_boot_log();
  EXPECT_THAT(refusal(log, kTpmAlgSha1), HasSubstr("has no sha1 bank, but sha256, sha384 (missing)"));
  log.events[2].digests.pop_back();
  EXPECT_EQ(refusal(log, kTpmAlgSha256), "");
  EXPECT_THAT(refusal(log, kTpmAlgSha384), HasSubstr("event_log.event[3]: has no sha384 digest (missing)"));
  log = make_boot_log();
  log.spec_id->algorithms.push_back({0x7777, 20});
  EXPECT_THAT(refusal(log, 0x7777), HasSubstr("alg-0x7777 cannot be computed here (unsupported)"));
  log.spec_id.reset();
  EXPECT_THAT(refusal(log), HasSubstr("has no sha256 bank, but sha1"));
}

// ---- explain_difference ----

// The value of a PCR of a log that was changed.
template <typename Change>
Bytes pcr_after(EventLog log, unsigned pcr, Change change) {
  change(log.events);
  const auto pcrs = replay(log, kTpmAlgSha256);
  for (const ReplayedPcr& one : pcrs.value()) {
    if (one.pcr == pcr) return one.value;
  }
  return Bytes(32);
}

EventLog log_of_pcr8() {
  std::vector<LogEvent> events{make_separator(0)};
  for (const char* command : {"a", "b", "c", "d"}) events.push_back(make_event(8, kEvEfiAction, command));
  return log_of(std::move(events));
}

using Events = std::vector<LogEvent>;

std::string explained(const EventLog& log, ByteView actual, unsigned pcr = 8) {
  return explain_difference(log, kTpmAlgSha256, pcr, actual);
}

TEST(ExplainDifference, ThePcrStoppedEarly) {
  const EventLog log = log_of_pcr8();
  EXPECT_EQ(explained(log, pcr_after(log, 8, [](Events& events) { events.resize(3); })),
            "event 4 (EV_EFI_ACTION c) is not in PCR 8: it stopped before, with 2 of 4 events");
  EXPECT_EQ(explained(log, Bytes(32)), "PCR 8 is at its start value: none of the log's events is in it");
}

TEST(ExplainDifference, AnEventWasNotMeasured) {
  const EventLog log = log_of_pcr8();
  EXPECT_EQ(explained(log, pcr_after(log, 8, [](Events& events) { events.erase(events.begin() + 2); })),
            "event 3 (EV_EFI_ACTION b) is not in PCR 8, all others are: it was not measured");
  EXPECT_EQ(
      explained(log, pcr_after(log, 8, [](Events& events) { events.insert(events.begin() + 3, events[3]); })),
      "event 4 (EV_EFI_ACTION c) is in PCR 8 twice, in the log once");
}

TEST(ExplainDifference, SomethingWasMeasuredThatTheLogDoesNotTell) {
  const EventLog log = log_of_pcr8();
  const std::string after = explained(
      log, pcr_after(log, 8, [](Events& events) { events.push_back(make_event(8, kEvEfiAction, "late")); }));
  EXPECT_EQ(
      after,
      "PCR 8 is made of 4 events, 2, 3, 4, 5: any of them may be the one that differs, or something was "
      "measured that the log does not tell");
  EXPECT_EQ(explained(log, Bytes(32, 1), 9),
            "PCR 9 is not at its start value, and the log has no event for it");
}

TEST(ExplainDifference, ADigestIsNotThatOfItsData) {
  const EventLog right = log_of_pcr8();
  const Bytes actual = pcr_after(right, 8, [](Events&) {});
  EventLog bent = right;
  bent.events[2].digests[0].digest[5] ^= 1U;
  EXPECT_EQ(explained(bent, actual),
            "the digest of event 3 (EV_EFI_ACTION b) is not that of its data; with the right one the log "
            "explains PCR 8");

  // What GRUB measures is the text behind its prefix.
  EventLog grub = make_boot_log();
  const Bytes commands = pcr_after(grub, 8, [](Events&) {});
  for (LogEvent& event : grub.events) {
    if (event.pcr == 8) event.digests[0].digest[0] ^= 1U;
    if (event.pcr == 8) break;
  }
  EXPECT_THAT(explained(grub, commands),
              StartsWith("the digest of event 18 (EV_IPL grub_cmd: linux /vmlinuz)"));

  // An authority of an older shim.
  EventLog shim = log_of(forge::make_secure_boot_events());
  const Bytes pcr7 = pcr_after(shim, 7, [](Events&) {});
  shim.events.back().data.push_back(0);
  shim.events.back().digests[0].digest[0] ^= 1U;
  EXPECT_THAT(explained(shim, pcr7, 7),
              StartsWith("the digest of event 8 (EV_EFI_VARIABLE_AUTHORITY SbatLevel"));
}

TEST(ExplainDifference, DataWasAltered) {
  EventLog log = log_of_pcr8();
  const Bytes actual = pcr_after(log, 8, [](Events&) {});
  EXPECT_EQ(explained(log, actual), "the log explains PCR 8");
  log.events[2].data[0] = 'x';
  EXPECT_EQ(
      explained(log, actual),
      "the log explains PCR 8; the data of event 3 (EV_EFI_ACTION x) is not what its digest covers: one "
      "of them was altered");
  // With a digest to match, no story fits.
  log.events[2].digests = forge::digests_of(log.events[2].data);
  EXPECT_THAT(explained(log, actual), StartsWith("PCR 8 is made of 4 events"));
}

TEST(ExplainDifference, TheTpmWasStartedElsewhere) {
  const EventLog log = log_of({make_event(0, kEvSCrtmVersion, "v")});
  Bytes start(32);
  start.back() = 3;
  EXPECT_EQ(explained(log, extended(start, {"v"}), 0),
            "PCR 0 is that of a TPM started from locality 3, which the log does not say");
}

TEST(ExplainDifference, SaysWhyThereIsNothingToCompare) {
  EventLog log = log_of_pcr8();
  EXPECT_THAT(explained(log, Bytes(20)), HasSubstr("PCR 8: is given in 20 bytes, must be 32"));
  EXPECT_THAT(explain_difference(log, kTpmAlgSha1, 8, Bytes(20)), HasSubstr("has no sha1 bank"));
  log.events[0].digests.clear();
  EXPECT_THAT(explained(log, Bytes(32)), HasSubstr("event_log.event[1]: has no sha256 digest"));
}

// A log is as long as its maker likes; looking for a story is not.
TEST(ExplainDifference, GivesUpOnALongLog) {
  std::vector<LogEvent> events(8000, make_event(8, kEvEfiAction, "x"));
  const EventLog log = log_of(std::move(events));
  EXPECT_THAT(explained(log, Bytes(32, 1)), HasSubstr("they are too many to try each"));
  EXPECT_THAT(explained(log_of_pcr8(), Bytes(32, 1)), Not(HasSubstr("too many")));
}

}  // namespace
}  // namespace nodeproof::attest
