#include "attest/tcb.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kAbsent = 8;  // past the end of TCB_VERSION

struct Component {
  std::string_view name;
  std::uint8_t TcbVersion::*level;
  std::size_t milan_offset;  // in TCB_VERSION of Milan and Genoa
  std::size_t turin_offset;

  std::size_t offset(TcbLayout layout) const {
    return layout == TcbLayout::kTurin ? turin_offset : milan_offset;
  }
  bool is_in(TcbLayout layout) const { return offset(layout) != kAbsent; }
};

constexpr Component kComponents[] = {
    {"fmc", &TcbVersion::fmc, kAbsent, 0},
    {"bootloader", &TcbVersion::bootloader, 0, 1},
    {"tee", &TcbVersion::tee, 1, 2},
    {"snp", &TcbVersion::snp, 6, 3},
    {"microcode", &TcbVersion::microcode, 7, 7},
};

}  // namespace

std::string_view to_string(Product product) {
  switch (product) {
    case Product::kMilan:
      return "Milan";
    case Product::kGenoa:
      return "Genoa";
    case Product::kTurin:
      return "Turin";
  }
  return "unknown";
}

Result<Product> parse_product(std::string_view text, std::string_view where) {
  for (const Product product : kProducts) {
    if (text == to_string(product)) return product;
  }
  return Error{
      Errc::kUnsupported, std::string(where),
      "product '" + std::string(text.substr(0, 40)) + "' is not supported; supported: Milan, Genoa, Turin"};
}

Result<TcbVersion> parse_tcb(ByteView eight_bytes, TcbLayout layout, std::string_view where) {
  NODEPROOF_TRY(raw, to_array<8>(eight_bytes, where));
  TcbVersion tcb;
  tcb.layout = layout;
  for (const Component& component : kComponents) {
    if (component.is_in(layout)) tcb.*component.level = raw[component.offset(layout)];
  }
  if (serialize_tcb(tcb) != raw) {
    return Error{Errc::kBadValue, std::string(where), "reserved bytes of the TCB version are not zero"};
  }
  return tcb;
}

ByteArray<8> serialize_tcb(const TcbVersion& tcb) {
  ByteArray<8> raw{};
  for (const Component& component : kComponents) {
    if (component.is_in(tcb.layout)) raw[component.offset(tcb.layout)] = tcb.*component.level;
  }
  return raw;
}

std::optional<std::string_view> component_below(const TcbVersion& have, const TcbVersion& minimum) {
  for (const Component& component : kComponents) {
    if (!component.is_in(minimum.layout)) continue;
    if (!component.is_in(have.layout) || have.*component.level < minimum.*component.level)
      return component.name;
  }
  return std::nullopt;
}

std::string describe(const TcbVersion& tcb) {
  std::string text;
  for (const Component& component : kComponents) {
    if (!component.is_in(tcb.layout)) continue;
    if (!text.empty()) text += ", ";
    text += std::string(component.name) + " " + std::to_string(tcb.*component.level);
  }
  return text;
}

}  // namespace nodeproof::attest
