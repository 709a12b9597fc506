// For tests that flip each bit of an input, one at a time, and leave it as it was.
#pragma once

#include "base/bytes.hpp"

namespace nodeproof::attest {

// Calls `look(bit)` for each bit of bytes [from, until) of `bytes` while it is flipped.
template <typename Look>
void with_each_bit_flipped(Bytes& bytes, std::size_t from, std::size_t until, Look look) {
  for (std::size_t bit = from * 8; bit < until * 8; ++bit) {
    const auto mask = static_cast<std::uint8_t>(1U << bit % 8);
    bytes[bit / 8] ^= mask;
    look(bit);
    bytes[bit / 8] ^= mask;
  }
}

template <typename Look>
void with_each_bit_flipped(Bytes& bytes, Look look) {
  with_each_bit_flipped(bytes, 0, bytes.size(), look);
}

}  // namespace nodeproof::attest
