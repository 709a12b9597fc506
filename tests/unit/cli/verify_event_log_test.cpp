#include "cli/verify_event_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "attest/strict_json.hpp"
#include "base/file.hpp"
#include "cli/event_log_verdict.hpp"
#include "tests/support/event_log_parts.hpp"
#include "tests/unit/attest/listed.hpp"

namespace nodeproof::cli {
namespace {

using attest::EventLog;
using attest::kTpmAlgSha256;
using attest::kTpmAlgSha384;
using attest::SecureBootState;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// What a TPM holds after the boot that the log tells of.
PcrBanks pcrs_after(const EventLog& log, std::initializer_list<std::uint16_t> banks = {kTpmAlgSha256}) {
  PcrBanks out;
  for (const std::uint16_t bank : banks) {
    for (unsigned pcr = 0; pcr < attest::kPcrCount; ++pcr)
      out[bank][pcr] = Bytes(*attest::hash_size(bank), pcr >= 17 && pcr <= 22 ? 0xFF : 0);
    const auto replayed = attest::replay(log, bank);
    for (const attest::ReplayedPcr& pcr : replayed.value()) out[bank][pcr.pcr] = pcr.value;
  }
  return out;
}

EventLogVerdict judged(const EventLog& log, const std::optional<PcrBanks>& actual) {
  return judge_event_log(attest::serialize_event_log(log), actual);
}

std::string detail(const EventLogVerdict& judged, attest::Check check) {
  return attest::find(judged.verdict.findings, check)->detail;
}
std::string replay_detail(const EventLogVerdict& judged) {
  return detail(judged, attest::Check::kEventLogReplay);
}

TEST(EventLogVerdict, IsVerifiedByItsPcrs) {
  const EventLog log = forge::make_boot_log();
  const EventLogVerdict verdict = judged(log, pcrs_after(log, {kTpmAlgSha256, kTpmAlgSha384}));
  EXPECT_TRUE(verdict.verdict.verified());
  EXPECT_EQ(not_passed(verdict.verdict.findings), "");
  EXPECT_EQ(replay_detail(verdict), "PCRs 0-9 of sha256, sha384");
  EXPECT_EQ(detail(verdict, attest::Check::kSecureBoot), "enabled");
  EXPECT_EQ(verdict.secure_boot.state, SecureBootState::kEnabled);
  EXPECT_TRUE(verdict.differences.empty());
}

TEST(EventLogVerdict, LeavesTheReplayOpenWithoutPcrs) {
  const EventLogVerdict verdict = judged(forge::make_boot_log(), std::nullopt);
  EXPECT_TRUE(verdict.verdict.verified());
  EXPECT_EQ(not_passed(verdict.verdict.findings), "event-log-replay/no-pcrs");
  EXPECT_THAT(detail(verdict, attest::Check::kSecureBoot), HasSubstr("which no PCR values bear out"));
}

TEST(EventLogVerdict, RefusesEveryPcrThatDiffers) {
  const EventLog log = forge::make_boot_log();
  for (unsigned pcr = 0; pcr < attest::kPcrCount; ++pcr) {
    PcrBanks actual = pcrs_after(log);
    actual[kTpmAlgSha256][pcr][31] ^= 1U;
    const EventLogVerdict verdict = judged(log, actual);
    // The log has no events for 14, and the others are no business of firmware and boot loader.
    if (pcr > 9) {
      EXPECT_TRUE(verdict.verdict.verified()) << pcr;
      continue;
    }
    EXPECT_EQ(not_passed(verdict.verdict.findings), "event-log-replay/mismatch secure-boot/premise-failed");
    EXPECT_THAT(replay_detail(verdict),
                StartsWith("PCR " + std::to_string(pcr) + " (sha256) is not what the log replays to; "));
    EXPECT_EQ(verdict.secure_boot.state, SecureBootState::kUnprovable);
    ASSERT_EQ(verdict.differences.size(), 1U);
    EXPECT_EQ(verdict.differences[0].pcr, pcr);
    EXPECT_EQ(verdict.differences[0].actual, actual[kTpmAlgSha256][pcr]);
  }
}

TEST(EventLogVerdict, ComparesPcr14WhereShimMeasured) {
  EventLog log = forge::make_boot_log();
  log.events.push_back(forge::make_event(14, attest::kEvIpl, "MokList"));
  PcrBanks actual = pcrs_after(log);
  EXPECT_TRUE(judged(log, actual).verdict.verified());
  actual[kTpmAlgSha256][14][0] ^= 1U;
  EXPECT_EQ(not_passed(judged(log, actual).verdict.findings),
            "event-log-replay/mismatch secure-boot/premise-failed");
}

// A log without events for a PCR says that nothing was measured into it.
TEST(EventLogVerdict, APcrWithoutEventsMustBeAtItsStart) {
  const EventLog log = forge::log_of(forge::make_secure_boot_events());
  PcrBanks actual = pcrs_after(log);
  EXPECT_TRUE(judged(log, actual).verdict.verified());
  actual[kTpmAlgSha256][4][0] = 1;
  EXPECT_THAT(replay_detail(judged(log, actual)), HasSubstr("the log has no event for it"));
}

TEST(EventLogVerdict, SaysFromWhichEventOnTheStoryDoesNotFit) {
  const EventLog log = forge::make_boot_log();
  EventLog shorter = log;
  shorter.events.erase(shorter.events.end() - 2);
  const EventLogVerdict verdict = judged(log, pcrs_after(shorter));
  EXPECT_THAT(
      replay_detail(verdict),
      HasSubstr("event 19 (EV_IPL kernel_cmdline: /vmlinuz quiet) is not in PCR 8: it stopped before"));
}

TEST(EventLogVerdict, ComparesEveryBankThatBothHave) {
  const EventLog log = forge::make_boot_log();
  PcrBanks actual = pcrs_after(log, {kTpmAlgSha256, kTpmAlgSha384});
  actual[kTpmAlgSha384][3][0] ^= 1U;
  EXPECT_THAT(replay_detail(judged(log, actual)), StartsWith("PCR 3 (sha384) is not what"));
  actual = pcrs_after(log, {kTpmAlgSha384});
  const EventLogVerdict other = judged(log, actual);
  EXPECT_TRUE(other.verdict.verified());
  EXPECT_EQ(other.judged_bank, kTpmAlgSha384);
  actual = PcrBanks{{attest::kTpmAlgSha1, {{0, Bytes(20)}}}};
  const EventLogVerdict none = judged(log, actual);
  EXPECT_EQ(not_passed(none.verdict.findings), "event-log-replay/no-common-bank secure-boot/premise-failed");
  EXPECT_EQ(replay_detail(none),
            "the log is of sha256, sha384, the PCR values are of sha1: they cannot be compared");
}

TEST(EventLogVerdict, NeedsTheFirmwaresPcrs) {
  const EventLog log = forge::make_boot_log();
  PcrBanks actual = pcrs_after(log);
  actual[kTpmAlgSha256].erase(8);
  actual[kTpmAlgSha256].erase(9);
  EXPECT_EQ(replay_detail(judged(log, actual)), "PCRs 0-7 of sha256; no values of PCRs 8-9 were given");
  actual[kTpmAlgSha256].erase(3);
  const EventLogVerdict verdict = judged(log, actual);
  EXPECT_EQ(not_passed(verdict.verdict.findings), "event-log-replay/missing secure-boot/premise-failed");
  EXPECT_EQ(replay_detail(verdict), "no value of PCR 3 (sha256) is given");
}

TEST(EventLogVerdict, RefusesALogThatDoesNotParseOrReplay) {
  const EventLogVerdict empty = judge_event_log({}, std::nullopt);
  EXPECT_EQ(not_passed(empty.verdict.findings), "event-log-replay/truncated secure-boot/premise-failed");
  EXPECT_EQ(replay_detail(empty), "the event log is empty: firmware passed none on");
  EXPECT_FALSE(empty.log);

  Bytes cut = attest::serialize_event_log(forge::make_boot_log());
  cut.pop_back();
  const EventLogVerdict truncated = judge_event_log(cut, std::nullopt);
  EXPECT_EQ(not_passed(truncated.verdict.findings), "event-log-replay/truncated secure-boot/premise-failed");
  EXPECT_THAT(replay_detail(truncated), StartsWith("event_log.event[20].event at 0x"));

  EventLog lacking = forge::make_boot_log();
  lacking.events[2].digests.erase(lacking.events[2].digests.begin());
  const PcrBanks actual = pcrs_after(forge::make_boot_log());
  for (const std::optional<PcrBanks>& given : {std::optional<PcrBanks>(), std::optional(actual)}) {
    const EventLogVerdict verdict = judged(lacking, given);
    EXPECT_EQ(not_passed(verdict.verdict.findings), "event-log-replay/missing secure-boot/premise-failed");
    EXPECT_EQ(replay_detail(verdict), "event_log.event[3] has no sha256 digest");
    EXPECT_TRUE(verdict.banks[0].error);
    EXPECT_FALSE(verdict.banks[1].error) << "the other bank is whole";
  }
}

TEST(EventLogVerdict, RefusesWhatIsUnprovable) {
  EventLog log = forge::make_boot_log();
  log.events[1].data.back() = 0;
  const EventLogVerdict verdict = judged(log, pcrs_after(log));
  EXPECT_FALSE(verdict.verdict.verified());
  EXPECT_EQ(not_passed(verdict.verdict.findings), "secure-boot/unprovable");
  EXPECT_THAT(detail(verdict, attest::Check::kSecureBoot),
              HasSubstr("the digest of SecureBoot is not that of its data"));
}

// ---- The verb ----

struct Printed {
  ExitCode exit_code;
  std::string out;
  std::string err;
};

class VerifyEventLog : public ::testing::Test {
 protected:
  std::string file(const std::string& name, ByteView content) {
    const auto path = std::filesystem::path(::testing::TempDir()) / ("verify-event-log-" + name);
    write_file(path, content);
    return path;
  }
  std::string log_file() { return file("log", attest::serialize_event_log(forge::make_boot_log())); }

  static Printed run(const EventLogOptions& options) {
    std::ostringstream out;
    std::ostringstream err;
    const ExitCode exit_code = verify_event_log(options, out, err);
    return {exit_code, out.str(), err.str()};
  }
};

TEST_F(VerifyEventLog, ListsChecksPcrsAndEvents) {
  const Printed plain = run({log_file(), "", false});
  EXPECT_EQ(plain.exit_code, kVerified);
  EXPECT_THAT(plain.out, HasSubstr("not checked  event-log-replay     no PCR values were given (no-pcrs)"));
  EXPECT_THAT(plain.out, HasSubstr("The log is crypto agile: 21 events; banks sha256, sha384."));
  EXPECT_THAT(plain.out, HasSubstr("\nReplayed PCRs, sha384:\n"));
  EXPECT_THAT(plain.out, HasSubstr("\n    2  PCR 7   EV_EFI_VARIABLE_DRIVER_CONFIG     " +
                                   to_hex(forge::make_boot_log().events[1].digests[0].digest) +
                                   "  SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c = 01\n"));
  EXPECT_EQ(plain.err, "");
}

TEST_F(VerifyEventLog, ShowsWhichPcrDiffersAndWhy) {
  PcrBanks actual = pcrs_after(forge::make_boot_log());
  Bytes raw;
  for (auto& [pcr, value] : actual[kTpmAlgSha256]) append(raw, pcr == 9 ? Bytes(32) : value);
  const Printed refused = run({log_file(), file("pcrs", raw), false});
  EXPECT_EQ(refused.exit_code, kRefused);
  EXPECT_THAT(refused.out, HasSubstr("\nPCR 9 (sha256) differs:\n"));
  EXPECT_THAT(refused.out, HasSubstr("\n  PCR 9 is at its start value: none of the log's events is in it\n"));
  EXPECT_THAT(refused.out, HasSubstr("1 event  DIFFERS\n"));
  EXPECT_THAT(refused.out, HasSubstr("events  equal\n"));
  EXPECT_THAT(refused.out, HasSubstr("events  not given\n")) << "the other bank";

  const Printed json = run({log_file(), file("pcrs", raw), true});
  EXPECT_THAT(json.out, HasSubstr(R"("differences":[{"actual":"000000)"));
  EXPECT_THAT(json.out, HasSubstr(R"("secureBoot":"unprovable")"));
}

TEST_F(VerifyEventLog, WritesJsonForPrograms) {
  const Printed printed = run({log_file(), "", true});
  EXPECT_EQ(printed.exit_code, kVerified);
  const auto document = attest::JsonDocument::parse(as_bytes(printed.out), 1U << 20U, "output");
  ASSERT_TRUE(document) << printed.out;
  const auto log = document->root().required("claims")->required("eventLog").value();
  EXPECT_EQ(*log.required("banks")->array()->at(1).text(), "sha384");
  EXPECT_EQ(*log.required("events")->unsigned_integer(), 21U) << "with the Spec ID record";
  EXPECT_EQ(*log.required("secureBoot")->text(), "enabled");
  EXPECT_EQ(*log.required("reason")->text(), "");
  const auto replayed = attest::replay(forge::make_boot_log(), kTpmAlgSha384);
  const auto sha384 = log.required("pcrs")->required("sha384").value();
  EXPECT_EQ(sha384.members()->size(), 10U);
  EXPECT_EQ(*sha384.required("9")->text(), to_hex(replayed->at(9).value));
  const auto events = document->root().required("log")->array().value();
  ASSERT_EQ(events.size(), 20U);
  EXPECT_EQ(*events[1].required("event")->unsigned_integer(), 2U);
  EXPECT_EQ(*events[1].required("pcr")->unsigned_integer(), 7U);
  EXPECT_EQ(*events[1].required("type")->text(), "EV_EFI_VARIABLE_DRIVER_CONFIG");
  EXPECT_EQ(*events[19].required("measured")->text(), "/vmlinuz");
  EXPECT_EQ(events[19].required("digests")->members()->size(), 2U);
}

TEST_F(VerifyEventLog, TellsMisuseFromRefusalFromEnvironment) {
  EXPECT_EQ(run({"/nonexistent", "", false}).exit_code, kEnvironment);
  EXPECT_EQ(run({::testing::TempDir(), "", false}).exit_code, kEnvironment);
  EXPECT_EQ(run({log_file(), "/nonexistent", false}).exit_code, kEnvironment);
  const Printed large = run({file("large", Bytes(2U << 20U)), "", false});
  EXPECT_EQ(large.exit_code, kUsage);
  EXPECT_THAT(large.err, HasSubstr("no evidence is that large"));
  EXPECT_EQ(run({"-", "-", false}).exit_code, kUsage);
  const Printed empty = run({file("empty", {}), "", false});
  EXPECT_EQ(empty.exit_code, kRefused);
  EXPECT_THAT(empty.out,
              HasSubstr("Remedy: give /sys/kernel/security/tpm0/binary_bios_measurements as it is"));
  const Printed quote =
      run({file("quote", as_bytes("\xFFTCG\x80\x18 and so on, and on, and on, and on")), "", false});
  EXPECT_EQ(quote.exit_code, kRefused);
  EXPECT_THAT(quote.out, HasSubstr("event_log.event[0].pcrIndex at 0x000"));
  const Printed pcrs = run({log_file(), file("quote", as_bytes("\xFFTCG\x80\x18")), false});
  EXPECT_EQ(pcrs.exit_code, kUsage);
  EXPECT_THAT(pcrs.err, HasSubstr("See nodeproof verify event-log --help"));
}

// ---- Files of PCR values ----

std::string banks_in(std::string_view json) {
  const auto banks = parse_pcr_banks(as_bytes(json));
  if (!banks) return to_string(banks.error());
  std::string out;
  for (const auto& [bank, values] : *banks)
    out += attest::hash_name(bank) + ":" + std::to_string(values.size()) + " ";
  return out;
}

TEST(PcrBanks, AreReadFromEveryForm) {
  const std::string sha1(40, 'a');
  const std::string sha256(64, 'B');
  EXPECT_EQ(banks_in(R"({"0": ")" + sha256 + "\"}"), "sha256:1 ");
  EXPECT_EQ(banks_in(R"({"sha1": {"0": ")" + sha1 + R"("}, "sha256": {"0": ")" + sha256 + R"(", "23": ")" +
                     sha256 + "\"}}"),
            "sha1:1 sha256:2 ");
  for (const auto& [size, name] :
       {std::pair<std::size_t, const char*>{20, "sha1"}, {32, "sha256"}, {48, "sha384"}, {64, "sha512"}}) {
    const auto raw = parse_pcr_banks(Bytes(24 * size, 7));
    ASSERT_TRUE(raw) << name;
    EXPECT_EQ(raw->size(), 1U);
    EXPECT_EQ(attest::hash_name(raw->begin()->first), name);
    EXPECT_EQ(raw->begin()->second.at(23), Bytes(size, 7));
  }
}

TEST(PcrBanks, SayWhatIsWrong) {
  EXPECT_THAT(banks_in(R"({"sha1": {"0": "aa"}})"), HasSubstr("is 1 bytes long, must be 20"));
  EXPECT_THAT(banks_in(R"({"sha1": {"24": "aa"}})"), HasSubstr("is not a PCR number from 0 to 23"));
  EXPECT_THAT(banks_in(R"({"sha1": {"0": 1}})"), HasSubstr("sha1.0"));
  EXPECT_THAT(banks_in(R"({"sha1": {}})"), HasSubstr("holds no PCR value"));
  EXPECT_THAT(banks_in(R"({"sha1": {"0": ")" + std::string(40, 'a') + R"("}, "md5": {}})"),
              HasSubstr("is no bank; known are sha1"));
  EXPECT_THAT(banks_in(R"({"md5": {}})"), HasSubstr("pcrs.md5: is no bank; known are sha1"));
  EXPECT_THAT(banks_in("{"), Not(HasSubstr("sha256:")));
  EXPECT_THAT(banks_in(""), Not(HasSubstr("sha256:")));
}

}  // namespace
}  // namespace nodeproof::cli
