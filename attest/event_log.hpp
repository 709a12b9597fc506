// The TCG event log that firmware and boot loader leave (TCG PC Client Platform Firmware Profile 1.05,
// section 10; azure-evidence 8): framing only. What the events say is proven by nothing here: replay
// (number 12) ties digests to quoted PCRs, and only then may an event's data be believed.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"

namespace nodeproof::attest {

inline constexpr std::size_t kMaxEventLog = 1U << 20U;  // bytes; firmware on Azure reserves 128 KiB

inline constexpr std::uint16_t kTpmAlgSha1 = 0x0004;
inline constexpr std::uint16_t kTpmAlgSha256 = 0x000B;
inline constexpr std::uint16_t kTpmAlgSha384 = 0x000C;
inline constexpr std::uint16_t kTpmAlgSha512 = 0x000D;
inline constexpr std::uint16_t kTpmAlgSm3 = 0x0012;
inline constexpr std::uint16_t kTpmAlgSha3With256 = 0x0027;
inline constexpr std::uint16_t kTpmAlgSha3With384 = 0x0028;
inline constexpr std::uint16_t kTpmAlgSha3With512 = 0x0029;

// "sha256"; "alg-0x1234" for one without a name here.
std::string hash_name(std::uint16_t algorithm);
// Bytes of one digest; nothing for an unknown algorithm.
std::optional<std::size_t> hash_size(std::uint16_t algorithm);

inline constexpr std::uint32_t kEvNoAction = 0x00000003;
inline constexpr std::uint32_t kEvSeparator = 0x00000004;
inline constexpr std::uint32_t kEvAction = 0x00000005;
inline constexpr std::uint32_t kEvEventTag = 0x00000006;
inline constexpr std::uint32_t kEvSCrtmVersion = 0x00000008;
inline constexpr std::uint32_t kEvCompactHash = 0x0000000C;
inline constexpr std::uint32_t kEvIpl = 0x0000000D;
inline constexpr std::uint32_t kEvEfiVariableDriverConfig = 0x80000001;
inline constexpr std::uint32_t kEvEfiVariableBoot = 0x80000002;
inline constexpr std::uint32_t kEvEfiBootServicesApplication = 0x80000003;
inline constexpr std::uint32_t kEvEfiBootServicesDriver = 0x80000004;
inline constexpr std::uint32_t kEvEfiRuntimeServicesDriver = 0x80000005;
inline constexpr std::uint32_t kEvEfiGptEvent = 0x80000006;
inline constexpr std::uint32_t kEvEfiAction = 0x80000007;
inline constexpr std::uint32_t kEvEfiVariableBoot2 = 0x8000000C;
inline constexpr std::uint32_t kEvEfiVariableAuthority = 0x800000E0;

// "EV_SEPARATOR"; "0x00008401" for one without a name here.
std::string event_type_name(std::uint32_t type);

struct EventDigest {
  std::uint16_t algorithm = 0;
  Bytes digest;
  bool operator==(const EventDigest&) const = default;
};

struct LogEvent {
  std::size_t offset = 0;            // of the record in the log
  std::uint32_t pcr = 0;             // 0-23; 0xFFFFFFFF with EV_NO_ACTION only
  std::uint32_t type = 0;            // any: unknown ones extend a PCR like all others
  std::vector<EventDigest> digests;  // one per bank, each bank at most once
  Bytes data;
  bool operator==(const LogEvent&) const = default;
};

// The event's digest of this bank; null when it has none. Borrowed.
const EventDigest* digest_of(const LogEvent& event, std::uint16_t bank);

// The first record of a crypto-agile log: which banks follow and how long their digests are.
struct SpecId {
  std::uint32_t pcr = 0;  // where the record is filed; a CC event log (CCEL) numbers registers from 1
  std::uint32_t platform_class = 0;
  std::uint8_t version_minor = 0;
  std::uint8_t version_major = 0;
  std::uint8_t errata = 0;
  std::uint8_t uintn_size = 0;  // 1: 32 bit, 2: 64 bit
  struct Algorithm {
    std::uint16_t id = 0;
    std::uint16_t digest_size = 0;
    bool operator==(const Algorithm&) const = default;
  };
  std::vector<Algorithm> algorithms;
  Bytes vendor_info;
  bool operator==(const SpecId&) const = default;
};

struct EventLog {
  std::optional<SpecId> spec_id;  // absent: a legacy log, SHA-1 alone, useless for a SHA-256 quote
  std::vector<LogEvent> events;   // without the Spec ID record
  // What follows the last event up to the end of a table that firmware hands over whole (CCEL).
  std::uint8_t padding_byte = 0;
  std::size_t padding_size = 0;
  bool operator==(const EventLog&) const = default;
};

// At most kMaxEventLog bytes and at least one record. Errors name event, field and offset. After an
// event either another one follows, or the end, or padding: at least 12 bytes, all 0x00 or all 0xFF.
Result<EventLog> parse_event_log(ByteView log);
// The inverse, for tests. `offset` of the events is not looked at.
Bytes serialize_event_log(const EventLog& log);

// UEFI_VARIABLE_DATA, the data of the EV_EFI_VARIABLE_* events.
struct UefiVariable {
  std::string guid;  // "8be4df61-93ca-11d2-aa0d-00e098032b8c"
  std::string name;  // ASCII; another character is '?'
  Bytes data;
};
// Bytes after the variable's data are tolerated: older shims log one too many.
Result<UefiVariable> parse_uefi_variable(ByteView event_data);

}  // namespace nodeproof::attest
