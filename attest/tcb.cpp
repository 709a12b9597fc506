#include "attest/tcb.hpp"

namespace nodeproof::attest {
namespace {

struct Component {
  std::string_view name;
  std::uint8_t TcbVersion::*level;
  std::size_t offset;  // in TCB_VERSION
};

constexpr Component kComponents[] = {
    {"bootloader", &TcbVersion::bootloader, 0},
    {"tee", &TcbVersion::tee, 1},
    {"snp", &TcbVersion::snp, 6},
    {"microcode", &TcbVersion::microcode, 7},
};

}  // namespace

std::string_view to_string(Product product) {
  switch (product) {
    case Product::kMilan:
      return "Milan";
    case Product::kGenoa:
      return "Genoa";
  }
  return "unknown";
}

Result<Product> parse_product(std::string_view text, std::string_view where) {
  for (const Product product : {Product::kMilan, Product::kGenoa}) {
    if (text == to_string(product)) return product;
  }
  return Error{
      Errc::kUnsupported, std::string(where),
      "product '" + std::string(text.substr(0, 40)) + "' is not supported yet; supported: Milan, Genoa"};
}

Result<TcbVersion> parse_tcb(ByteView eight_bytes, std::string_view where) {
  NODEPROOF_TRY(raw, to_array<8>(eight_bytes, where));
  if (!all_zero(ByteView(raw).subspan(2, 4))) {
    return Error{Errc::kBadValue, std::string(where),
                 "reserved bytes 2 to 5 of the TCB version are not zero"};
  }
  TcbVersion tcb;
  for (const Component& component : kComponents) tcb.*component.level = raw[component.offset];
  return tcb;
}

ByteArray<8> serialize_tcb(const TcbVersion& tcb) {
  ByteArray<8> raw{};
  for (const Component& component : kComponents) raw[component.offset] = tcb.*component.level;
  return raw;
}

std::optional<std::string_view> component_below(const TcbVersion& have, const TcbVersion& minimum) {
  for (const Component& component : kComponents) {
    if (have.*component.level < minimum.*component.level) return component.name;
  }
  return std::nullopt;
}

std::string describe(const TcbVersion& tcb) {
  std::string text;
  for (const Component& component : kComponents) {
    if (!text.empty()) text += ", ";
    text += std::string(component.name) + " " + std::to_string(tcb.*component.level);
  }
  return text;
}

}  // namespace nodeproof::attest
