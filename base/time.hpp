// Times as whole seconds of the Unix epoch in UTC, and their RFC 3339 and duration texts.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nodeproof {

using Seconds = std::chrono::seconds;
// Seconds since 1970-01-01T00:00:00Z, no leap seconds (POSIX time).
using UnixTime = std::chrono::time_point<std::chrono::system_clock, Seconds>;

inline UnixTime from_unix(std::int64_t seconds) {
  return UnixTime(Seconds(seconds));
}
inline std::int64_t to_unix(UnixTime time) {
  return time.time_since_epoch().count();
}

// "2026-08-25T00:00:00Z". parse_rfc3339 takes an offset or Z, and fraction digits, which it drops.
std::string to_rfc3339(UnixTime time);
Result<UnixTime> parse_rfc3339(std::string_view text, std::string_view where);

// Go durations in whole seconds as Kubernetes users write them: "90s", "10m", "1h30m". Positive.
Result<Seconds> parse_duration(std::string_view text, std::string_view where);
// The shortest such text: "10m", "1h30m", "45s", "0s".
std::string to_duration(Seconds seconds);

}  // namespace nodeproof
