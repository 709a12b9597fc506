// What firmware left behind about this boot, as the running kernel shows it: the event log, which the
// verifier holds against the quoted PCRs, and EFI facts, which prove nothing (azure-evidence 8.1, 8.6).
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "wire/node_evidence.hpp"

namespace nodeproof::agent {

// The words of NodeEvidence's noEventLog.code (crds/nodeevidences.yaml).
inline constexpr std::string_view kNoLog = "no-log";
inline constexpr std::string_view kLogUnreadable = "log-unreadable";
inline constexpr std::string_view kLogTooLarge = "log-too-large";

struct BootFacts {
  Bytes event_log;                                    // empty when there is none
  std::optional<wire::CollectionState> no_event_log;  // why, with a remedy
  wire::EfiFacts efi;                                 // what cannot be read is absent
};

// An interface, so that tests fake it.
class Firmware {
 public:
  virtual ~Firmware() = default;
  // Never throws for what the kernel shows or does not show.
  virtual BootFacts read() = 0;
};

struct KernelPaths {
  std::filesystem::path event_log;  // in securityfs
  std::filesystem::path efivars;    // folder of efivarfs
  std::filesystem::path lockdown;   // in securityfs
};

class KernelFirmware final : public Firmware {
 public:
  explicit KernelFirmware(KernelPaths paths) : paths_(std::move(paths)) {}
  BootFacts read() override;

 private:
  void read_event_log(BootFacts& facts) const;
  void read_efi(wire::EfiFacts& facts) const;

  KernelPaths paths_;
};

// A boolean EFI variable as efivarfs gives it: attributes u32, then one byte, 0 or 1.
Result<bool> parse_efi_flag(ByteView file, std::string_view where);
// The word in brackets of "none [integrity] confidentiality".
Result<std::string> parse_lockdown(std::string_view file, std::string_view where);

}  // namespace nodeproof::agent
