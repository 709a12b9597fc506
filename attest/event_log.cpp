#include "attest/event_log.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/byte_reader.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kSha1Size = 20;
constexpr std::uint32_t kNoPcr = 0xFFFFFFFF;
constexpr std::uint32_t kLastPcr = 23;
constexpr std::size_t kMinPadding = 12;  // PCR 0, type 0, digest count 0: no event begins like that
constexpr std::size_t kMaxAlgorithms = 16;
constexpr std::size_t kMaxDigestSize = 128;
constexpr std::size_t kSpecIdSignatureSize = 16;
// "Spec ID Event03" and its NUL.
constexpr std::string_view kSpecIdSignature{"Spec ID Event03", kSpecIdSignatureSize};

struct HashInfo {
  std::uint16_t algorithm;
  std::string_view name;
  std::size_t size;
};
// TCG Algorithm Registry 1.32, table 3.
constexpr std::array kHashes{
    HashInfo{kTpmAlgSha1, "sha1", 20},     HashInfo{kTpmAlgSha256, "sha256", 32},
    HashInfo{kTpmAlgSha384, "sha384", 48}, HashInfo{kTpmAlgSha512, "sha512", 64},
    HashInfo{0x0012, "sm3-256", 32},       HashInfo{0x0027, "sha3-256", 32},
    HashInfo{0x0028, "sha3-384", 48},      HashInfo{0x0029, "sha3-512", 64},
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
    TypeName{0x00000005, "EV_ACTION"},
    TypeName{0x00000006, "EV_EVENT_TAG"},
    TypeName{0x00000007, "EV_S_CRTM_CONTENTS"},
    TypeName{0x00000008, "EV_S_CRTM_VERSION"},
    TypeName{0x00000009, "EV_CPU_MICROCODE"},
    TypeName{0x0000000A, "EV_PLATFORM_CONFIG_FLAGS"},
    TypeName{0x0000000B, "EV_TABLE_OF_DEVICES"},
    TypeName{0x0000000C, "EV_COMPACT_HASH"},
    TypeName{0x0000000D, "EV_IPL"},
    TypeName{0x0000000E, "EV_IPL_PARTITION_DATA"},
    TypeName{0x0000000F, "EV_NONHOST_CODE"},
    TypeName{0x00000010, "EV_NONHOST_CONFIG"},
    TypeName{0x00000011, "EV_NONHOST_INFO"},
    TypeName{0x00000012, "EV_OMIT_BOOT_DEVICE_EVENTS"},
    TypeName{kEvEfiVariableDriverConfig, "EV_EFI_VARIABLE_DRIVER_CONFIG"},
    TypeName{kEvEfiVariableBoot, "EV_EFI_VARIABLE_BOOT"},
    TypeName{0x80000003, "EV_EFI_BOOT_SERVICES_APPLICATION"},
    TypeName{0x80000004, "EV_EFI_BOOT_SERVICES_DRIVER"},
    TypeName{0x80000005, "EV_EFI_RUNTIME_SERVICES_DRIVER"},
    TypeName{0x80000006, "EV_EFI_GPT_EVENT"},
    TypeName{0x80000007, "EV_EFI_ACTION"},
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

bool is_padding(ByteView rest) {
  if (rest.size() < kMinPadding || (rest.front() != 0x00 && rest.front() != 0xFF)) return false;
  return std::all_of(rest.begin(), rest.end(), [&](std::uint8_t byte) { return byte == rest.front(); });
}

Result<std::vector<SpecId::Algorithm>> parse_algorithms(ByteReader& reader) {
  std::size_t start = reader.offset();
  NODEPROOF_TRY(count, reader.u32le("numberOfAlgorithms"));
  if (count == 0 || count > kMaxAlgorithms) {
    return reader.error(Errc::kBadValue, "numberOfAlgorithms", start,
                        "is " + std::to_string(count) + ", must be 1 to " + std::to_string(kMaxAlgorithms));
  }
  std::vector<SpecId::Algorithm> out;
  for (std::uint32_t i = 0; i < count; ++i) {
    start = reader.offset();
    NODEPROOF_TRY(id, reader.u16le("algorithmId"));
    NODEPROOF_TRY(size, reader.u16le("digestSize"));
    const bool again = std::any_of(out.begin(), out.end(),
                                   [id = id](const SpecId::Algorithm& known) { return known.id == id; });
    if (again) return reader.error(Errc::kDuplicate, "algorithmId", start, hash_name(id) + " appears twice");
    const auto known = hash_size(id);
    if (size == 0 || size > kMaxDigestSize || (known && size != *known)) {
      return reader.error(Errc::kBadValue, "digestSize", start + 2,
                          "is " + std::to_string(size) + " for " + hash_name(id));
    }
    out.push_back({id, size});
  }
  return out;
}

Result<SpecId> parse_spec_id(ByteView event) {
  ByteReader reader(event, "event_log.spec_id");
  SpecId out;
  NODEPROOF_CHECK(reader.take(kSpecIdSignatureSize, "signature"));
  NODEPROOF_TRY(platform_class, reader.u32le("platformClass"));
  NODEPROOF_TRY(minor, reader.u8("specVersionMinor"));
  NODEPROOF_TRY(major, reader.u8("specVersionMajor"));
  NODEPROOF_TRY(errata, reader.u8("specErrata"));
  NODEPROOF_TRY(uintn, reader.u8("uintnSize"));
  NODEPROOF_TRY(algorithms, parse_algorithms(reader));
  NODEPROOF_TRY(vendor_size, reader.u8("vendorInfoSize"));
  NODEPROOF_TRY(vendor, reader.take(vendor_size, "vendorInfo"));
  NODEPROOF_CHECK(reader.finish());
  out.platform_class = platform_class;
  out.version_minor = minor;
  out.version_major = major;
  out.errata = errata;
  out.uintn_size = uintn;
  out.algorithms = std::move(algorithms);
  out.vendor_info = to_bytes(vendor);
  return out;
}

class Parser {
 public:
  explicit Parser(ByteView log) : log_(log), reader_(log, "event_log") {}

  Result<EventLog> parse() {
    NODEPROOF_CHECK(first());
    while (reader_.remaining() > 0) {
      const ByteView rest = log_.subspan(reader_.offset());
      if (is_padding(rest)) {
        out_.padding_byte = rest.front();
        out_.padding_size = rest.size();
        break;
      }
      NODEPROOF_CHECK(next());
    }
    return std::move(out_);
  }

 private:
  // Always in the old format; a Spec ID event in it says that the others are not.
  Status first() {
    NODEPROOF_TRY(event, legacy());
    const bool agile = event.type == kEvNoAction && as_text(event.data).starts_with(kSpecIdSignature);
    if (!agile) {
      out_.events.push_back(std::move(event));
      return Ok{};
    }
    if (!all_zero(event.digests.front().digest))
      return reader_.error(Errc::kBadValue, "event[0].digest", 8,
                           "is not zero, as that of a Spec ID must be");
    NODEPROOF_TRY(spec_id, parse_spec_id(event.data));
    spec_id.pcr = event.pcr;
    out_.spec_id = std::move(spec_id);
    return Ok{};
  }

  Status next() {
    auto event = out_.spec_id ? agile() : legacy();
    if (!event) return std::move(event).error();
    out_.events.push_back(*std::move(event));
    return Ok{};
  }

  // TCG_PCClientPCREvent
  Result<LogEvent> legacy() {
    NODEPROOF_TRY(event, head());
    NODEPROOF_TRY(digest, reader_.take(kSha1Size, field("digest")));
    event.digests.push_back({kTpmAlgSha1, to_bytes(digest)});
    NODEPROOF_CHECK(data(event));
    return std::move(event);
  }

  // TCG_PCR_EVENT2
  Result<LogEvent> agile() {
    NODEPROOF_TRY(event, head());
    const std::size_t start = reader_.offset();
    NODEPROOF_TRY(count, reader_.u32le(field("digestCount")));
    if (count == 0 || count > out_.spec_id->algorithms.size()) {
      return reader_.error(Errc::kBadValue, field("digestCount"), start,
                           "is " + std::to_string(count) + ", the log declares " +
                               std::to_string(out_.spec_id->algorithms.size()) + " banks");
    }
    for (std::uint32_t i = 0; i < count; ++i) NODEPROOF_CHECK(digest(event));
    NODEPROOF_CHECK(data(event));
    return std::move(event);
  }

  Result<LogEvent> head() {
    LogEvent event;
    event.offset = reader_.offset();
    NODEPROOF_TRY(pcr, reader_.u32le(field("pcrIndex")));
    NODEPROOF_TRY(type, reader_.u32le(field("eventType")));
    if (pcr > kLastPcr && !(pcr == kNoPcr && type == kEvNoAction)) {
      return reader_.error(Errc::kBadValue, field("pcrIndex"), event.offset,
                           "is " + std::to_string(pcr) + ", must be 0 to 23");
    }
    event.pcr = pcr;
    event.type = type;
    return event;
  }

  Status digest(LogEvent& event) {
    const std::size_t start = reader_.offset();
    NODEPROOF_TRY(id, reader_.u16le(field("algorithmId")));
    const auto& known = out_.spec_id->algorithms;
    const auto declared = std::find_if(known.begin(), known.end(),
                                       [id = id](const SpecId::Algorithm& a) { return a.id == id; });
    if (declared == known.end()) {
      return reader_.error(Errc::kBadValue, field("algorithmId"), start,
                           hash_name(id) + " is not among the banks that the log declares");
    }
    const bool again = std::any_of(event.digests.begin(), event.digests.end(),
                                   [id = id](const EventDigest& d) { return d.algorithm == id; });
    if (again) {
      return reader_.error(Errc::kDuplicate, field("algorithmId"), start, hash_name(id) + " appears twice");
    }
    NODEPROOF_TRY(digest, reader_.take(declared->digest_size, field("digest")));
    event.digests.push_back({id, to_bytes(digest)});
    return Ok{};
  }

  Status data(LogEvent& event) {
    NODEPROOF_TRY(size, reader_.u32le(field("eventSize")));
    NODEPROOF_TRY(content, reader_.take(size, field("event")));
    event.data = to_bytes(content);
    return Ok{};
  }

  // "event[12].digestCount"; the Spec ID record is event 0.
  std::string_view field(std::string_view name) {
    field_ = "event[" + std::to_string(out_.events.size() + (out_.spec_id ? 1 : 0)) + "].";
    field_ += name;
    return field_;
  }

  ByteView log_;
  ByteReader reader_;
  EventLog out_;
  std::string field_;
};

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
  std::string text = to_hex(ordered);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) text.insert(at, "-");
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

std::string event_type_name(std::uint32_t type) {
  const auto found =
      std::find_if(kTypes.begin(), kTypes.end(), [type](const TypeName& name) { return name.type == type; });
  return found != kTypes.end() ? std::string(found->name) : hex("0x%08x", type);
}

Result<EventLog> parse_event_log(ByteView log) {
  if (log.size() > kMaxEventLog) {
    return Error{
        Errc::kTooLarge, "event_log",
        "is " + std::to_string(log.size()) + " bytes long, the limit is " + std::to_string(kMaxEventLog)};
  }
  return Parser(log).parse();
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
