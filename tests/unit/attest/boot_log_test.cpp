#include "attest/boot_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/event_log_parts.hpp"

namespace nodeproof::attest {
namespace {

using forge::log_of;
using forge::make_boot_log;
using forge::make_event;
using forge::make_separator;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// What a PCR holds after these events, by the definition alone.
Bytes extended(Bytes pcr, const std::vector<std::string_view>& events) {
  for (const std::string_view event : events) {
    append(pcr, sha256(as_bytes(event)));
    pcr = to_bytes(sha256(pcr));
  }
  return pcr;
}
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

// ---- The VM ----

TEST(MeasuredVmId, IsTheOneInPcr6) {
  EXPECT_EQ(measured_vm_id(make_boot_log(), kTpmAlgSha256), "12345678-abcd-4321-8765-0123456789ab");
  EXPECT_EQ(measured_vm_id(make_boot_log("12345678-ABCD-4321-8765-0123456789A"), kTpmAlgSha256),
            std::nullopt);
  EXPECT_EQ(measured_vm_id(make_boot_log("00000000-0000-0000-0000-000000000000"), kTpmAlgSha256),
            std::nullopt)
      << "of a VM without an id";
  EXPECT_EQ(measured_vm_id(make_boot_log(), kTpmAlgSha1), std::nullopt);
  EXPECT_EQ(measured_vm_id(log_of_pcr8(), kTpmAlgSha256), std::nullopt);
}

TEST(MeasuredVmId, IsNothingWhereItIsNotProven) {
  const LogEvent right = make_event(6, kEvCompactHash, "UUID: 12345678-ABCD-4321-8765-0123456789AB");
  EXPECT_TRUE(measured_vm_id(log_of({right}), kTpmAlgSha256));
  EXPECT_FALSE(measured_vm_id(log_of({right, right}), kTpmAlgSha256)) << "two may differ";
  LogEvent bent = right;
  bent.data.back() = 'C';
  EXPECT_FALSE(measured_vm_id(log_of({bent}), kTpmAlgSha256));
  EXPECT_FALSE(measured_vm_id(log_of({right, bent}), kTpmAlgSha256));
  bent = right;
  bent.pcr = 5;
  EXPECT_FALSE(measured_vm_id(log_of({bent}), kTpmAlgSha256));
  bent = right;
  bent.type = kEvIpl;
  EXPECT_FALSE(measured_vm_id(log_of({bent}), kTpmAlgSha256));
}

// ---- describe_measurement ----

TEST(DescribeMeasurement, IsALineOfPrintableAscii) {
  EXPECT_EQ(describe_measurement(make_event(8, kEvIpl, std::string_view("a\tb\nc\0", 6))), "a b c");
  EXPECT_EQ(describe_measurement(make_event(0, kEvSCrtmVersion, std::string_view("v\0001\0\0\0", 6))), "v1");
  EXPECT_EQ(describe_measurement(make_event(0, kEvSCrtmVersion, Bytes{})), "(no data)");
  EXPECT_EQ(describe_measurement(make_event(0, 1, Bytes{0x1B, 0x5B})), "1b5b");
  EXPECT_EQ(describe_measurement(make_event(0, 1, Bytes(41, 0x1B))), [] {
    std::string hex;
    for (int i = 0; i < 40; ++i) hex += "1b";
    return hex + "... 41 bytes";
  }());
  const auto variable = [](ByteView data) {
    return describe_measurement(forge::make_variable(forge::kGlobalVariable, "SecureBoot", data));
  };
  EXPECT_EQ(variable(Bytes{1}), "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c = 01");
  EXPECT_EQ(variable(Bytes(3)), "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c, 3 bytes");
  EXPECT_THAT(describe_measurement(make_event(7, kEvEfiVariableAuthority, "x")),
              StartsWith("not a UEFI_VARIABLE_DATA: "));
}

TEST(DescribeMeasurement, NamesTheFileOfAnImage) {
  Bytes image(32);
  append(image, Bytes{4, 4, 12, 0, '\\', 0, 'a', 0, 'b', 0, 0, 0, 0x7F, 0xFF, 4, 0});
  EXPECT_EQ(describe_measurement(make_event(4, kEvEfiBootServicesApplication, image)), "\\ab");
  EXPECT_EQ(describe_measurement(make_event(4, kEvEfiBootServicesApplication, Bytes(32))),
            "an image without a file name (32 bytes of description)");
}

TEST(DescribeMeasurement, KeepsItsLimit) {
  const LogEvent event = make_event(8, kEvIpl, std::string(500, 'x'));
  EXPECT_EQ(describe_measurement(event), std::string(157, 'x') + "...");
  for (std::size_t limit = 0; limit < 20; ++limit)
    EXPECT_EQ(describe_measurement(event, limit).size(), limit);
  for (int c = 0; c < 256; ++c) {
    const std::string text =
        describe_measurement(make_event(8, kEvIpl, Bytes{'a', static_cast<std::uint8_t>(c), 'b'}));
    EXPECT_TRUE(std::all_of(text.begin(), text.end(), [](char one) { return one >= 0x20 && one < 0x7F; }))
        << c;
  }
}

// ---- read_boot_log ----

TEST(BootLog, HoldsWhatVerificationNeeds) {
  const auto boot = read_boot_log(serialize_event_log(make_boot_log()));
  ASSERT_TRUE(boot) << to_string(boot.error());
  ASSERT_EQ(boot->pcrs.size(), 10U);
  const LoggedPcr& pcr8 = *boot->pcrs.at(8);
  EXPECT_EQ(pcr8.pcr, 8U);
  EXPECT_EQ(pcr8.measurements.size(), 2U);
  EXPECT_EQ(to_bytes(pcr8.value), extended(Bytes(32), {"linux /vmlinuz", "/vmlinuz quiet"}));
  EXPECT_EQ(pcr8.last_event, "EV_IPL kernel_cmdline: /vmlinuz quiet");
  EXPECT_EQ(boot->find(2)->last_event, "EV_SEPARATOR 00000000");
  EXPECT_EQ(boot->secure_boot.state, SecureBootState::kEnabled);
  EXPECT_EQ(boot->vm_id, "12345678-abcd-4321-8765-0123456789ab");
  EXPECT_EQ(boot->measurements, make_boot_log().events.size());
  EXPECT_EQ(boot->events, make_boot_log().events.size() + 1);
  EXPECT_EQ(boot->find(15), nullptr);
}

TEST(BootLog, KeepsTheBeginningOfEachDigest) {
  const EventLog log = log_of({make_event(9, kEvNoAction, "no"), make_event(9, kEvIpl, "/vmlinuz")});
  const auto boot = read_boot_log(serialize_event_log(log));
  ASSERT_TRUE(boot);
  const Sha256Digest digest = sha256(as_bytes("/vmlinuz"));
  const std::uint32_t first = static_cast<std::uint32_t>(digest[0]) << 24U |
                              static_cast<std::uint32_t>(digest[1]) << 16U |
                              static_cast<std::uint32_t>(digest[2]) << 8U | digest[3];
  ASSERT_EQ(boot->pcrs.size(), 1U);
  EXPECT_EQ(boot->pcrs[0]->measurements, std::vector<std::uint32_t>{first});
}

// Two nodes of one image differ in a few PCRs and share the others.
TEST(BootLog, SharesWhatIsTheSameWithEarlierLogs) {
  LoggedPcrs known;
  const auto first = read_boot_log(serialize_event_log(make_boot_log()), &known);
  EventLog other = make_boot_log();
  other.events.back().digests = forge::digests_of(as_bytes("another kernel"));
  const auto second = read_boot_log(serialize_event_log(other), &known);
  ASSERT_TRUE(first && second);
  for (unsigned pcr = 0; pcr < 9; ++pcr) EXPECT_EQ(first->find(pcr), second->find(pcr)) << pcr;
  EXPECT_NE(first->find(9), second->find(9));

  // The same digests under another description: that of one node is never shown for another.
  EventLog renamed = make_boot_log();
  renamed.events.back().data = to_bytes(as_bytes("/another-name"));
  const auto described = read_boot_log(serialize_event_log(renamed), &known);
  ASSERT_TRUE(described);
  EXPECT_EQ(described->find(9)->value, first->find(9)->value);
  EXPECT_EQ(described->find(9)->last_event, "EV_IPL /another-name");
  EXPECT_EQ(first->find(9)->last_event, "EV_IPL /vmlinuz");

  LoggedPcrs small(2);
  const auto third = read_boot_log(serialize_event_log(make_boot_log()), &small);
  ASSERT_TRUE(third);
  for (std::size_t i = 0; i < third->pcrs.size(); ++i)
    EXPECT_EQ(third->pcrs[i]->value, first->pcrs[i]->value);
}

TEST(BootLog, RefusesALogWithoutTheBankOrADigestOfIt) {
  EventLog log = make_boot_log();
  log.spec_id->algorithms = {{kTpmAlgSha384, 48}};
  for (LogEvent& event : log.events) event.digests.erase(event.digests.begin());
  const auto other = read_boot_log(serialize_event_log(log));
  ASSERT_FALSE(other);
  EXPECT_THAT(to_string(other.error()), HasSubstr("has no sha256 bank, but sha384"));
  log = make_boot_log();
  log.events[4].digests.erase(log.events[4].digests.begin());
  const auto lacking = read_boot_log(serialize_event_log(log));
  ASSERT_FALSE(lacking);
  EXPECT_THAT(to_string(lacking.error()), HasSubstr("event_log.event[5]: has no sha256 digest"));
  EXPECT_FALSE(read_boot_log({}));
  EXPECT_FALSE(read_boot_log(Bytes(kMaxEventLog + 1)));
}

TEST(BootLog, APrefixIsRefusedOrUnprovable) {
  // PCR 7 last: nothing but the whole log proves a state.
  const Bytes whole = serialize_event_log(log_of([] {
    Events events{make_event(0, kEvSCrtmVersion, "v")};
    for (LogEvent& event : forge::make_secure_boot_events()) events.push_back(std::move(event));
    events.pop_back();
    return events;
  }()));
  ASSERT_EQ(read_boot_log(whole)->secure_boot.state, SecureBootState::kEnabled);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto boot = read_boot_log(ByteView(whole).first(size));
    if (!boot) continue;
    EXPECT_EQ(boot->secure_boot.state, SecureBootState::kUnprovable) << size;
  }
}

// ---- first_difference ----

std::optional<std::string> difference(const EventLog& before, const EventLog& after) {
  const auto boot = read_boot_log(serialize_event_log(before));
  return first_difference(boot.value(), serialize_event_log(after));
}

TEST(FirstDifference, NamesTheFirstOtherMeasurement) {
  const EventLog before = make_boot_log();
  EXPECT_EQ(difference(before, before), std::nullopt);
  EventLog after = before;
  after.events.insert(after.events.begin(), make_event(0, kEvNoAction, "no measurement"));
  EXPECT_EQ(difference(before, after), std::nullopt);

  after = before;
  after.events.back().digests = forge::digests_of(as_bytes("another kernel"));
  EXPECT_EQ(difference(before, after), "PCR 9, EV_IPL /vmlinuz");
  after = before;
  after.events.push_back(make_event(9, kEvIpl, "/initrd"));
  EXPECT_EQ(difference(before, after), "PCR 9, EV_IPL /initrd");
  after = before;
  after.events.pop_back();
  EXPECT_EQ(difference(before, after), "PCR 9, which has 0 of 1 measurements");
  after = before;
  after.events[0].pcr = 1;
  EXPECT_EQ(difference(before, after), "PCR 1, EV_S_CRTM_VERSION v1");
  after = before;
  after.events[0].type = kEvAction;
  EXPECT_EQ(difference(before, after), std::nullopt) << "no PCR is made of types";
}

TEST(FirstDifference, SaysWhenThereIsNoLogToCompare) {
  const auto boot = read_boot_log(serialize_event_log(make_boot_log()));
  ASSERT_TRUE(boot);
  EXPECT_THAT(first_difference(*boot, Bytes(7)).value(), HasSubstr("event_log.event[0]"));
}

}  // namespace
}  // namespace nodeproof::attest
