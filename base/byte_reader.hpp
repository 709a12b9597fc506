// A bounds-checked cursor over untrusted bytes: every read is a Result that names the field and
// its offset. Does not own the bytes.
#pragma once

#include <concepts>
#include <string_view>

#include "base/bytes.hpp"

namespace nodeproof {

class ByteReader {
 public:
  // `what` names the structure in errors, for example "hcl"; it must outlive the reader.
  ByteReader(ByteView bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  std::size_t offset() const noexcept { return offset_; }
  std::size_t remaining() const noexcept { return bytes_.size() - offset_; }

  Result<ByteView> take(std::size_t count, std::string_view field);
  Result<std::uint8_t> u8(std::string_view field);
  Result<std::uint16_t> u16le(std::string_view field);
  Result<std::uint32_t> u32le(std::string_view field);
  Result<std::uint64_t> u64le(std::string_view field);
  // TPM 2.0 structures are big endian.
  Result<std::uint16_t> u16be(std::string_view field);
  Result<std::uint32_t> u32be(std::string_view field);
  Result<std::uint64_t> u64be(std::string_view field);

  // Reads `count` bytes that the format reserves as zero.
  Status zeros(std::size_t count, std::string_view field);
  // kTrailing unless all bytes were read.
  Status finish() const;

  // An Error that names the field at the offset where it starts.
  Error error(Errc code, std::string_view field, std::size_t offset, std::string detail) const;

 private:
  template <std::unsigned_integral U>
  Result<U> little_endian(std::string_view field);
  template <std::unsigned_integral U>
  Result<U> big_endian(std::string_view field);

  ByteView bytes_;
  std::string_view what_;
  std::size_t offset_ = 0;
};

}  // namespace nodeproof
