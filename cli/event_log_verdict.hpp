// What an event log says, and whether PCR values bear it out: numbers 12 and 13 as `verify event-log` makes
// them, in every bank. Values; no I/O.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attest/boot_log.hpp"
#include "cli/pcr_banks.hpp"
#include "cli/verdict.hpp"

namespace nodeproof::cli {

struct ReplayedBank {
  std::uint16_t bank = 0;
  std::vector<attest::ReplayedPcr> pcrs;
  std::optional<Error> error;  // why there are none
};

struct PcrDifference {
  std::uint16_t bank = 0;
  unsigned pcr = 0;
  Bytes replayed;
  Bytes actual;
  std::string story;  // where they part
};

struct EventLogVerdict {
  Verdict verdict;                      // event-log-replay and secure-boot
  std::optional<attest::EventLog> log;  // nothing: it does not parse
  std::vector<ReplayedBank> banks;      // every one that the log has
  std::uint16_t judged_bank = 0;        // Secure Boot was judged in it
  std::vector<PcrDifference> differences;
  attest::SecureBootVerdict secure_boot;
};

// Without PCR values event-log-replay is not-checked, and the state of Secure Boot as true as the log. With
// them PCRs 0-7 must equal, and 8, 9 and 14 where the log has events for them and a value is given, in every
// bank that both have; Secure Boot is judged in one that was compared.
EventLogVerdict judge_event_log(ByteView log, const std::optional<PcrBanks>& actual);

}  // namespace nodeproof::cli
