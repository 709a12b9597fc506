// AMD product lines and their TCB versions (AMD 56860, table "TCB_VERSION"; azure-evidence 3.3).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace nodeproof::attest {

enum class Product { kMilan, kGenoa };
std::string_view to_string(Product product);  // "Milan", "Genoa"
Result<Product> parse_product(std::string_view text, std::string_view where);

// Security patch levels, each a counter that firmware only raises. Compared component by component.
struct TcbVersion {
  std::uint8_t bootloader = 0;
  std::uint8_t tee = 0;
  std::uint8_t snp = 0;
  std::uint8_t microcode = 0;
  bool operator==(const TcbVersion&) const = default;
};

// The Milan/Genoa layout: byte 0 boot loader, 1 TEE, 6 SNP firmware, 7 microcode, 2-5 zero.
Result<TcbVersion> parse_tcb(ByteView eight_bytes, std::string_view where);
ByteArray<8> serialize_tcb(const TcbVersion& tcb);

// The name of the first component of `have` that is below `minimum`, or nothing.
std::optional<std::string_view> component_below(const TcbVersion& have, const TcbVersion& minimum);
// "bootloader 4, tee 0, snp 24, microcode 219"
std::string describe(const TcbVersion& tcb);

}  // namespace nodeproof::attest
