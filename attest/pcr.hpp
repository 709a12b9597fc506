// PCR values and selections of the SHA-256 bank (TPM 2.0 part 2, 10.6).
#pragma once

#include <map>
#include <string>

#include "base/bytes.hpp"

namespace nodeproof::attest {

inline constexpr unsigned kPcrCount = 24;

// Bit i set: PCR i is selected.
class PcrSelection {
 public:
  constexpr PcrSelection() = default;
  constexpr explicit PcrSelection(std::uint32_t bits) : bits_(bits & 0xffffffU) {}
  constexpr std::uint32_t bits() const { return bits_; }
  constexpr bool contains(unsigned pcr) const { return pcr < kPcrCount && (bits_ >> pcr & 1U) != 0; }
  constexpr bool contains(PcrSelection other) const { return (bits_ & other.bits_) == other.bits_; }
  constexpr bool operator==(const PcrSelection&) const = default;
  std::string describe() const;  // "0-9,11-15"

 private:
  std::uint32_t bits_ = 0;
};

// What a NodeQuote selects: 0-9 and 11-15 (DESIGN 5). PCR 10 moves with IMA, 16-23 mean nothing.
inline constexpr PcrSelection kNodeQuotePcrs{0x00fbffU};
// What any quote must cover at least.
inline constexpr PcrSelection kBootPcrs{0x0000ffU};

using PcrValues = std::map<unsigned, Sha256Digest>;

// SHA-256 over the selected values in ascending order, as TPM2_Quote makes it; an Error when a
// selected value is absent.
Result<Sha256Digest> pcr_digest(const PcrValues& values, PcrSelection selection);

// `--pcrs`: 24 x 32 raw bytes; JSON {"0": "hex"} or {"sha256": {"0": "hex"}}; tpm2-tools' PCR file.
Result<PcrValues> parse_pcrs(ByteView file);

// PCR 6 as Azure's firmware leaves it for this VM id (azure-evidence 9), old and new form.
Sha256Digest vm_id_pcr6(std::string_view vm_id, bool with_architecture_event);

}  // namespace nodeproof::attest
