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
using testing::HasSubstr;
using testing::StartsWith;

// ---- The VM ----

TEST(MeasuredVmId, IsTheOneInPcr6) {
  EXPECT_EQ(measured_vm_id(make_boot_log(), kTpmAlgSha256), "12345678-abcd-4321-8765-0123456789ab");
  EXPECT_EQ(measured_vm_id(make_boot_log("12345678-ABCD-4321-8765-0123456789A"), kTpmAlgSha256),
            std::nullopt);
  EXPECT_EQ(measured_vm_id(make_boot_log("00000000-0000-0000-0000-000000000000"), kTpmAlgSha256),
            std::nullopt)
      << "of a VM without an id";
  EXPECT_EQ(measured_vm_id(make_boot_log(), kTpmAlgSha1), std::nullopt);
  EXPECT_EQ(measured_vm_id(log_of({make_event(8, kEvEfiAction, "a")}), kTpmAlgSha256), std::nullopt);
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
    std::vector<LogEvent> events{make_event(0, kEvSCrtmVersion, "v")};
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
