// Every recorded event log, read and judged: banks, replayed PCRs and the state of Secure Boot as stated
// with the recordings, and PCRs as the TPM held them where they were recorded too.
#include <gtest/gtest.h>

#include <iomanip>
#include <iostream>

#include "attest/boot_log.hpp"
#include "attest/strict_json.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kMaxJson = 1U << 20U;

std::uint16_t bank_named(std::string_view name) {
  for (const std::uint16_t bank : {kTpmAlgSha1, kTpmAlgSha256, kTpmAlgSha384, kTpmAlgSha512}) {
    if (hash_name(bank) == name) return bank;
  }
  throw std::runtime_error("no bank " + std::string(name));
}

std::vector<std::string> banks_of(const EventLog& log) {
  if (!log.spec_id) return {"sha1"};
  std::vector<std::string> out;
  for (const SpecId::Algorithm& algorithm : log.spec_id->algorithms) out.push_back(hash_name(algorithm.id));
  return out;
}

std::vector<std::string> texts(const JsonValue& array) {
  std::vector<std::string> out;
  const auto elements = array.array();
  for (const JsonValue& element : *elements) out.emplace_back(*element.text());
  return out;
}

std::map<std::string, std::string> hex_values(const JsonValue& object) {
  std::map<std::string, std::string> out;
  const auto members = object.members();
  for (const JsonValue::Member& member : *members) out[std::string(member.key)] = *member.value.text();
  return out;
}

std::map<std::string, std::string> replayed(const EventLog& log, std::uint16_t bank) {
  std::map<std::string, std::string> out;
  const auto pcrs = replay(log, bank);
  EXPECT_TRUE(pcrs) << to_string(pcrs.error());
  if (!pcrs) return out;
  for (const ReplayedPcr& pcr : *pcrs) out[std::to_string(pcr.pcr)] = to_hex(pcr.value);
  return out;
}

// A BootLog is no more and no less than what its parts say one by one.
void expect_same(const BootLog& boot, const EventLog& log) {
  const auto pcrs = replay(log, kTpmAlgSha256);
  ASSERT_TRUE(pcrs);
  ASSERT_EQ(boot.pcrs.size(), pcrs->size());
  for (std::size_t i = 0; i < pcrs->size(); ++i) {
    const ReplayedPcr& pcr = (*pcrs)[i];
    EXPECT_EQ(boot.pcrs[i]->pcr, pcr.pcr);
    EXPECT_EQ(boot.pcrs[i]->measurements.size(), pcr.events);
    EXPECT_TRUE(equal(boot.pcrs[i]->value, pcr.value));
    const LogEvent& last = log.events.at(pcr.last_event);
    EXPECT_TRUE(boot.pcrs[i]->last_event.starts_with(event_type_name(last.type))) << boot.pcrs[i]->last_event;
    EXPECT_LE(boot.pcrs[i]->last_event.size(), 96U);
  }
  const SecureBootVerdict verdict = judge_secure_boot(log, kTpmAlgSha256);
  EXPECT_EQ(boot.secure_boot.state, verdict.state);
  EXPECT_EQ(boot.secure_boot.reason, verdict.reason);
}

void expect_stated(const std::string& name, const JsonValue& stated) {
  SCOPED_TRACE(name);
  const Bytes bytes = vectors::file("event-logs/" + name + ".bin");
  const auto log = parse_event_log(bytes);
  const std::string verdict(*stated.required("secure_boot_verdict")->text());
  ASSERT_EQ(log.has_value(), *stated.required("parses")->boolean());
  if (!log) {
    EXPECT_EQ(verdict, "unprovable");
    EXPECT_FALSE(read_boot_log(bytes));
    return;
  }
  std::uint16_t bank = kTpmAlgSha256;
  if (const auto named = *stated.optional("replay_bank")) {
    bank = bank_named(*named->text());
    EXPECT_EQ(banks_of(*log), texts(*stated.required("banks")));
    EXPECT_EQ(log->events.size() + (log->spec_id ? 1 : 0), *stated.required("events")->unsigned_integer());
    EXPECT_EQ(replayed(*log, bank), hex_values(*stated.required("replayed_pcrs")));
  }
  const SecureBootVerdict judged = judge_secure_boot(*log, bank);
  EXPECT_EQ(to_string(judged.state), verdict) << judged.reason;
  const std::string reason(*stated.required("secure_boot_reason")->text());
  EXPECT_EQ(judged.reason.empty(), reason.empty()) << judged.reason;
  if (judged.state != SecureBootState::kUnprovable) {
    EXPECT_TRUE(judged.reason.starts_with(reason)) << judged.reason;
  }
  std::cout << std::left << std::setw(46) << name << std::setw(12) << to_string(judged.state) << judged.reason
            << '\n';
  const auto boot = read_boot_log(bytes);
  EXPECT_EQ(boot.has_value(), bank == kTpmAlgSha256);
  if (boot) expect_same(*boot, *log);
}

TEST(BootLogVectors, EveryLogIsJudgedAsStated) {
  NODEPROOF_NEED_VECTORS();
  const Bytes text = vectors::file("event-logs/expect.json");
  const auto document = JsonDocument::parse(text, kMaxJson, "expect.json");
  ASSERT_TRUE(document) << to_string(document.error());
  const auto logs = document->root().members();
  ASSERT_TRUE(logs);
  for (const JsonValue::Member& log : *logs) expect_stated(std::string(log.key), log.value);
  EXPECT_GT(logs->size(), 20U);
}

// Folders of measured boots that have a log: pcrs.json holds what the TPM held.
std::vector<std::filesystem::path> measured_boots() {
  std::vector<std::filesystem::path> out;
  for (const auto& entry : std::filesystem::directory_iterator(vectors::folder() / "qemu-measured-boot")) {
    if (std::filesystem::exists(entry.path() / "binary_bios_measurements"))
      out.push_back(std::filesystem::relative(entry.path(), vectors::folder()));
  }
  return out;
}

TEST(BootLogVectors, MeasuredBootsReplayToTheirPcrsInEveryBank) {
  NODEPROOF_NEED_VECTORS();
  const auto boots = measured_boots();
  EXPECT_GE(boots.size(), 5U);
  for (const auto& folder : boots) {
    SCOPED_TRACE(folder);
    const auto log = parse_event_log(vectors::file(folder / "binary_bios_measurements"));
    ASSERT_TRUE(log);
    const Bytes text = vectors::file(folder / "pcrs.json");
    const auto document = JsonDocument::parse(text, kMaxJson, "pcrs.json");
    ASSERT_TRUE(document);
    const auto banks = document->root().members();
    ASSERT_TRUE(banks);
    EXPECT_EQ(banks->size(), 3U);
    for (const JsonValue::Member& bank : *banks) {
      const auto actual = hex_values(bank.value);
      const auto told = replayed(*log, bank_named(bank.key));
      for (const char* pcr : {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "14"}) {
        ASSERT_TRUE(told.contains(pcr)) << pcr;
        EXPECT_EQ(told.at(pcr), actual.at(pcr)) << bank.key << ' ' << pcr;
      }
      const SecureBootVerdict verdict = judge_secure_boot(*log, bank_named(bank.key));
      const bool on = folder.filename().string().starts_with("sb-on");
      EXPECT_EQ(to_string(verdict.state), on ? "enabled" : "disabled") << verdict.reason;
      EXPECT_EQ(verdict.reason, "");
    }
  }
}

TEST(BootLogVectors, AGoogleLogReplaysToQuotedPcrsInEveryBank) {
  NODEPROOF_NEED_VECTORS();
  const std::filesystem::path folder = "tpm-quotes/gce-cos85-nonce";
  const auto log = parse_event_log(vectors::file(folder / "eventlog.bin"));
  ASSERT_TRUE(log);
  for (const std::uint16_t bank : {kTpmAlgSha1, kTpmAlgSha256, kTpmAlgSha384}) {
    const Bytes actual = vectors::file(folder / ("pcrs-" + hash_name(bank) + ".bin"));
    const std::size_t size = *hash_size(bank);
    const auto pcrs = replay(*log, bank);
    ASSERT_TRUE(pcrs);
    EXPECT_GE(pcrs->size(), 10U);
    for (const ReplayedPcr& pcr : *pcrs) {
      if (pcr.pcr > 9) continue;
      EXPECT_EQ(to_hex(pcr.value), to_hex(ByteView(actual).subspan(pcr.pcr * size, size))) << pcr.pcr;
    }
    EXPECT_EQ(judge_secure_boot(*log, bank).state, SecureBootState::kEnabled);
  }
}

// A CC event log numbers the RTMRs from 1.
TEST(BootLogVectors, ACcEventLogReplaysToTheRtmrs) {
  NODEPROOF_NEED_VECTORS();
  const std::filesystem::path folder = "td-quotes/gcp-cos113-with-ccel";
  const auto log = parse_event_log(vectors::file(folder / "ccel.bin"));
  ASSERT_TRUE(log);
  const Bytes text = vectors::file(folder / "expect.json");
  const auto document = JsonDocument::parse(text, kMaxJson, "expect.json");
  ASSERT_TRUE(document);
  const auto rtmrs = texts(*document->root().required("rtmr"));
  const auto pcrs = replay(*log, kTpmAlgSha384);
  ASSERT_TRUE(pcrs);
  EXPECT_EQ(pcrs->size(), 3U);
  for (const ReplayedPcr& pcr : *pcrs) EXPECT_EQ(to_hex(pcr.value), rtmrs.at(pcr.pcr - 1)) << pcr.pcr;
  EXPECT_EQ(judge_secure_boot(*log, kTpmAlgSha384).state, SecureBootState::kUnprovable);
  EXPECT_FALSE(read_boot_log(vectors::file(folder / "ccel.bin"))) << "it has no SHA-256 bank";
}

// What an operator is told of two boots: where they part.
TEST(BootLogVectors, BootsPartAtTheirFirstOtherMeasurement) {
  NODEPROOF_NEED_VECTORS();
  const auto log_of = [](const char* boot) {
    return vectors::file(std::filesystem::path("qemu-measured-boot") / boot / "binary_bios_measurements");
  };
  const auto boot = read_boot_log(log_of("sb-on"));
  ASSERT_TRUE(boot);
  EXPECT_EQ(first_difference(*boot, log_of("sb-on")), std::nullopt);
  const auto changed = first_difference(*boot, log_of("sb-on-cmdline"));
  ASSERT_TRUE(changed);
  EXPECT_EQ(*changed, "PCR 9, EV_IPL (hd0)/EFI/debian/grub.cfg");
  const auto off = read_boot_log(log_of("sb-off"));
  ASSERT_TRUE(off);
  const auto kernel = first_difference(*off, log_of("sb-off-altered-kernel"));
  ASSERT_TRUE(kernel);
  EXPECT_EQ(*kernel, "PCR 9, EV_IPL /boot/vmlinuz");
}

TEST(BootLogVectors, APrefixIsRefusedOrUnprovableUntilPcr7IsComplete) {
  NODEPROOF_NEED_VECTORS();
  const Bytes whole = vectors::file("qemu-measured-boot/sb-on/binary_bios_measurements");
  const auto log = parse_event_log(whole);
  ASSERT_TRUE(log);
  // Up to its first authority, nothing shows that Secure Boot was more than a variable.
  std::size_t first_authority = 0;
  while (log->events.at(first_authority).type != kEvEfiVariableAuthority) ++first_authority;
  const std::size_t proven_from = log->events.at(first_authority + 1).offset;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto boot = read_boot_log(ByteView(whole).first(size));
    if (boot && size < proven_from) {
      EXPECT_EQ(boot->secure_boot.state, SecureBootState::kUnprovable) << size;
      EXPECT_NE(boot->secure_boot.reason, "") << size;
    }
  }
}

}  // namespace
}  // namespace nodeproof::attest
