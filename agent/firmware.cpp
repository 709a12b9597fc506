#include "agent/firmware.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <system_error>

#include "agent/collection_state.hpp"
#include "attest/event_log.hpp"
#include "attest/gzip.hpp"
#include "base/file.hpp"

namespace nodeproof::agent {
namespace {

namespace fs = std::filesystem;

// UEFI 2.10, 3.3: EFI_GLOBAL_VARIABLE.
constexpr const char* kSecureBoot = "SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
constexpr const char* kSetupMode = "SetupMode-8be4df61-93ca-11d2-aa0d-00e098032b8c";
constexpr std::size_t kAttributesSize = 4;
constexpr std::size_t kHintLimit = 4096;
constexpr std::string_view kMountRemedy =
    "mount securityfs on the node (mount -t securityfs securityfs /sys/kernel/security) and let the agent's "
    "pod mount the node's /sys, as the chart does; then restart the agent";

// securityfs is never empty, and an empty folder where it is not mounted. The log's own folder ("tpm0") is
// there only with a log.
bool is_securityfs_mounted(const fs::path& log) {
  std::error_code error;
  const bool empty = fs::is_empty(log.parent_path().parent_path(), error);
  return !error && !empty;
}

wire::CollectionState no_log(const std::string& what) {
  return collection_state(
      kNoLog, what,
      "firmware of Trusted Launch and confidential VMs hands its log to the kernel; reboot the node, and if "
      "there is none then, use a current node image");
}

wire::CollectionState log_unreadable(const std::string& what, std::string_view remedy) {
  return collection_state(kLogUnreadable, what, remedy);
}

wire::CollectionState too_large(const std::string& what) {
  return collection_state(
      kLogTooLarge, what,
      "firmware on Azure reserves 128 KiB for it, so this is no log of Azure's: check `eventLogFile`, and "
      "reboot the node");
}

wire::CollectionState absent_log(const fs::path& file) {
  if (is_securityfs_mounted(file))
    return no_log(file.string() + " is not there: the kernel got no event log");
  return log_unreadable(file.string() + " is not there, and securityfs is not mounted", kMountRemedy);
}

// A hint that cannot be had is left out.
template <typename T, typename Parse>
std::optional<T> hint(const fs::path& file, Parse parse) {
  try {
    const auto content = read_file_if_exists(file, kHintLimit);
    if (!content) return std::nullopt;
    Result<T> value = parse(*content);
    if (value) return *std::move(value);
    spdlog::warn("an EFI fact is left out: {}", to_string(value.error()));
  } catch (const std::exception& e) {  // of read_file
    spdlog::warn("an EFI fact is left out: {}", e.what());
  }
  return std::nullopt;
}

}  // namespace

Result<bool> parse_efi_flag(ByteView file, std::string_view where) {
  if (file.size() != kAttributesSize + 1) {
    return Error{Errc::kBadValue, std::string(where),
                 "is " + std::to_string(file.size()) + " bytes long, must be 5: attributes and one byte"};
  }
  const std::uint8_t value = file.back();
  if (value > 1) {
    return Error{Errc::kBadValue, std::string(where),
                 "says " + std::to_string(value) + " at byte 4, must be 0 or 1"};
  }
  return value == 1;
}

Result<std::string> parse_lockdown(std::string_view file, std::string_view where) {
  constexpr std::array<std::string_view, 3> kLevels{"none", "integrity", "confidentiality"};
  const std::size_t open = file.find('[');
  const std::size_t close = file.find(']');
  const bool bracketed = open < close && close != std::string_view::npos;
  if (!bracketed || file.rfind('[') != open || file.rfind(']') != close) {
    return Error{Errc::kBadValue, std::string(where), "has no one word in brackets"};
  }
  const std::string_view word = file.substr(open + 1, close - open - 1);
  if (std::find(kLevels.begin(), kLevels.end(), word) == kLevels.end()) {
    return Error{Errc::kBadValue, std::string(where),
                 "has an unknown word in brackets at byte " + std::to_string(open + 1)};
  }
  return std::string(word);
}

BootFacts KernelFirmware::read() {
  BootFacts facts;
  read_event_log(facts);
  read_efi(facts.efi);
  return facts;
}

void KernelFirmware::read_event_log(BootFacts& facts) const {
  const fs::path& file = paths_.event_log;
  try {
    auto log = read_file_if_exists(file, attest::kMaxEventLog);
    if (!log) {
      facts.no_event_log = absent_log(file);
    } else if (log->empty()) {
      facts.no_event_log = no_log(file.string() + " is empty");
    } else if (const std::size_t packed = attest::gzip(*log).size(); packed > wire::kMaxPackedEventLog) {
      facts.no_event_log = too_large(file.string() + " is " + std::to_string(packed) +
                                     " bytes long when packed, NodeEvidence takes " +
                                     std::to_string(wire::kMaxPackedEventLog));
    } else {
      facts.event_log = std::move(*log);
    }
  } catch (const std::length_error& e) {
    facts.no_event_log = too_large(e.what());
  } catch (const std::system_error& e) {
    facts.no_event_log = log_unreadable(
        e.what(), "the file is root's: run the agent as root, as the chart does, and check `eventLogFile`");
  }
}

void KernelFirmware::read_efi(wire::EfiFacts& facts) const {
  const auto flag = [this](const char* name) {
    const fs::path file = paths_.efivars / name;
    return hint<bool>(file, [&](ByteView content) { return parse_efi_flag(content, file.string()); });
  };
  facts.secure_boot = flag(kSecureBoot);
  facts.setup_mode = flag(kSetupMode);
  const auto lockdown = hint<std::string>(paths_.lockdown, [this](ByteView content) {
    return parse_lockdown(as_text(content), paths_.lockdown.string());
  });
  facts.lockdown = lockdown.value_or(std::string());
}

}  // namespace nodeproof::agent
