// Event logs put together event by event, for tests that bend one thing: every digest is that of the event's
// data, in the banks SHA-256 and SHA-384. forge_event_log.hpp forges whole boots of an Azure VM.
#pragma once

#include <string>

#include "attest/crypto.hpp"
#include "attest/event_log.hpp"

namespace nodeproof::forge {

inline std::vector<attest::EventDigest> digests_of(ByteView data) {
  return {{attest::kTpmAlgSha256, to_bytes(attest::sha256(data))},
          {attest::kTpmAlgSha384, to_bytes(attest::sha384(data))}};
}

inline attest::LogEvent make_event(std::uint32_t pcr, std::uint32_t type, ByteView data) {
  return {.pcr = pcr, .type = type, .digests = digests_of(data), .data = to_bytes(data)};
}
inline attest::LogEvent make_event(std::uint32_t pcr, std::uint32_t type, std::string_view data) {
  return make_event(pcr, type, as_bytes(data));
}
inline attest::LogEvent make_separator(std::uint32_t pcr) {
  return make_event(pcr, attest::kEvSeparator, Bytes(4));
}

// What a PCR holds after these events, by the definition alone.
inline Bytes extended(Bytes pcr, const std::vector<std::string_view>& events) {
  for (const std::string_view event : events) {
    append(pcr, attest::sha256(as_bytes(event)));
    pcr = to_bytes(attest::sha256(pcr));
  }
  return pcr;
}

// EFI_GLOBAL_VARIABLE and EFI_IMAGE_SECURITY_DATABASE_GUID as a log has them, in hex.
inline constexpr std::string_view kGlobalVariable = "61dfe48bca93d211aa0d00e098032b8c";
inline constexpr std::string_view kImageSecurity = "cbb219d73a3d9645a3bcdad00e67656f";
inline constexpr std::string_view kShim = "50ab5d6046e00043abb63dd810dd8b23";

// UEFI_VARIABLE_DATA
inline Bytes make_uefi_variable(std::string_view guid, std::string_view name, ByteView data) {
  Bytes out = from_hex(guid, "guid").value();
  for (const std::size_t size : {name.size(), data.size()}) {
    for (unsigned i = 0; i < 8; ++i) out.push_back(static_cast<std::uint8_t>(size >> 8U * i));
  }
  for (const char c : name) append(out, ByteArray<2>{static_cast<std::uint8_t>(c), 0});
  append(out, data);
  return out;
}

inline attest::LogEvent make_variable(std::string_view guid, std::string_view name, ByteView data) {
  return make_event(7, attest::kEvEfiVariableDriverConfig, make_uefi_variable(guid, name, data));
}
inline attest::LogEvent make_authority(std::string_view guid, std::string_view name, ByteView data) {
  return make_event(7, attest::kEvEfiVariableAuthority, make_uefi_variable(guid, name, data));
}

// PCR 7 of a boot under Secure Boot: five variables, the separator, two authorities.
inline std::vector<attest::LogEvent> make_secure_boot_events() {
  const Bytes key(40, 0xA1);
  return {make_variable(kGlobalVariable, "SecureBoot", Bytes{1}),
          make_variable(kGlobalVariable, "PK", key),
          make_variable(kGlobalVariable, "KEK", key),
          make_variable(kImageSecurity, "db", key),
          make_variable(kImageSecurity, "dbx", {}),
          make_separator(7),
          make_authority(kImageSecurity, "db", key),
          make_authority(kShim, "SbatLevel", as_bytes("sbat,1"))};
}

inline attest::EventLog log_of(std::vector<attest::LogEvent> events) {
  attest::EventLog out;
  out.spec_id = attest::SpecId{.version_major = 2,
                               .uintn_size = 2,
                               .algorithms = {{attest::kTpmAlgSha256, 32}, {attest::kTpmAlgSha384, 48}}};
  out.events = std::move(events);
  return out;
}

// A whole boot: what firmware, shim and GRUB measure, in few events.
inline attest::EventLog make_boot_log(std::string_view vm_id = "12345678-ABCD-4321-8765-0123456789AB") {
  std::vector<attest::LogEvent> events{make_event(0, attest::kEvSCrtmVersion, "v1")};
  for (attest::LogEvent& event : make_secure_boot_events()) events.push_back(std::move(event));
  events.push_back(make_event(6, attest::kEvCompactHash, "UUID: " + std::string(vm_id)));
  for (const std::uint32_t pcr : {0U, 1U, 2U, 3U, 4U, 5U, 6U}) events.push_back(make_separator(pcr));
  events.push_back(make_event(8, attest::kEvIpl, "grub_cmd: linux /vmlinuz"));
  events.back().digests = digests_of(as_bytes("linux /vmlinuz"));
  events.push_back(make_event(8, attest::kEvIpl, "kernel_cmdline: /vmlinuz quiet"));
  events.back().digests = digests_of(as_bytes("/vmlinuz quiet"));
  events.push_back(make_event(9, attest::kEvIpl, "/vmlinuz"));
  events.back().digests = digests_of(as_bytes("the kernel's bytes"));
  return log_of(std::move(events));
}

}  // namespace nodeproof::forge
