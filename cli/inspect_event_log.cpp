// TCG event logs (azure-evidence 8): one line per event, PCR, type, digest and what was measured.
#include <algorithm>

#include "attest/boot_log.hpp"
#include "cli/printable.hpp"
#include "cli/recognisers.hpp"

namespace nodeproof::cli {
namespace {

using attest::EventLog;
using attest::LogEvent;

constexpr std::size_t kSpecIdAt = 32;  // the first record's data: behind PCR, type, SHA-1 digest and size
constexpr std::uint32_t kLastPcr = 23;

// SHA-256 where there is one: it is the bank that quotes are over.
const attest::EventDigest& shown_digest(const LogEvent& event) {
  const attest::EventDigest* sha256 = attest::digest_of(event, attest::kTpmAlgSha256);
  return sha256 == nullptr ? event.digests.front() : *sha256;
}

Item item_of(const LogEvent& event) {
  const attest::EventDigest& digest = shown_digest(event);
  Item out({}, {Item("pcr", event.pcr <= kLastPcr ? std::to_string(event.pcr) : "none"),
                Item("type", attest::event_type_name(event.type)),
                Item("digest", attest::hash_name(digest.algorithm) + ":" + to_hex(digest.digest)),
                Item("measured", attest::describe_measurement(event, kMaxText))});
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
