// What an event measured, for people.
#include <algorithm>

#include "attest/measurement.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kShownBytes = 40;  // of data that is no text
constexpr std::string_view kCut = "...";

bool is_variable(std::uint32_t type) {
  return type == kEvEfiVariableDriverConfig || type == kEvEfiVariableBoot || type == kEvEfiVariableBoot2 ||
         type == kEvEfiVariableAuthority;
}

bool is_image(std::uint32_t type) {
  return type == kEvEfiBootServicesApplication || type == kEvEfiBootServicesDriver ||
         type == kEvEfiRuntimeServicesDriver;
}

bool is_printable(std::uint8_t c) {
  return c >= 0x20 && c < 0x7F;
}
bool is_space(std::uint8_t c) {
  return c == '\t' || c == '\n' || c == '\r';
}

std::string variable_text(ByteView data) {
  const auto variable = parse_uefi_variable(data);
  if (!variable) return "not a UEFI_VARIABLE_DATA: " + to_string(variable.error());
  const std::string name = variable->name + "-" + variable->guid;
  if (variable->data.size() == 1) return name + " = " + to_hex(variable->data);
  return name + ", " + std::to_string(variable->data.size()) + " bytes";
}

// ASCII, as boot loaders write commands: on one line.
std::optional<std::string> ascii_text(ByteView data) {
  while (data.size() > 1 && data.back() == 0) data = data.first(data.size() - 1);
  std::string out;
  for (const std::uint8_t c : data) {
    if (!is_printable(c) && !is_space(c)) return std::nullopt;
    out.push_back(is_space(c) ? ' ' : static_cast<char>(c));
  }
  return out;
}

// UTF-16 of ASCII characters, as firmware writes versions and paths.
std::optional<std::string> utf16_text(ByteView data) {
  if (data.size() < 4 || data.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < data.size(); i += 2) {
    if (data[i] == 0 && data[i + 1] == 0 && i + 2 == data.size()) break;
    if (data[i + 1] != 0 || !is_printable(data[i])) return std::nullopt;
    out.push_back(static_cast<char>(data[i]));
  }
  return out;
}

// UEFI_IMAGE_LOAD_EVENT: address, length, link address and device path length of 8 bytes each, then the
// device path, whose nodes of type 4, subtype 4 name a file (UEFI 2.10, 10.3.5.4).
std::string image_path(ByteView data) {
  constexpr std::size_t kHead = 32;
  std::string out;
  for (std::size_t at = kHead; at + 4 <= data.size();) {
    const std::size_t size = data[at + 2] | static_cast<std::size_t>(data[at + 3]) << 8U;
    if (size < 4 || size > data.size() - at) break;
    const bool is_file = data[at] == 4 && data[at + 1] == 4;
    if (is_file) out += utf16_text(data.subspan(at + 4, size - 4)).value_or("");
    at += size;
  }
  return out.empty()
             ? "an image without a file name (" + std::to_string(data.size()) + " bytes of description)"
             : out;
}

std::string hex_text(ByteView data) {
  const ByteView shown = data.first(std::min(data.size(), kShownBytes));
  return to_hex(shown) +
         (shown.size() < data.size() ? "... " + std::to_string(data.size()) + " bytes" : std::string());
}

std::string whole_text(std::uint32_t type, ByteView data) {
  if (data.empty()) return "(no data)";
  if (is_variable(type)) return variable_text(data);
  if (is_image(type)) return image_path(data);
  if (auto text = ascii_text(data)) return *std::move(text);
  if (auto text = utf16_text(data)) return *std::move(text);
  return hex_text(data);
}

std::string shortened(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  const std::string_view cut = kCut.substr(0, limit);
  text.resize(limit - cut.size());
  return text.append(cut);
}

}  // namespace

std::string describe_data(std::uint32_t type, ByteView data, std::size_t limit) {
  return shortened(whole_text(type, data), limit);
}

std::string describe_event(const Measurement& event, std::size_t limit) {
  return shortened(event_type_name(event.type) + " " + whole_text(event.type, event.data), limit);
}

std::string describe_measurement(const LogEvent& event, std::size_t limit) {
  return describe_data(event.type, event.data, limit);
}

}  // namespace nodeproof::attest
