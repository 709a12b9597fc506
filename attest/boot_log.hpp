// What an event log says of a boot, beyond its framing (event_log.hpp): the PCR values that it explains,
// the state of Secure Boot, the VM that firmware measured. Pure. Nothing here is proven until the quoted
// PCRs equal the replayed ones (number 12): then every digest is, and an event's data is where the digest
// covers it (azure-evidence 8.3).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "attest/event_log.hpp"
#include "attest/pcr.hpp"

namespace nodeproof::attest {

// ---- Replay (number 12) ----------------------------------------------------------------------

// One PCR that the log has measurements for.
struct ReplayedPcr {
  unsigned pcr = 0;
  std::size_t events = 0;  // that extend it
  // Index into EventLog::events of the last one that is no EV_SEPARATOR; of the last one when all are; of
  // StartupLocality when there is none.
  std::size_t last_event = 0;
  Bytes value;  // as long as the bank's digests
};

// The PCRs that the log has measurements for, ascending, and PCR 0 where its start value is told. An Error
// when the log lacks the bank, an event lacks a digest of it, the bank's hash is not known here, or a
// StartupLocality is malformed. Start values: zeros, 17-22 ones; PCR 0 by StartupLocality (PC Client
// Platform Firmware Profile 1.05, 10.4.5.3).
Result<std::vector<ReplayedPcr>> replay(const EventLog& log, std::uint16_t bank);

// Where a log and the value that a PCR really has part, for a person: "event 31 (EV_IPL ...) is not in the
// PCR: it stopped before" and the like. Looks for the simplest story: the PCR stops early; one event was
// left out or added; an event's digest is not that of its data, and with the right one the story fits.
// Otherwise says which events the PCR is made of, and that any of them may be the one.
std::string explain_difference(const EventLog& log, std::uint16_t bank, unsigned pcr, ByteView actual);

// ---- Secure Boot (number 13) ------------------------------------------------------------------

enum class SecureBootState { kUnprovable, kEnabled, kDisabled };
std::string_view to_string(SecureBootState state);  // "unprovable", "enabled", "disabled"

struct SecureBootVerdict {
  SecureBootState state = SecureBootState::kUnprovable;
  std::string reason;  // why unprovable; else a remark on the log, mostly empty
};

// PCR 7 by a fixed grammar (azure-evidence 8.5); anything else is unprovable.
SecureBootVerdict judge_secure_boot(const EventLog& log, std::uint16_t bank);

// ---- The VM (number 14) -----------------------------------------------------------------------

// The UUID that Azure's firmware measured into PCR 6 as EV_COMPACT_HASH over "UUID: ...", lower case; only
// where the digest covers the data, and only when there is one such event.
std::optional<std::string> measured_vm_id(const EventLog& log, std::uint16_t bank);

// ---- One event, for people ---------------------------------------------------------------------

// What was measured, in a line of printable ASCII of at most `limit` bytes: a variable with its GUID, the
// path of an image, a command line, else bytes in hex.
std::string describe_measurement(const LogEvent& event, std::size_t limit = 160);

// ---- A boot's log, as far as verification needs it ---------------------------------------------

struct LoggedPcr {
  unsigned pcr = 0;
  Sha256Digest value{};
  // The first four bytes of the digest of each of its measurements, in their order: where another boot's
  // differ.
  std::vector<std::uint32_t> measurements;
  std::string last_event;  // "EV_IPL kernel_cmdline: ..." of ReplayedPcr::last_event, at most 96 bytes
};

// Nodes of one image measure the same into most PCRs. What was read of one is shared with the next, texts
// too, and only where they are the same: no digest covers them all, and one node's must not stand for
// another. The caller owns it and uses it from one thread at a time; it holds at most `limit` of them.
class LoggedPcrs {
 public:
  explicit LoggedPcrs(std::size_t limit = 1024) : limit_(limit) {}
  // The same one that was given before, else this one. Its measurements follow from its value.
  std::shared_ptr<const LoggedPcr> share(LoggedPcr pcr);

 private:
  std::size_t limit_;
  std::map<std::tuple<unsigned, Sha256Digest, std::string>, std::shared_ptr<const LoggedPcr>> known_;
};

// Made once for a log; small, for it is kept for every node.
struct BootLog {
  std::size_t events = 0;                              // records of the log, the Spec ID among them
  std::size_t measurements = 0;                        // of them, those that extend a PCR
  std::vector<std::shared_ptr<const LoggedPcr>> pcrs;  // SHA-256 bank, ascending; never null
  SecureBootVerdict secure_boot;
  std::optional<std::string> vm_id;

  const LoggedPcr* find(unsigned pcr) const;  // null when the log tells nothing of it
};

// Parses, replays the SHA-256 bank and judges. Cost: the hashing and little more (docs/performance.md).
// `known` may be null.
Result<BootLog> read_boot_log(ByteView log, LoggedPcrs* known = nullptr);
// The same as verifications keep it; null when `log` is empty: there is none.
std::shared_ptr<const Result<BootLog>> read_boot_log_if_any(ByteView log, LoggedPcrs* known);

// The first measurement of `log` that the boot of `before` did not make at its place in its PCR, for a person
// ("PCR 9, EV_IPL (hd0,gpt1)/boot/vmlinuz..."), or which PCR has fewer; nothing when both tell the same.
std::optional<std::string> first_difference(const BootLog& before, ByteView log);

}  // namespace nodeproof::attest
