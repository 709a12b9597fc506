// The only way our code learns the time. Pure code takes a UnixTime argument instead.
#pragma once

#include "base/time.hpp"

namespace nodeproof {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual UnixTime now() const = 0;  // thread-safe
};

class SystemClock final : public Clock {
 public:
  UnixTime now() const override { return std::chrono::floor<Seconds>(std::chrono::system_clock::now()); }
};

}  // namespace nodeproof
