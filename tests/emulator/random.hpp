#pragma once

#include "base/bytes.hpp"

namespace nodeproof::emulator {

// Bytes that differ from one machine and start to the next.
Bytes random_bytes(std::size_t count);

}  // namespace nodeproof::emulator
