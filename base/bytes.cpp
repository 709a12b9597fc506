#include "base/bytes.hpp"

#include <algorithm>
#include <array>

namespace nodeproof {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t kNoDigit = 0xff;

// The value of every character as a digit of this alphabet.
constexpr std::array<std::uint8_t, 256> digits_of(std::string_view alphabet) {
  std::array<std::uint8_t, 256> out{};
  out.fill(kNoDigit);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    out[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return out;
}
constexpr auto kBase64Digits = digits_of(kBase64);
constexpr auto kBase64UrlDigits = digits_of(kBase64Url);

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string encode64(ByteView bytes, std::string_view alphabet, bool pad) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) group = group << 8 | (j < n ? bytes[i + j] : 0U);
    for (std::size_t j = 0; j < 4; ++j) {
      if (j <= n) {
        out += alphabet[group >> (18 - 6 * j) & 63U];
      } else if (pad) {
        out += '=';
      }
    }
  }
  return out;
}

Error bad_digit(std::string_view where, std::size_t position, std::string_view kind) {
  return {Errc::kBadValue, std::string(where),
          "character " + std::to_string(position) + " is not " + std::string(kind)};
}

// Unused low bits of the last digit must be zero: one byte string has one text.
Result<Bytes> decode64(std::string_view digits, const std::array<std::uint8_t, 256>& values,
                       std::string_view where) {
  if (digits.size() % 4 == 1)
    return Error{Errc::kTruncated, std::string(where), "ends inside a base64 group"};
  Bytes out;
  out.reserve(digits.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const std::uint8_t digit = values[static_cast<std::uint8_t>(digits[i])];
    if (digit == kNoDigit) return bad_digit(where, i, "a base64 digit");
    bits = bits << 6U | digit;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<std::uint8_t>(bits >> count & 0xffU));
    }
  }
  if ((bits & ((1U << count) - 1U)) != 0) return bad_digit(where, digits.size() - 1, "canonical base64");
  return out;
}

}  // namespace

bool equal(ByteView a, ByteView b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

bool all_zero(ByteView bytes) noexcept {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

void append(Bytes& to, ByteView bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

void append_be32(Bytes& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    to.push_back(static_cast<std::uint8_t>(value >> shift & 0xffU));
}

void append_be64(Bytes& to, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8)
    to.push_back(static_cast<std::uint8_t>(value >> shift & 0xffU));
}

std::string to_hex(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t b : bytes) {
    out += kHex[b >> 4U];
    out += kHex[b & 15U];
  }
  return out;
}

Result<Bytes> from_hex(std::string_view text, std::string_view where) {
  if (text.size() % 2 != 0)
    return Error{Errc::kTruncated, std::string(where), "has an odd number of hex digits"};
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_digit(text[i]);
    const int low = hex_digit(text[i + 1]);
    if (high < 0 || low < 0) return bad_digit(where, high < 0 ? i : i + 1, "a hex digit");
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return out;
}

std::string to_base64(ByteView bytes) {
  return encode64(bytes, kBase64, true);
}

Result<Bytes> from_base64(std::string_view text, std::string_view where) {
  if (text.size() % 4 != 0) {
    return Error{Errc::kTruncated, std::string(where), "base64 length is not a multiple of 4"};
  }
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  return decode64(text.substr(0, text.size() - padding), kBase64Digits, where);
}

std::string to_base64url(ByteView bytes) {
  return encode64(bytes, kBase64Url, false);
}

Result<Bytes> from_base64url(std::string_view text, std::string_view where) {
  return decode64(text, kBase64UrlDigits, where);
}

}  // namespace nodeproof
