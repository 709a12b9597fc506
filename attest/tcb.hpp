// AMD product lines and their TCB versions (AMD 56860, table "TCB_VERSION"; azure-evidence 3.3).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace nodeproof::attest {

enum class Product { kMilan, kGenoa, kTurin };
inline constexpr std::array kProducts{Product::kMilan, Product::kGenoa, Product::kTurin};
std::string_view to_string(Product product);  // "Milan", "Genoa", "Turin"
Result<Product> parse_product(std::string_view text, std::string_view where);

// Where the components stand in the eight bytes; the bytes between are zero.
//                boot loader  TEE  SNP firmware  microcode  FMC
//   kMilanGenoa            0    1             6          7    -
//   kTurin                 1    2             3          7    0
enum class TcbLayout { kMilanGenoa, kTurin };
constexpr TcbLayout tcb_layout_of(Product product) {
  return product == Product::kTurin ? TcbLayout::kTurin : TcbLayout::kMilanGenoa;
}

// Security patch levels, each a counter that firmware only raises. Compared component by component.
struct TcbVersion {
  std::uint8_t bootloader = 0;
  std::uint8_t tee = 0;
  std::uint8_t snp = 0;
  std::uint8_t microcode = 0;
  std::uint8_t fmc = 0;  // in Turin's layout only
  TcbLayout layout = TcbLayout::kMilanGenoa;
  bool operator==(const TcbVersion&) const = default;
};

Result<TcbVersion> parse_tcb(ByteView eight_bytes, TcbLayout layout, std::string_view where);
ByteArray<8> serialize_tcb(const TcbVersion& tcb);

// The name of the first component of `have` that is below `minimum` or that it lacks, or nothing.
std::optional<std::string_view> component_below(const TcbVersion& have, const TcbVersion& minimum);
// "bootloader 4, tee 0, snp 24, microcode 219", on Turin with "fmc 1, " before
std::string describe(const TcbVersion& tcb);

}  // namespace nodeproof::attest
