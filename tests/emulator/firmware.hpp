// A boot: what firmware, shim and GRUB measure into the TPM of a VM, and what its kernel then shows of it.
#pragma once

#include <filesystem>
#include <string>

#include "tests/emulator/tpm_commands.hpp"

namespace nodeproof::emulator {

struct BootOptions {
  bool secure_boot = true;
  bool tampered = false;  // the log tells of the usual kernel, another one was started
  bool with_log = true;
};

// Extends the PCRs of a TPM after a reset; gives the event log that firmware hands over.
Bytes measure_boot(TpmCommands& tpm, const std::string& vm_id, const BootOptions& options);

// Makes `sys` anew as that part of /sys that tells of the boot: the log in securityfs, lockdown, and the EFI
// variables SecureBoot and SetupMode.
void show_boot(const std::filesystem::path& sys, ByteView log, const BootOptions& options);

}  // namespace nodeproof::emulator
