#include "tests/emulator/random.hpp"

#include <random>

namespace nodeproof::emulator {

Bytes random_bytes(std::size_t count) {
  std::random_device random;
  Bytes out(count);
  std::generate(out.begin(), out.end(), [&] { return static_cast<std::uint8_t>(random() & 0xffU); });
  return out;
}

}  // namespace nodeproof::emulator
