// An event log as one bank sees it: what replay, the Secure Boot grammar and the VM's UUID are read from,
// whether the log was parsed into values (EventLog) or is only looked at (read_boot_log). For attest's own
// .cpp files.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "attest/bank_hash.hpp"
#include "attest/boot_log.hpp"

namespace nodeproof::attest {

// Borrowed from the log.
struct Measurement {
  std::size_t number = 0;  // as the parser's errors count events: the Spec ID record is number 0
  std::uint32_t pcr = 0;
  std::uint32_t type = 0;
  ByteView digest;  // of the bank; empty: the event has none
  ByteView data;

  bool extends() const { return type != kEvNoAction; }
};

// Every event, in the order of the log; kMissing when the log has no such bank.
Result<std::vector<Measurement>> measurements_of(const EventLog& log, std::uint16_t bank);
Result<std::vector<Measurement>> measurements_of(ByteView log, std::uint16_t bank);

Result<std::vector<ReplayedPcr>> replay(std::span<const Measurement> log, BankHash& hash);
// What `pcr` holds before its first measurement.
Result<HashValue> start_value(std::span<const Measurement> log, const BankHash& hash, unsigned pcr);

SecureBootVerdict judge_secure_boot(std::span<const Measurement> log, BankHash& hash);
std::optional<std::string> measured_vm_id(std::span<const Measurement> log, BankHash& hash);

// Whether events of this type have the hash of their data for a digest (azure-evidence 8.3).
bool digest_is_of_data(std::uint32_t type);

std::string describe_data(std::uint32_t type, ByteView data, std::size_t limit);
// "EV_IPL kernel_cmdline: ..."
std::string describe_event(const Measurement& event, std::size_t limit);

}  // namespace nodeproof::attest
