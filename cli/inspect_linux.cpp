// Files that Linux offers beside the event log: IMA's binary list and efivarfs entries.
#include <algorithm>

#include "base/byte_reader.hpp"
#include "base/uuid.hpp"
#include "cli/recognisers.hpp"

namespace nodeproof::cli {
namespace {

constexpr std::size_t kUuidSize = 36;
constexpr std::size_t kAttributesSize = 4;
constexpr std::size_t kShownBytes = 64;
constexpr std::size_t kMaxImaName = 64;
constexpr std::size_t kMaxImaEntries = 100'000;

// pcr, SHA-1 template digest, template name, template data: little endian on every Azure machine.
Status read_ima_entry(ByteReader& reader, std::vector<Item>& out) {
  NODEPROOF_TRY(pcr, reader.u32le("pcr"));
  NODEPROOF_TRY(digest, reader.take(20, "digest"));
  const std::size_t start = reader.offset();
  NODEPROOF_TRY(name_size, reader.u32le("name_size"));
  if (name_size > kMaxImaName) return reader.error(Errc::kBadValue, "name_size", start, "is more than 64");
  NODEPROOF_TRY(name, reader.take(name_size, "name"));
  NODEPROOF_TRY(data_size, reader.u32le("data_size"));
  NODEPROOF_TRY(data, reader.take(data_size, "data"));
  Item entry(
      {}, {Item("pcr", std::to_string(pcr)), Item("template", std::string(as_text(name))),
           Item("digest", "sha1:" + to_hex(digest)), Item("data", std::to_string(data.size()) + " bytes")});
  entry.row = true;
  out.push_back(std::move(entry));
  return Ok{};
}

bool begins_ima(ByteView content) {
  ByteReader reader(content, "ima");
  static_cast<void>(reader.take(24, "head"));
  const auto size = reader.u32le("name_size");
  if (!size || *size < 3 || *size > kMaxImaName) return false;
  const auto name = reader.take(*size, "name");
  return name && as_text(*name).starts_with("ima");
}

const char* meaning_of(std::string_view name, ByteView value) {
  if (value.size() != 1) return "";
  if (name == "SecureBoot") return value[0] == 1 ? " (Secure Boot on)" : " (Secure Boot off)";
  if (name == "SetupMode") return value[0] == 1 ? " (setup mode: no platform key)" : " (user mode)";
  return "";
}

}  // namespace

Recognised recognise_ima_log(const InspectedFile& file) {
  if (!begins_ima(file.content)) return std::nullopt;
  Description out;
  out.kind = "ima-log";
  out.title = "Linux IMA measurement list, binary";
  ByteReader reader(file.content, "ima");
  std::vector<Item> entries;
  while (reader.remaining() > 0 && entries.size() < kMaxImaEntries) {
    const Status read = read_ima_entry(reader, entries);
    if (read) continue;
    out.add_problem(read.error());
    break;
  }
  if (!entries.empty()) out.add("entries", std::move(entries));
  return out;
}

// Their names end in the vendor's GUID; bytes alone say nothing.
Recognised recognise_efi_variable(const InspectedFile& file) {
  if (file.name.size() <= kUuidSize + 1 || file.content.size() < kAttributesSize) return std::nullopt;
  const std::string guid = file.name.substr(file.name.size() - kUuidSize);
  const std::string name = file.name.substr(0, file.name.size() - kUuidSize - 1);
  if (!is_canonical_uuid(guid) || file.name[name.size()] != '-') return std::nullopt;
  const ByteView value = file.content.subspan(kAttributesSize);
  Description out;
  out.kind = "efi-variable";
  out.title = "UEFI variable as efivarfs shows it: the running system's word, a hint at best";
  out.add("name", name);
  out.add("guid", guid);
  out.add_hex("attributes", file.content.first(kAttributesSize));
  out.add("size", std::to_string(value.size()) + " bytes");
  const ByteView shown = value.first(std::min(value.size(), kShownBytes));
  out.add("value", to_hex(shown) + (shown.size() < value.size() ? "..." : meaning_of(name, value)));
  return out;
}

}  // namespace nodeproof::cli
