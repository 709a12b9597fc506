#include "tests/emulator/firmware.hpp"

#include "base/file.hpp"
#include "tests/support/forge_event_log.hpp"

namespace nodeproof::emulator {
namespace {

namespace fs = std::filesystem;

// As efivarfs shows it: attributes (boot service and runtime access), then the value.
void write_efi_flag(const fs::path& folder, const std::string& name, bool value) {
  write_file(folder / (name + "-8be4df61-93ca-11d2-aa0d-00e098032b8c"),
             ByteArray<5>{6, 0, 0, 0, static_cast<std::uint8_t>(value ? 1 : 0)});
}

}  // namespace

Bytes measure_boot(TpmCommands& tpm, const std::string& vm_id, const BootOptions& options) {
  forge::EventLogOptions story;
  story.vm_id = vm_id;
  story.secure_boot = options.secure_boot;
  Bytes told = forge::make_event_log(story).log;
  if (options.tampered) story.kernel = "with a back door";
  for (const forge::PcrExtend& extend : forge::make_event_log(story).extends)
    tpm.extend_pcr(extend.pcr, extend.digest);
  return told;
}

void show_boot(const fs::path& sys, ByteView log, const BootOptions& options) {
  fs::remove_all(sys);
  const fs::path security = sys / "kernel/security";
  fs::create_directories(security);
  write_file(security / "lockdown", as_bytes(options.secure_boot ? "none [integrity] confidentiality\n"
                                                                 : "[none] integrity confidentiality\n"));
  if (options.with_log) {
    fs::create_directory(security / "tpm0");
    write_file(security / "tpm0/binary_bios_measurements", log);
  }
  const fs::path efivars = sys / "firmware/efi/efivars";
  fs::create_directories(efivars);
  write_efi_flag(efivars, "SecureBoot", options.secure_boot);
  write_efi_flag(efivars, "SetupMode", false);
}

}  // namespace nodeproof::emulator
