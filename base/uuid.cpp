#include "base/uuid.hpp"

#include <algorithm>

namespace nodeproof {

bool is_canonical_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex) return false;
  }
  return true;
}

Result<std::string> canonical_uuid(std::string_view text, std::string_view where) {
  if (is_canonical_uuid(text)) return std::string(text);
  return Error{Errc::kBadValue, std::string(where),
               "is not a 36-character lower-case UUID: '" + std::string(text.substr(0, 40)) + "'"};
}

Result<std::string> uuid_any_case(std::string_view text, std::string_view where) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; });
  return canonical_uuid(lower, where);
}

bool is_nil_uuid(std::string_view canonical) noexcept {
  return canonical == "00000000-0000-0000-0000-000000000000";
}

std::string swapped_uuid(std::string_view canonical) {
  std::string out(canonical);
  const auto swap_field = [&out](std::size_t start, std::size_t bytes) {
    for (std::size_t i = 0; i < bytes / 2; ++i) {
      const std::size_t a = start + 2 * i;
      const std::size_t b = start + 2 * (bytes - 1 - i);
      std::swap(out[a], out[b]);
      std::swap(out[a + 1], out[b + 1]);
    }
  };
  swap_field(0, 4);
  swap_field(9, 2);
  swap_field(14, 2);
  return out;
}

}  // namespace nodeproof
