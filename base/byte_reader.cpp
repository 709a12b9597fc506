#include "base/byte_reader.hpp"

#include <cstdio>

namespace nodeproof {

Error ByteReader::error(Errc code, std::string_view field, std::size_t offset, std::string detail) const {
  char position[24];
  (void)std::snprintf(position, sizeof position, " at 0x%03zx", offset);
  return {code, std::string(what_) + "." + std::string(field) + position, std::move(detail)};
}

Result<ByteView> ByteReader::take(std::size_t count, std::string_view field) {
  if (count > remaining()) {
    return error(Errc::kTruncated, field, offset_,
                 "needs " + std::to_string(count) + " bytes, " + std::to_string(remaining()) + " are left");
  }
  const ByteView out = bytes_.subspan(offset_, count);
  offset_ += count;
  return out;
}

template <std::unsigned_integral U>
Result<U> ByteReader::little_endian(std::string_view field) {
  NODEPROOF_TRY(raw, take(sizeof(U), field));
  std::uint64_t value = 0;
  for (std::size_t i = sizeof(U); i > 0; --i) value = value << 8U | raw[i - 1];
  return static_cast<U>(value);
}

template <std::unsigned_integral U>
Result<U> ByteReader::big_endian(std::string_view field) {
  NODEPROOF_TRY(raw, take(sizeof(U), field));
  std::uint64_t value = 0;
  for (const std::uint8_t byte : raw) value = value << 8U | byte;
  return static_cast<U>(value);
}

Result<std::uint8_t> ByteReader::u8(std::string_view field) {
  return little_endian<std::uint8_t>(field);
}
Result<std::uint16_t> ByteReader::u16le(std::string_view field) {
  return little_endian<std::uint16_t>(field);
}
Result<std::uint32_t> ByteReader::u32le(std::string_view field) {
  return little_endian<std::uint32_t>(field);
}
Result<std::uint64_t> ByteReader::u64le(std::string_view field) {
  return little_endian<std::uint64_t>(field);
}
Result<std::uint16_t> ByteReader::u16be(std::string_view field) {
  return big_endian<std::uint16_t>(field);
}
Result<std::uint32_t> ByteReader::u32be(std::string_view field) {
  return big_endian<std::uint32_t>(field);
}
Result<std::uint64_t> ByteReader::u64be(std::string_view field) {
  return big_endian<std::uint64_t>(field);
}

Status ByteReader::zeros(std::size_t count, std::string_view field) {
  const std::size_t start = offset_;
  NODEPROOF_TRY(raw, take(count, field));
  if (!all_zero(raw)) return error(Errc::kBadValue, field, start, "reserved bytes are not zero");
  return Ok{};
}

Status ByteReader::finish() const {
  if (remaining() == 0) return Ok{};
  return error(Errc::kTrailing, "end", offset_, std::to_string(remaining()) + " bytes follow the structure");
}

}  // namespace nodeproof
