// TCG event logs (azure-evidence 8): one line per event, PCR, type, digest and what was measured.
#include "attest/event_log.hpp"

#include <algorithm>

#include "cli/recognisers.hpp"

namespace nodeproof::cli {
namespace {

using attest::EventLog;
using attest::LogEvent;

constexpr std::size_t kShownData = 80;
constexpr std::size_t kSpecIdAt = 32;  // the first record's data: behind PCR, type, SHA-1 digest and size
constexpr std::uint32_t kLastPcr = 23;

bool is_variable(std::uint32_t type) {
  return type == attest::kEvEfiVariableDriverConfig || type == attest::kEvEfiVariableBoot ||
         type == attest::kEvEfiVariableBoot2 || type == attest::kEvEfiVariableAuthority;
}

std::string variable_text(ByteView data) {
  const auto variable = attest::parse_uefi_variable(data);
  if (!variable) return "not a UEFI_VARIABLE_DATA: " + to_string(variable.error());
  const std::string name = variable->name + "-" + variable->guid;
  if (variable->data.size() == 1) return name + " = " + to_hex(variable->data);
  return name + ", " + std::to_string(variable->data.size()) + " bytes";
}

bool is_shown_as_text(ByteView data) {
  return !data.empty() && std::all_of(data.begin(), data.end(),
                                      [](std::uint8_t c) { return c == '\t' || (c >= 0x20 && c < 0x7F); });
}

// UTF-16 of ASCII characters, as firmware writes versions and paths.
std::optional<std::string> utf16_text(ByteView data) {
  if (data.size() < 4 || data.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < data.size(); i += 2) {
    if (data[i] == 0 && data[i + 1] == 0 && i + 2 == data.size()) break;
    if (data[i + 1] != 0 || data[i] < 0x20 || data[i] >= 0x7F) return std::nullopt;
    out.push_back(static_cast<char>(data[i]));
  }
  return out;
}

// UEFI_IMAGE_LOAD_EVENT: address, length, link address and device path length of 8 bytes each, then the
// device path, whose nodes of type 4, subtype 4 name a file (UEFI 2.10, 10.3.5.4).
std::string image_path(ByteView data) {
  constexpr std::size_t kHead = 32;
  std::string out;
  for (std::size_t at = kHead; at + 4 <= data.size();) {
    const std::size_t size = data[at + 2] | static_cast<std::size_t>(data[at + 3]) << 8U;
    if (size < 4 || size > data.size() - at) break;
    const bool is_file = data[at] == 4 && data[at + 1] == 4;
    if (is_file) out += utf16_text(data.subspan(at + 4, size - 4)).value_or("");
    at += size;
  }
  return out.empty()
             ? "an image without a file name (" + std::to_string(data.size()) + " bytes of description)"
             : out;
}

bool is_image(std::uint32_t type) {
  constexpr std::uint32_t kApplication = 0x80000003;
  constexpr std::uint32_t kRuntimeDriver = 0x80000005;
  return type >= kApplication && type <= kRuntimeDriver;
}

std::string measured_text(const LogEvent& event) {
  if (event.data.empty()) return "(no data)";
  if (is_variable(event.type)) return variable_text(event.data);
  if (is_image(event.type)) return image_path(event.data);
  ByteView data = event.data;
  while (data.size() > 1 && data.back() == 0) data = data.first(data.size() - 1);
  if (is_shown_as_text(data)) return std::string(as_text(data));
  if (auto text = utf16_text(event.data)) return *std::move(text);
  const ByteView shown = ByteView(event.data).first(std::min(event.data.size(), kShownData / 2));
  return to_hex(shown) +
         (shown.size() < event.data.size() ? "... " + std::to_string(event.data.size()) + " bytes" : "");
}

// SHA-256 where there is one: it is the bank that quotes are over.
const attest::EventDigest& shown_digest(const LogEvent& event) {
  const auto sha256 = std::find_if(
      event.digests.begin(), event.digests.end(),
      [](const attest::EventDigest& digest) { return digest.algorithm == attest::kTpmAlgSha256; });
  return sha256 == event.digests.end() ? event.digests.front() : *sha256;
}

Item item_of(const LogEvent& event) {
  const attest::EventDigest& digest = shown_digest(event);
  Item out({}, {Item("pcr", event.pcr <= kLastPcr ? std::to_string(event.pcr) : "none"),
                Item("type", attest::event_type_name(event.type)),
                Item("digest", attest::hash_name(digest.algorithm) + ":" + to_hex(digest.digest)),
                Item("measured", measured_text(event))});
  out.row = true;
  return out;
}

void add_log(Description& out, const EventLog& log) {
  std::string banks;
  if (log.spec_id) {
    for (const attest::SpecId::Algorithm& algorithm : log.spec_id->algorithms)
      banks += (banks.empty() ? "" : ", ") + attest::hash_name(algorithm.id);
    out.add("specVersion", std::to_string(log.spec_id->version_major) + "." +
                               std::to_string(log.spec_id->version_minor) + " errata " +
                               std::to_string(log.spec_id->errata));
  }
  out.add("banks", log.spec_id ? banks : "sha1 alone: no SHA-256 quote can be compared with it");
  out.add("events", log.events.size());
  if (log.padding_size > 0)
    out.add("padding", std::to_string(log.padding_size) + " bytes after the last event");
  std::vector<Item> events;
  for (const LogEvent& event : log.events) events.push_back(item_of(event));
  if (!events.empty()) out.add("log", std::move(events));
}

std::uint32_t le32(ByteView content, std::size_t at) {
  return content[at] | static_cast<std::uint32_t>(content[at + 1]) << 8U |
         static_cast<std::uint32_t>(content[at + 2]) << 16U |
         static_cast<std::uint32_t>(content[at + 3]) << 24U;
}

bool is_agile(ByteView content) {
  return content.size() > kSpecIdAt && as_text(content.subspan(kSpecIdAt)).starts_with("Spec ID Event03");
}

// A first record whose size fits the file and whose type has a name.
bool begins_legacy(ByteView content) {
  if (content.size() < kSpecIdAt || le32(content, 0) > kLastPcr) return false;
  const std::uint32_t size = le32(content, kSpecIdAt - 4);
  return size > 0 && size <= content.size() - kSpecIdAt && !all_zero(content.first(28)) &&
         attest::event_type_name(le32(content, 4)).starts_with("EV_");
}

}  // namespace

Recognised recognise_event_log(const InspectedFile& file) {
  const bool agile = is_agile(file.content);
  if (!agile && !begins_legacy(file.content)) return std::nullopt;
  Description out;
  out.kind = "event-log";
  out.title = agile ? "TCG event log, crypto agile" : "TCG event log, legacy (SHA-1)";
  const auto log = attest::parse_event_log(file.content);
  if (log) {
    add_log(out, *log);
  } else {
    out.add_problem(log.error());
  }
  return out;
}

}  // namespace nodeproof::cli
