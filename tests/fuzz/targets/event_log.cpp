#include <algorithm>

#include "attest/boot_log.hpp"
#include "tests/fuzz/target.hpp"

namespace nodeproof::fuzz {
namespace {

using attest::EventLog;

void check_text(const std::string& text, std::size_t limit) {
  require(text.size() <= limit, "a description keeps its limit");
  require(std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; }),
          "a description is printable ASCII");
}

void check_events(const EventLog& log) {
  for (const attest::LogEvent& event : log.events) {
    accepted(attest::parse_uefi_variable(event.data));
    for (const std::size_t limit : {std::size_t{0}, std::size_t{20}, std::size_t{160}})
      check_text(attest::describe_measurement(event, limit), limit);
  }
}

// Whether the bank was replayed.
bool check_bank(const EventLog& log, std::uint16_t bank) {
  const attest::SecureBootVerdict verdict = attest::judge_secure_boot(log, bank);
  require(verdict.state != attest::SecureBootState::kUnprovable || !verdict.reason.empty(),
          "what is unprovable has a reason");
  const auto pcrs = attest::replay(log, bank);
  if (!accepted(pcrs)) return false;
  for (const attest::ReplayedPcr& pcr : *pcrs) {
    require(pcr.last_event < log.events.size() && log.events[pcr.last_event].pcr == pcr.pcr,
            "the last event of a PCR is one of its own");
    require(attest::explain_difference(log, bank, pcr.pcr, pcr.value).starts_with("the log explains"),
            "a log explains what it replays to");
  }
  if (!pcrs->empty()) {
    Bytes other = pcrs->front().value;
    other.front() ^= 1U;
    require(!attest::explain_difference(log, bank, pcrs->front().pcr, other).starts_with("the log explains"),
            "a log does not explain another value");
  }
  return true;
}

void check_boot_log(ByteView input, const EventLog& log, bool replayed) {
  const auto boot = attest::read_boot_log(input);
  require(accepted(boot) == replayed, "a boot's log is read when its SHA-256 bank replays");
  if (!boot) return;
  const auto pcrs = attest::replay(log, attest::kTpmAlgSha256);
  require(pcrs && pcrs->size() == boot->pcrs.size(), "both replays tell the same PCRs");
  for (std::size_t i = 0; i < boot->pcrs.size(); ++i) {
    require(equal(boot->pcrs[i]->value, (*pcrs)[i].value), "both replays tell the same values");
    check_text(boot->pcrs[i]->last_event, 96);
  }
  require(boot->secure_boot.state == attest::judge_secure_boot(log, attest::kTpmAlgSha256).state,
          "both judge Secure Boot the same");
  require(boot->vm_id == attest::measured_vm_id(log, attest::kTpmAlgSha256), "both name the same VM");
  require(!attest::first_difference(*boot, input), "a log does not differ from itself");
}

}  // namespace
}  // namespace nodeproof::fuzz

bool nodeproof::fuzz::one_input(ByteView input) {
  const auto log = attest::parse_event_log(input);
  if (!accepted(log)) {
    require(!attest::read_boot_log(input), "a log that does not parse is not read");
    return false;
  }
  require(equal(attest::serialize_event_log(*log), input), "a log has one encoding");
  check_events(*log);
  check_bank(*log, attest::kTpmAlgSha1);
  check_bank(*log, attest::kTpmAlgSha384);
  check_boot_log(input, *log, check_bank(*log, attest::kTpmAlgSha256));
  return true;
}
