#include "attest/pcr.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <stdexcept>

#include "attest/crypto.hpp"
#include "attest/strict_json.hpp"
#include "base/byte_reader.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kDigestSize = 32;
constexpr std::array<std::size_t, 3> kOtherDigestSizes{20, 48, 64};  // SHA-1, SHA-384, SHA-512
constexpr std::size_t kMaxJson = std::size_t{64} << 10U;
constexpr std::string_view kWhat = "pcrs";

// tpm2-tools writes its C structures: TPML_PCR_SELECTION with 16 entries of 8 bytes, then a count of
// TPML_DIGEST structures, each a count and 8 TPM2B_DIGEST of 2 + 64 bytes, all little endian.
constexpr std::size_t kToolsMaxSelections = 16;
constexpr std::size_t kToolsDigestsPerList = 8;
constexpr std::size_t kToolsDigestSize = 64;
constexpr std::uint16_t kAlgSha256 = 0x000B;

Result<Sha256Digest> hex_value(const JsonValue& value) {
  NODEPROOF_TRY(text, value.string());
  NODEPROOF_TRY(bytes, from_hex(text, value.path()));
  return to_array<kDigestSize>(bytes, value.path());
}

bool holds_banks(const JsonValue& root) {
  const auto members = root.members();
  return members && !members->empty() && members->front().value.is_object();
}

Result<PcrValues> parse_json(ByteView file) {
  NODEPROOF_TRY(document, JsonDocument::parse(file, kMaxJson, kWhat));
  NODEPROOF_TRY(bank, document.root().optional("sha256"));
  if (!bank && holds_banks(document.root())) {
    return Error{Errc::kMissing, std::string(kWhat) + ".sha256",
                 "is not there, and only the SHA-256 bank counts"};
  }
  NODEPROOF_TRY(members, (bank ? *bank : document.root()).members());
  PcrValues out;
  for (const auto& [key, value] : members) {
    unsigned pcr = 0;
    while (pcr < kPcrCount && std::to_string(pcr) != key) ++pcr;
    if (pcr == kPcrCount) return Error{Errc::kBadValue, value.path(), "is not a PCR number from 0 to 23"};
    NODEPROOF_TRY(digest, hex_value(value));
    out[pcr] = digest;
  }
  if (out.empty()) return Error{Errc::kMissing, std::string(kWhat), "holds no PCR value"};
  return out;
}

Result<PcrValues> parse_raw(ByteView file) {
  PcrValues out;
  for (unsigned pcr = 0; pcr < kPcrCount; ++pcr) {
    NODEPROOF_TRY(digest, to_array<kDigestSize>(file.subspan(pcr * kDigestSize, kDigestSize), kWhat));
    out[pcr] = digest;
  }
  return out;
}

Error of_no_known_form() {
  return {Errc::kBadValue, std::string(kWhat),
          "are neither 24 values of 32 bytes each, nor JSON, nor a PCR file of tpm2-tools"};
}

// Exactly one selection, of the SHA-256 bank, as its PCR bits.
Result<PcrSelection> tools_selection(ByteReader& reader) {
  const auto count = reader.u32le("selections");
  if (!count || *count == 0 || *count > kToolsMaxSelections) return of_no_known_form();
  if (*count != 1)
    return reader.error(Errc::kUnsupported, "selections", 0, "must be one, of the SHA-256 bank");
  NODEPROOF_TRY(algorithm, reader.u16le("hash"));
  if (algorithm != kAlgSha256) return reader.error(Errc::kUnsupported, "hash", 4, "is not SHA-256");
  NODEPROOF_TRY(size, reader.u8("sizeofSelect"));
  if (size != 3) return reader.error(Errc::kBadValue, "sizeofSelect", 6, "is not 3");
  NODEPROOF_TRY(bits, reader.take(4, "pcrSelect"));
  NODEPROOF_TRY(padding, reader.take(1 + 8 * (kToolsMaxSelections - 1), "unused selections"));
  static_cast<void>(padding);
  return PcrSelection(bits[0] | static_cast<std::uint32_t>(bits[1]) << 8U |
                      static_cast<std::uint32_t>(bits[2]) << 16U);
}

Result<std::vector<Sha256Digest>> tools_digests(ByteReader& reader) {
  NODEPROOF_TRY(lists, reader.u32le("lists"));
  std::vector<Sha256Digest> out;
  for (std::uint32_t list = 0; list < lists; ++list) {
    NODEPROOF_TRY(count, reader.u32le("count"));
    if (count > kToolsDigestsPerList) {
      return reader.error(Errc::kBadValue, "count", reader.offset() - 4, "is more than 8 digests");
    }
    for (std::uint32_t i = 0; i < kToolsDigestsPerList; ++i) {
      NODEPROOF_TRY(size, reader.u16le("size"));
      NODEPROOF_TRY(buffer, reader.take(kToolsDigestSize, "digest"));
      if (i >= count) continue;
      if (size != kDigestSize)
        return reader.error(Errc::kBadValue, "size", reader.offset() - 66, "is not 32");
      NODEPROOF_TRY(digest, to_array<kDigestSize>(buffer.first(kDigestSize), kWhat));
      out.push_back(digest);
    }
  }
  return out;
}

Result<PcrValues> parse_tools(ByteView file) {
  ByteReader reader(file, kWhat);
  NODEPROOF_TRY(selection, tools_selection(reader));
  NODEPROOF_TRY(digests, tools_digests(reader));
  NODEPROOF_CHECK(reader.finish());
  PcrValues out;
  std::size_t next = 0;
  for (unsigned pcr = 0; pcr < kPcrCount; ++pcr) {
    if (!selection.contains(pcr)) continue;
    if (next == digests.size())
      return reader.error(Errc::kTruncated, "digests", 0, "fewer values than selected");
    out[pcr] = digests[next++];
  }
  if (next != digests.size()) return reader.error(Errc::kTrailing, "digests", 0, "more values than selected");
  return out;
}

bool precedes(const PcrValues::Entry& entry, unsigned pcr) {
  return entry.first < pcr;
}

}  // namespace

std::string PcrSelection::describe() const {
  std::string out;
  for (unsigned first = 0; first < kPcrCount; ++first) {
    if (!contains(first)) continue;
    unsigned last = first;
    while (contains(last + 1)) ++last;
    out += (out.empty() ? "" : ",") + std::to_string(first);
    if (last > first) out += "-" + std::to_string(last);
    first = last;
  }
  return out.empty() ? "none" : out;
}

const Sha256Digest* PcrValues::find(unsigned pcr) const {
  const auto entry = std::lower_bound(entries_.begin(), entries_.end(), pcr, precedes);
  return entry != entries_.end() && entry->first == pcr ? &entry->second : nullptr;
}

const Sha256Digest& PcrValues::at(unsigned pcr) const {
  if (const Sha256Digest* value = find(pcr)) return *value;
  throw std::out_of_range("there is no value of PCR " + std::to_string(pcr));
}

Sha256Digest& PcrValues::operator[](unsigned pcr) {
  auto entry = std::lower_bound(entries_.begin(), entries_.end(), pcr, precedes);
  if (entry == entries_.end() || entry->first != pcr) entry = entries_.insert(entry, {pcr, {}});
  return entry->second;
}

PcrValues PcrValues::only(PcrSelection selection) const {
  const auto selected = [selection](const Entry& entry) { return selection.contains(entry.first); };
  PcrValues out;
  out.entries_.reserve(static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), selected)));
  std::copy_if(entries_.begin(), entries_.end(), std::back_inserter(out.entries_), selected);
  return out;
}

Result<Sha256Digest> pcr_digest(const PcrValues& values, PcrSelection selection) {
  Bytes all;
  for (unsigned pcr = 0; pcr < kPcrCount; ++pcr) {
    if (!selection.contains(pcr)) continue;
    const Sha256Digest* value = values.find(pcr);
    if (value == nullptr) {
      return Error{Errc::kMissing, "pcrs." + std::to_string(pcr), "the quote selects it, no value is given"};
    }
    append(all, *value);
  }
  return sha256(all);
}

Result<PcrValues> parse_pcrs(ByteView file) {
  const auto first = std::find_if_not(file.begin(), file.end(), [](std::uint8_t c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
  });
  if (first != file.end() && *first == '{') {
    // A raw file that begins with this byte has exactly its own size and is not JSON.
    auto json = parse_json(file);
    if (json || file.size() != kPcrCount * kDigestSize) return json;
  }
  if (file.size() == kPcrCount * kDigestSize) return parse_raw(file);
  for (const std::size_t other : kOtherDigestSizes) {
    if (file.size() != kPcrCount * other) continue;
    return Error{Errc::kUnsupported, std::string(kWhat),
                 "are values of " + std::to_string(other) +
                     " bytes, of another bank than SHA-256, which alone counts"};
  }
  return parse_tools(file);
}

Sha256Digest vm_id_pcr6(std::string_view vm_id, bool with_architecture_event) {
  std::string upper(vm_id);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c; });
  Sha256Digest pcr{};
  const auto extend = [&pcr](ByteView event) {
    Bytes both = to_bytes(pcr);
    append(both, sha256(event));
    pcr = sha256(both);
  };
  extend(as_bytes("UUID: " + upper));
  if (with_architecture_event) extend(as_bytes(R"({"MachineArchitecture": "X64"})"));
  extend(Bytes(4, 0));
  return pcr;
}

}  // namespace nodeproof::attest
