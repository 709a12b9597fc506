// PCR values and selections of the SHA-256 bank (TPM 2.0 part 2, 10.6).
#pragma once

#include <string>
#include <utility>
#include <vector>

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
// GRUB's commands and files, and shim's list of keys: measured where those boot loaders run.
inline constexpr PcrSelection kLoaderPcrs{1U << 8U | 1U << 9U | 1U << 14U};
// Where Azure's firmware measures the VM's id.
inline constexpr unsigned kVmIdPcr = 6;

// Values by the number of their PCR; iteration is in ascending order. One block of memory, because a
// webhook keeps them for thousands of nodes.
class PcrValues {
 public:
  using Entry = std::pair<unsigned, Sha256Digest>;

  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  const Sha256Digest* find(unsigned pcr) const;  // null when absent; borrowed until the next change
  bool contains(unsigned pcr) const { return find(pcr) != nullptr; }
  const Sha256Digest& at(unsigned pcr) const;  // throws std::out_of_range when absent
  Sha256Digest& operator[](unsigned pcr);      // made of zeros when absent
  PcrValues only(PcrSelection selection) const;
  bool operator==(const PcrValues&) const = default;

  std::vector<Entry>::const_iterator begin() const { return entries_.begin(); }
  std::vector<Entry>::const_iterator end() const { return entries_.end(); }

 private:
  std::vector<Entry> entries_;
};

// SHA-256 over the selected values in ascending order, as TPM2_Quote makes it; an Error when a
// selected value is absent.
Result<Sha256Digest> pcr_digest(const PcrValues& values, PcrSelection selection);

// `--pcrs`: 24 x 32 raw bytes; JSON {"0": "hex"} or {"sha256": {"0": "hex"}}; tpm2-tools' PCR file.
Result<PcrValues> parse_pcrs(ByteView file);

// PCR 6 as Azure's firmware leaves it for this VM id (azure-evidence 9), old and new form.
Sha256Digest vm_id_pcr6(std::string_view vm_id, bool with_architecture_event);

}  // namespace nodeproof::attest
