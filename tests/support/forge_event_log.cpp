#include "tests/support/forge_event_log.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "base/or_throw.hpp"

namespace nodeproof::forge {
namespace {

using attest::EventLog;

// PC Client Platform Firmware Profile 1.05, table 27; those that attest/event_log.hpp has no name for.
constexpr std::uint32_t kEvSCrtmVersion = 0x00000008;
constexpr std::uint32_t kEvCompactHash = 0x0000000C;
constexpr std::uint32_t kEvIpl = 0x0000000D;
constexpr std::uint32_t kEvEfiBootServicesApplication = 0x80000003;
constexpr std::uint32_t kEvEfiGptEvent = 0x80000006;
constexpr std::uint32_t kEvEfiAction = 0x80000007;
constexpr std::uint32_t kEvEfiPlatformFirmwareBlob = 0x80000008;

// UEFI 2.10, 3.3 and 32.4.1; shim's own.
constexpr std::string_view kGlobalVariable = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
constexpr std::string_view kImageSecurityDatabase = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
constexpr std::string_view kShimLock = "605dab50-e046-4300-abb6-3dd810dd8b23";
constexpr std::string_view kCertX509 = "a5c059a1-94e4-4aa7-87b5-ab155c2bf072";
constexpr std::string_view kCertSha256 = "c1c41626-504c-4092-aca9-41f936934328";
constexpr std::string_view kMicrosoft = "77fa9abd-0359-4d32-bd60-28f4e78f784b";  // owner of signatures

void append_le(Bytes& to, std::uint64_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(value >> (8U * i) & 0xffU));
}

// EFI_GUID: three little-endian numbers, then eight bytes in order (UEFI 2.10, appendix A).
void append_guid(Bytes& to, std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), [](char c) { return c != '-'; });
  const auto ordered = from_hex(digits, "guid");
  if (!ordered || ordered->size() != 16) throw std::runtime_error(std::string(text) + " is no GUID");
  for (const std::size_t index : {3U, 2U, 1U, 0U, 5U, 4U, 7U, 6U}) to.push_back((*ordered)[index]);
  append(to, ByteView(*ordered).last(8));
}

void append_utf16(Bytes& to, std::string_view ascii) {
  for (const char c : ascii) append_le(to, static_cast<unsigned char>(c), 2);
}

// UEFI_VARIABLE_DATA (PC Client Platform Firmware Profile 1.05, 10.2.6).
Bytes variable(std::string_view guid, std::string_view name, ByteView data) {
  Bytes out;
  append_guid(out, guid);
  append_le(out, name.size(), 8);
  append_le(out, data.size(), 8);
  append_utf16(out, name);
  append(out, data);
  return out;
}

// EFI_SIGNATURE_DATA (UEFI 2.10, 32.4.1): the owner, then a certificate or a digest.
Bytes signature_data(ByteView content) {
  Bytes out;
  append_guid(out, kMicrosoft);
  append(out, content);
  return out;
}

// EFI_SIGNATURE_LIST of one signature.
Bytes signature_list(std::string_view type, ByteView content) {
  constexpr std::size_t kListHeader = 28;
  const Bytes signature = signature_data(content);
  Bytes out;
  append_guid(out, type);
  append_le(out, kListHeader + signature.size(), 4);
  append_le(out, 0, 4);
  append_le(out, signature.size(), 4);
  append(out, signature);
  return out;
}

// Stands for the DER of a certificate: nobody reads it, and it has a like size.
Bytes certificate(std::string_view subject) {
  Bytes out = to_bytes(as_bytes(subject));
  out.resize(1200, 0x30);
  return out;
}

// UEFI_IMAGE_LOAD_EVENT (PC Client Platform Firmware Profile 1.05, 10.2.3) with a path on a disk: a media
// file path node and the end of the device path (UEFI 2.10, 10.3.5.4).
Bytes image_load_event(std::string_view path, std::uint64_t address) {
  Bytes device_path{4, 4};
  append_le(device_path, 4 + 2 * (path.size() + 1), 2);
  append_utf16(device_path, path);
  append_le(device_path, 0, 2);
  append(device_path, ByteArray<4>{0x7f, 0xff, 4, 0});

  Bytes out;
  append_le(out, address, 8);
  append_le(out, 0x100000, 8);
  append_le(out, 0, 8);
  append_le(out, device_path.size(), 8);
  append(out, device_path);
  return out;
}

// EFI_PARTITION_TABLE_HEADER and no partitions: enough of UEFI_GPT_DATA for an event over its data.
Bytes gpt() {
  Bytes out = to_bytes(as_bytes("EFI PART"));
  out.resize(92);
  append_le(out, 0, 8);
  return out;
}

std::string upper_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

class Boot {
 public:
  explicit Boot(const EventLogOptions& options) : options_(options) {
    attest::SpecId& spec_id = log_.spec_id.emplace();
    spec_id.version_major = 2;
    spec_id.uintn_size = 2;
    spec_id.algorithms = {{attest::kTpmAlgSha256, 32}};
  }

  EventLog run() {
    firmware();
    for (std::uint32_t pcr = 0; pcr <= 7; ++pcr) event(pcr, attest::kEvSeparator, ByteArray<4>{});
    event(5, kEvEfiGptEvent, gpt());
    shim();
    grub();
    kernel();
    return std::move(log_);
  }

 private:
  void firmware() {
    Bytes version;
    append_utf16(version, "Hyper-V UEFI Release v4.1, emulated");
    event(0, kEvSCrtmVersion, version);
    Bytes blob;
    append_le(blob, 0xff800000, 8);
    append_le(blob, 0x00600000, 8);
    event(0, kEvEfiPlatformFirmwareBlob, blob, "content of the firmware");
    secure_boot_policy();
    event(1, attest::kEvEfiVariableBoot2, variable(kGlobalVariable, "BootOrder", ByteArray<2>{}));
    event(6, kEvCompactHash, as_bytes("UUID: " + upper_case(options_.vm_id)));
    if (options_.with_architecture_event)
      event(6, kEvCompactHash, as_bytes(R"({"MachineArchitecture": "X64"})"));
    event(4, kEvEfiAction, as_bytes("Calling EFI Application from Boot Option"));
  }

  // azure-evidence 8.5. The keys stay enrolled when Secure Boot is off.
  void secure_boot_policy() {
    const ByteArray<1> enabled{static_cast<std::uint8_t>(options_.secure_boot ? 1 : 0)};
    const auto config = [this](std::string_view guid, std::string_view name, ByteView data) {
      event(7, attest::kEvEfiVariableDriverConfig, variable(guid, name, data));
    };
    config(kGlobalVariable, "SecureBoot", enabled);
    config(kGlobalVariable, "PK", signature_list(kCertX509, certificate("platform key")));
    config(kGlobalVariable, "KEK", signature_list(kCertX509, certificate("key exchange key")));
    config(kImageSecurityDatabase, "db", signature_list(kCertX509, certificate(kUefiCa)));
    config(kImageSecurityDatabase, "dbx", signature_list(kCertSha256, attest::sha256(as_bytes("revoked"))));
  }

  // Measured by firmware: the key in db that the first image was verified with, and the image.
  void shim() {
    if (options_.secure_boot) authority(kImageSecurityDatabase, "db", signature_data(certificate(kUefiCa)));
    application("\\EFI\\BOOT\\BOOTX64.EFI", 0x3dd5a000, "shim");
    authority(kShimLock, "SbatLevel", as_bytes("sbat,1,2023012900\nshim,2\ngrub,3\n"));
    event(14, kEvIpl, as_bytes(std::string_view("MokList", 8)), "the MOK list");
  }

  // Measured by shim.
  void grub() {
    if (options_.secure_boot) authority(kShimLock, "Shim", certificate("distributor's key"));
    application("\\EFI\\BOOT\\grubx64.efi", 0x3da00000, "GRUB");
    command("search.fs_uuid 8f3c1f0e-0d9e-4a4e-9d3c-52b3f6a1d7aa root");
    file("(hd0,gpt1)/boot/grub/grub.cfg", "GRUB's configuration");
  }

  // Measured by GRUB, and by shim which GRUB asks to verify the kernel; the end by firmware.
  void kernel() {
    const std::string path = "/boot/vmlinuz-6.8.0-1021-azure";
    command("linux " + path + " " + options_.command_line);
    file(path, "file of a kernel " + options_.kernel);
    application("\\boot\\vmlinuz-6.8.0-1021-azure", 0x37e00000, "image of a kernel " + options_.kernel);
    line("kernel_cmdline: ", path + " " + options_.command_line);
    file("/boot/initrd.img-6.8.0-1021-azure", "initial RAM disk");
    event(5, kEvEfiAction, as_bytes("Exit Boot Services Invocation"));
    event(5, kEvEfiAction, as_bytes("Exit Boot Services Returned with Success"));
  }

  void authority(std::string_view guid, std::string_view name, ByteView data) {
    event(7, attest::kEvEfiVariableAuthority, variable(guid, name, data));
  }
  void application(std::string_view path, std::uint64_t address, std::string_view image) {
    event(4, kEvEfiBootServicesApplication, image_load_event(path, address), image);
  }
  // GRUB digests a line without the prefix and the NUL that it logs with it.
  void line(std::string_view prefix, const std::string& text) {
    event(8, kEvIpl, as_bytes(std::string(prefix) + text + '\0'), text);
  }
  void command(const std::string& text) { line("grub_cmd: ", text); }
  void file(const std::string& path, std::string_view content) {
    event(9, kEvIpl, as_bytes(path + '\0'), content);
  }

  // The digest is that of the data, or of what stands for the thing measured.
  void event(std::uint32_t pcr, std::uint32_t type, ByteView data) { event(pcr, type, data, as_text(data)); }
  void event(std::uint32_t pcr, std::uint32_t type, ByteView data, std::string_view measured) {
    const Sha256Digest digest = attest::sha256(as_bytes(measured));
    log_.events.push_back({0, pcr, type, {{attest::kTpmAlgSha256, to_bytes(digest)}}, to_bytes(data)});
  }

  static constexpr std::string_view kUefiCa = "UEFI CA";

  const EventLogOptions& options_;
  EventLog log_;
};

std::vector<PcrExtend> extends_of(const EventLog& log) {
  std::vector<PcrExtend> out;
  for (const attest::LogEvent& event : log.events) {
    if (event.type == attest::kEvNoAction) continue;
    for (const attest::EventDigest& digest : event.digests) {
      if (digest.algorithm != attest::kTpmAlgSha256) continue;
      out.push_back({event.pcr, or_throw(to_array<32>(digest.digest, "digest"))});
    }
  }
  return out;
}

}  // namespace

attest::PcrValues extended_pcrs(const std::vector<PcrExtend>& extends) {
  attest::PcrValues pcrs;
  for (unsigned pcr = 0; pcr < attest::kPcrCount; ++pcr) {
    pcrs[pcr].fill(pcr >= 17 && pcr <= 22 ? 0xff : 0);
  }
  for (const PcrExtend& extend : extends) {
    Sha256Digest& value = pcrs[extend.pcr];
    Bytes both = to_bytes(value);
    append(both, extend.digest);
    value = attest::sha256(both);
  }
  return pcrs;
}

ForgedEventLog make_event_log(const EventLogOptions& options) {
  EventLog log = Boot(options).run();
  if (options.edit) options.edit(log);
  ForgedEventLog out;
  out.log = attest::serialize_event_log(log);
  out.extends = extends_of(log);
  out.pcrs = extended_pcrs(out.extends);
  return out;
}

}  // namespace nodeproof::forge
