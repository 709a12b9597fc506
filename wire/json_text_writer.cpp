#include "wire/json_text_writer.hpp"

#include <algorithm>

#include "wire/utf8.hpp"

namespace nodeproof::wire {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

bool is_plain_ascii(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\';
}

}  // namespace

JsonWriter& JsonWriter::key(std::string_view name) {
  text(name, name.size());
  out_ += ':';
  first_ = true;
  return *this;
}

void JsonWriter::number(std::uint64_t value) {
  separate();
  out_ += std::to_string(value);
}

void JsonWriter::boolean(bool value) {
  separate();
  out_ += value ? "true" : "false";
}

void JsonWriter::text(std::string_view value, std::size_t max_bytes) {
  separate();
  const bool plain = value.size() <= max_bytes && std::all_of(value.begin(), value.end(), is_plain_ascii);
  if (plain) {
    out_.append("\"").append(value).append("\"");
  } else {
    quote(valid_utf8(value, max_bytes));
  }
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  first_ = true;
  return *this;
}

void JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
}

void JsonWriter::separate() {
  if (!first_) out_ += ',';
  first_ = false;
}

// RFC 8259 7: quotation mark, backslash and the control characters must be escaped, nothing else.
void JsonWriter::quote(std::string_view valid) {
  out_ += '"';
  for (const char c : valid) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out_ += '\\';
      out_ += c;
    } else if (byte < 0x20) {
      out_.append("\\u00");
      out_ += kHexDigits[byte >> 4U];
      out_ += kHexDigits[byte & 0xfU];
    } else {
      out_ += c;
    }
  }
  out_ += '"';
}

}  // namespace nodeproof::wire
