#include "cli/printable.hpp"

#include "wire/utf8.hpp"

namespace nodeproof::cli {
namespace {

// The length of a character at the front of well-formed UTF-8 that must not reach a terminal, or 0.
std::size_t unfit(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  if (byte(0) < 0x20 || byte(0) == 0x7F) return 1;
  if (byte(0) == 0xC2 && byte(1) < 0xA0) return 2;  // C1: U+0080 to U+009F
  if (byte(0) != 0xE2) return 0;
  const bool marks = byte(1) == 0x80 && (byte(2) == 0x8E || byte(2) == 0x8F);       // U+200E, U+200F
  const bool overrides = byte(1) == 0x80 && byte(2) >= 0xAA && byte(2) <= 0xAE;     // U+202A to U+202E
  const bool isolates = byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9;      // U+2066 to U+2069
  const bool separators = byte(1) == 0x80 && (byte(2) == 0xA8 || byte(2) == 0xA9);  // U+2028, U+2029
  return marks || overrides || isolates || separators ? 3 : 0;
}

}  // namespace

std::string printable(std::string_view content) {
  const std::string text = wire::valid_utf8(content, kMaxText);
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = unfit(std::string_view(text).substr(i));
    if (length > 0) {
      out.push_back('?');
      i += length;
    } else {
      out.push_back(text[i++]);
    }
  }
  return out;
}

std::string joined(const std::vector<std::string>& texts, std::string_view by) {
  std::string out;
  for (const std::string& text : texts) {
    if (!out.empty()) out += by;
    out += text;
  }
  return out;
}

}  // namespace nodeproof::cli
