// Byte strings, digests and their text forms. Values; no I/O; safe to use from any thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace nodeproof {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;  // borrowed: must not outlive what it points to

template <std::size_t N>
using ByteArray = std::array<std::uint8_t, N>;
using Sha256Digest = ByteArray<32>;
using Sha384Digest = ByteArray<48>;
using Sha512Digest = ByteArray<64>;

inline Bytes to_bytes(ByteView view) {
  return Bytes(view.begin(), view.end());
}
inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool equal(ByteView a, ByteView b) noexcept;  // not constant time: for public values
bool all_zero(ByteView bytes) noexcept;       // true for an empty view
void append(Bytes& to, ByteView bytes);
void append_be32(Bytes& to, std::uint32_t value);
void append_be64(Bytes& to, std::uint64_t value);

// Lower-case hex. from_hex takes either case, an even number of digits and nothing else.
std::string to_hex(ByteView bytes);
Result<Bytes> from_hex(std::string_view text, std::string_view where);

// RFC 4648 section 4 with padding, as Kubernetes writes []byte; strict: no line breaks, no junk.
std::string to_base64(ByteView bytes);
Result<Bytes> from_base64(std::string_view text, std::string_view where);

// RFC 4648 section 5 without padding, as JOSE writes key parameters; padding is refused.
std::string to_base64url(ByteView bytes);
Result<Bytes> from_base64url(std::string_view text, std::string_view where);

// Copies a view of exactly N bytes; another length is kBadValue naming `where`.
template <std::size_t N>
Result<ByteArray<N>> to_array(ByteView bytes, std::string_view where) {
  if (bytes.size() != N) {
    return Error{Errc::kBadValue, std::string(where),
                 "is " + std::to_string(bytes.size()) + " bytes long, must be " + std::to_string(N)};
  }
  ByteArray<N> out{};
  std::copy(bytes.begin(), bytes.end(), out.begin());
  return out;
}

}  // namespace nodeproof
