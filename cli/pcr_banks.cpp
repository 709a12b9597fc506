#include "cli/pcr_banks.hpp"

#include <array>

#include "attest/event_log.hpp"
#include "attest/pcr.hpp"
#include "attest/strict_json.hpp"

namespace nodeproof::cli {
namespace {

using attest::JsonValue;

constexpr std::size_t kMaxJson = std::size_t{64} << 10U;
constexpr std::array kBanks{attest::kTpmAlgSha1, attest::kTpmAlgSha256, attest::kTpmAlgSha384,
                            attest::kTpmAlgSha512};

std::optional<std::uint16_t> bank_named(std::string_view name) {
  for (const std::uint16_t bank : kBanks) {
    if (attest::hash_name(bank) == name) return bank;
  }
  return std::nullopt;
}

Result<std::map<unsigned, Bytes>> parse_bank(const JsonValue& json, std::size_t size) {
  NODEPROOF_TRY(members, json.members());
  std::map<unsigned, Bytes> out;
  for (const JsonValue::Member& member : members) {
    unsigned pcr = 0;
    while (pcr < attest::kPcrCount && std::to_string(pcr) != member.key) ++pcr;
    if (pcr == attest::kPcrCount)
      return Error{Errc::kBadValue, member.value.path(), "is not a PCR number from 0 to 23"};
    NODEPROOF_TRY(text, member.value.string());
    NODEPROOF_TRY(value, from_hex(text, member.value.path()));
    if (value.size() != size) {
      return Error{Errc::kBadValue, member.value.path(),
                   "is " + std::to_string(value.size()) + " bytes long, must be " + std::to_string(size)};
    }
    out.emplace(pcr, std::move(value));
  }
  if (out.empty()) return Error{Errc::kMissing, json.path(), "holds no PCR value"};
  return out;
}

// Nothing when the file is no JSON object whose first member is a bank's.
Result<std::optional<PcrBanks>> parse_json(ByteView file) {
  const auto document = attest::JsonDocument::parse(file, kMaxJson, "pcrs");
  if (!document) return std::optional<PcrBanks>();
  const auto members = document->root().members();
  if (!members || members->empty()) return std::optional<PcrBanks>();
  const JsonValue::Member& first = members->front();
  if (!bank_named(first.key) && !first.value.is_object()) return std::optional<PcrBanks>();
  PcrBanks out;
  for (const JsonValue::Member& member : *members) {
    const auto bank = bank_named(member.key);
    if (!bank) {
      return Error{Errc::kUnknownField, member.value.path(),
                   "is no bank; known are sha1, sha256, sha384 and sha512"};
    }
    NODEPROOF_TRY(values, parse_bank(member.value, *attest::hash_size(*bank)));
    out.emplace(*bank, std::move(values));
  }
  return std::optional(std::move(out));
}

std::optional<PcrBanks> parse_raw(ByteView file) {
  for (const std::uint16_t bank : kBanks) {
    const std::size_t size = *attest::hash_size(bank);
    if (file.size() != attest::kPcrCount * size || bank == attest::kTpmAlgSha256) continue;
    PcrBanks out;
    for (unsigned pcr = 0; pcr < attest::kPcrCount; ++pcr)
      out[bank][pcr] = to_bytes(file.subspan(pcr * size, size));
    return out;
  }
  return std::nullopt;
}

}  // namespace

Result<PcrBanks> parse_pcr_banks(ByteView file) {
  NODEPROOF_TRY(json, parse_json(file));
  if (json) return *std::move(json);
  if (auto raw = parse_raw(file)) return *std::move(raw);
  NODEPROOF_TRY(values, attest::parse_pcrs(file));
  PcrBanks out;
  for (const auto& [pcr, value] : values) out[attest::kTpmAlgSha256][pcr] = to_bytes(value);
  return out;
}

}  // namespace nodeproof::cli
