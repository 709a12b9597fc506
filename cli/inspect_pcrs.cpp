// Files of PCR values: 24 raw digests of one bank, and tpm2-tools' own form. JSON is inspect_kubernetes'.
#include "attest/event_log.hpp"
#include "attest/pcr.hpp"
#include "base/byte_reader.hpp"
#include "cli/recognisers.hpp"

namespace nodeproof::cli {
namespace {

// As attest/pcr.cpp reads it: 16 selections of 8 bytes behind a count, a count, lists of 8 digests.
constexpr std::size_t kToolsHead = 4 + 16 * 8 + 4;
constexpr std::size_t kToolsList = 4 + 8 * 66;

}  // namespace

Recognised recognise_raw_pcrs(const InspectedFile& file) {
  constexpr std::uint16_t kBanks[] = {attest::kTpmAlgSha1, attest::kTpmAlgSha256, attest::kTpmAlgSha384,
                                      attest::kTpmAlgSha512};
  for (const std::uint16_t bank : kBanks) {
    const std::size_t size = attest::hash_size(bank).value();
    if (file.content.size() != attest::kPcrCount * size || all_zero(file.content)) continue;
    Description out;
    out.kind = "pcrs-raw";
    out.title = "By its size PCR values 0 to 23 of the " + attest::hash_name(bank) + " bank, raw";
    for (unsigned pcr = 0; pcr < attest::kPcrCount; ++pcr)
      out.add_hex(std::to_string(pcr), file.content.subspan(pcr * size, size));
    return out;
  }
  return std::nullopt;
}

Recognised recognise_tools_pcrs(const InspectedFile& file) {
  ByteReader reader(file.content, "pcrs");
  const auto selections = reader.u32le("selections");
  const auto bank = reader.u16le("hash");
  const auto select_size = reader.u8("sizeofSelect");
  if (!selections || !bank || !select_size || file.content.size() < kToolsHead) return std::nullopt;
  const bool fits = *selections >= 1 && *selections <= 16 && attest::hash_size(*bank) && *select_size == 3 &&
                    (file.content.size() - kToolsHead) % kToolsList == 0;
  if (!fits) return std::nullopt;
  Description out;
  out.kind = "pcrs-tpm2-tools";
  out.title = "PCR values as tpm2-tools writes them";
  out.add("bank", attest::hash_name(*bank));
  const auto values = attest::parse_pcrs(file.content);
  if (!values) {
    out.add_problem(values.error());
    return out;
  }
  for (const auto& [pcr, digest] : *values) out.add_hex(std::to_string(pcr), digest);
  return out;
}

}  // namespace nodeproof::cli
