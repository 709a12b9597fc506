#include "attest/event_log.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "attest/event_reader.hpp"
#include "base/byte_reader.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kSha1Size = 20;

struct HashInfo {
  std::uint16_t algorithm;
  std::string_view name;
  std::size_t size;
};
// TCG Algorithm Registry 1.32, table 3.
constexpr std::array kHashes{
    HashInfo{kTpmAlgSha1, "sha1", 20},
    HashInfo{kTpmAlgSha256, "sha256", 32},
    HashInfo{kTpmAlgSha384, "sha384", 48},
    HashInfo{kTpmAlgSha512, "sha512", 64},
    HashInfo{kTpmAlgSm3, "sm3-256", 32},
    HashInfo{kTpmAlgSha3With256, "sha3-256", 32},
    HashInfo{kTpmAlgSha3With384, "sha3-384", 48},
    HashInfo{kTpmAlgSha3With512, "sha3-512", 64},
};

struct TypeName {
  std::uint32_t type;
  std::string_view name;
};
// PC Client Platform Firmware Profile 1.05, table 27; 1.06 for SPDM.
constexpr std::array kTypes{
    TypeName{0x00000000, "EV_PREBOOT_CERT"},
    TypeName{0x00000001, "EV_POST_CODE"},
    TypeName{kEvNoAction, "EV_NO_ACTION"},
    TypeName{kEvSeparator, "EV_SEPARATOR"},
    TypeName{kEvAction, "EV_ACTION"},
    TypeName{kEvEventTag, "EV_EVENT_TAG"},
    TypeName{0x00000007, "EV_S_CRTM_CONTENTS"},
    TypeName{kEvSCrtmVersion, "EV_S_CRTM_VERSION"},
    TypeName{0x00000009, "EV_CPU_MICROCODE"},
    TypeName{0x0000000A, "EV_PLATFORM_CONFIG_FLAGS"},
    TypeName{0x0000000B, "EV_TABLE_OF_DEVICES"},
    TypeName{kEvCompactHash, "EV_COMPACT_HASH"},
    TypeName{kEvIpl, "EV_IPL"},
    TypeName{0x0000000E, "EV_IPL_PARTITION_DATA"},
    TypeName{0x0000000F, "EV_NONHOST_CODE"},
    TypeName{0x00000010, "EV_NONHOST_CONFIG"},
    TypeName{0x00000011, "EV_NONHOST_INFO"},
    TypeName{0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    TypeName{kEvEfiVariableDriverConfig, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    TypeName{kEvEfiVariableBoot, "EV_EFI_VARIABLE_BOOT"},
    TypeName{kEvEfiBootServicesApplication, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    TypeName{kEvEfiBootServicesDriver, "EV_EFI_BOOT_SERVICES_DRIVER"},
    TypeName{kEvEfiRuntimeServicesDriver, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    TypeName{kEvEfiGptEvent, "EV_EFI_GPT_EVENT"},
    TypeName{kEvEfiAction, "EV_EFI_ACTION"},
    TypeName{0x80000008, "EV_EFI_PLATFORM_FIRMWARE_BLOB"},
    TypeName{0x80000009, "EV_EFI_HANDOFF_TABLES"},
    TypeName{0x8000000A, "EV_EFI_PLATFORM_FIRMWARE_BLOB2"},
    TypeName{0x8000000B, "EV_EFI_HANDOFF_TABLES2"},
    TypeName{kEvEfiVariableBoot2, "EV_EFI_VARIABLE_BOOT2"},
    TypeName{0x80000010, "EV_EFI_HCRTM_EVENT"},
    TypeName{kEvEfiVariableAuthority, "EV_EFI_VARIABLE_AUTHORITY"},
    TypeName{0x800000E1, "EV_EFI_SPDM_FIRMWARE_BLOB"},
    TypeName{0x800000E2, "EV_EFI_SPDM_FIRMWARE_CONFIG"},
};

const HashInfo* hash_info(std::uint16_t algorithm) {
  const auto found = std::find_if(kHashes.begin(), kHashes.end(),
                                  [algorithm](const HashInfo& info) { return info.algorithm == algorithm; });
  return found == kHashes.end() ? nullptr : &*found;
}

std::string hex(const char* format, unsigned value) {
  char text[32];
  (void)std::snprintf(text, sizeof text, format, value);
  return text;
}

LogEvent to_event(const EventView& view) {
  LogEvent out;
  out.offset = view.offset;
  out.pcr = view.pcr;
  out.type = view.type;
  out.digests.reserve(view.digest_count);
  for (const DigestView& digest : view.digests())
    out.digests.push_back({digest.algorithm, to_bytes(digest.digest)});
  out.data = to_bytes(view.data);
  return out;
}

void append_le(Bytes& to, std::uint32_t value, unsigned size) {
  for (unsigned i = 0; i < size; ++i) to.push_back(static_cast<std::uint8_t>(value >> (8U * i) & 0xFFU));
}

void append_data(Bytes& to, ByteView data) {
  append_le(to, static_cast<std::uint32_t>(data.size()), 4);
  append(to, data);
}

Bytes serialize_spec_id(const SpecId& spec_id) {
  Bytes event = to_bytes(as_bytes(kSpecIdSignature));
  append_le(event, spec_id.platform_class, 4);
  append(event,
         ByteArray<4>{spec_id.version_minor, spec_id.version_major, spec_id.errata, spec_id.uintn_size});
  append_le(event, static_cast<std::uint32_t>(spec_id.algorithms.size()), 4);
  for (const SpecId::Algorithm& algorithm : spec_id.algorithms) {
    append_le(event, algorithm.id, 2);
    append_le(event, algorithm.digest_size, 2);
  }
  append_le(event, static_cast<std::uint32_t>(spec_id.vendor_info.size()), 1);
  append(event, spec_id.vendor_info);

  Bytes out;
  append_le(out, spec_id.pcr, 4);
  append_le(out, kEvNoAction, 4);
  out.resize(out.size() + kSha1Size);
  append_data(out, event);
  return out;
}

// EFI_GUID: three little-endian numbers, then eight bytes in order (UEFI 2.10, appendix A).
std::string guid_text(ByteView guid) {
  constexpr std::array<std::size_t, 16> kOrder{3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
  Bytes ordered;
  for (const std::size_t index : kOrder) ordered.push_back(guid[index]);
  const std::string hex_digits = to_hex(ordered);
  std::string text;
  for (std::size_t i = 0; i < hex_digits.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text.push_back('-');
    text.push_back(hex_digits[i]);
  }
  return text;
}

}  // namespace

std::string hash_name(std::uint16_t algorithm) {
  const HashInfo* info = hash_info(algorithm);
  return info != nullptr ? std::string(info->name) : hex("alg-0x%04x", algorithm);
}

std::optional<std::size_t> hash_size(std::uint16_t algorithm) {
  const HashInfo* info = hash_info(algorithm);
  return info != nullptr ? std::optional(info->size) : std::nullopt;
}

const EventDigest* digest_of(const LogEvent& event, std::uint16_t bank) {
  const auto found = std::find_if(event.digests.begin(), event.digests.end(),
                                  [bank](const EventDigest& digest) { return digest.algorithm == bank; });
  return found == event.digests.end() ? nullptr : &*found;
}

std::string event_type_name(std::uint32_t type) {
  const auto found =
      std::find_if(kTypes.begin(), kTypes.end(), [type](const TypeName& name) { return name.type == type; });
  return found != kTypes.end() ? std::string(found->name) : hex("0x%08x", type);
}

Result<EventLog> parse_event_log(ByteView log) {
  NODEPROOF_TRY(reader, EventReader::open(log));
  EventLog out;
  EventView event;
  for (;;) {
    NODEPROOF_TRY(more, reader.next(event));
    if (!more) break;
    out.events.push_back(to_event(event));
  }
  out.spec_id = reader.spec_id();
  out.padding_size = reader.rest().size();
  if (out.padding_size > 0) out.padding_byte = reader.rest().front();
  return out;
}

Bytes serialize_event_log(const EventLog& log) {
  Bytes out;
  if (log.spec_id) out = serialize_spec_id(*log.spec_id);
  for (const LogEvent& event : log.events) {
    append_le(out, event.pcr, 4);
    append_le(out, event.type, 4);
    if (log.spec_id) append_le(out, static_cast<std::uint32_t>(event.digests.size()), 4);
    for (const EventDigest& digest : event.digests) {
      if (log.spec_id) append_le(out, digest.algorithm, 2);
      append(out, digest.digest);
    }
    append_data(out, event.data);
  }
  out.resize(out.size() + log.padding_size, log.padding_byte);
  return out;
}

Result<UefiVariable> parse_uefi_variable(ByteView event_data) {
  ByteReader reader(event_data, "uefi_variable");
  UefiVariable out;
  NODEPROOF_TRY(guid, reader.take(16, "VariableName"));
  out.guid = guid_text(guid);
  NODEPROOF_TRY(name_length, reader.u64le("UnicodeNameLength"));
  NODEPROOF_TRY(data_length, reader.u64le("VariableDataLength"));
  if (name_length > event_data.size() || data_length > event_data.size()) {
    return reader.error(Errc::kTruncated, "UnicodeNameLength", 16, "name or data are longer than the event");
  }
  NODEPROOF_TRY(name, reader.take(2 * name_length, "UnicodeName"));
  for (std::size_t i = 0; i < name.size(); i += 2) {
    const bool ascii = name[i + 1] == 0 && name[i] >= 0x20 && name[i] < 0x7F;
    out.name.push_back(ascii ? static_cast<char>(name[i]) : '?');
  }
  NODEPROOF_TRY(data, reader.take(data_length, "VariableData"));
  out.data = to_bytes(data);
  return out;
}

}  // namespace nodeproof::attest
