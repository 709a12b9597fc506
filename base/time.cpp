#include "base/time.hpp"

#include <cstdio>

namespace nodeproof {
namespace {

using std::chrono::day;
using std::chrono::month;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;

constexpr Seconds kMaxDuration = std::chrono::hours(24 * 366 * 100);

// Reads `count` digits at the front of `text`; -1 when they are not there.
int digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return -1;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool skip(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

// "Z", "+hh:mm" or "-hh:mm" as seconds east of UTC.
bool offset(std::string_view& text, int& seconds) {
  if (skip(text, 'Z')) {
    seconds = 0;
    return true;
  }
  const int sign = skip(text, '-') ? -1 : skip(text, '+') ? 1 : 0;
  const int hours = digits(text, 2);
  const bool colon = skip(text, ':');
  const int minutes = digits(text, 2);
  if (sign == 0 || !colon || hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
  seconds = sign * (hours * 3600 + minutes * 60);
  return true;
}

}  // namespace

std::string to_rfc3339(UnixTime time) {
  const auto days = std::chrono::floor<std::chrono::days>(time);
  const year_month_day date(days);
  const auto of_day = (time - days).count();
  char out[40];
  (void)std::snprintf(out, sizeof out, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                      static_cast<int>(of_day / 3600), static_cast<int>(of_day / 60 % 60),
                      static_cast<int>(of_day % 60));
  return out;
}

Result<UnixTime> parse_rfc3339(std::string_view text, std::string_view where) {
  const Error bad{
      Errc::kBadValue, std::string(where),
      "is not an RFC 3339 time such as 2026-08-25T00:00:00Z: '" + std::string(text.substr(0, 40)) + "'"};
  const int y = digits(text, 4);
  const bool dash1 = skip(text, '-');
  const int mo = digits(text, 2);
  const bool dash2 = skip(text, '-');
  const int d = digits(text, 2);
  const bool t = skip(text, 'T');
  const int h = digits(text, 2);
  const bool colon1 = skip(text, ':');
  const int mi = digits(text, 2);
  const bool colon2 = skip(text, ':');
  const int s = digits(text, 2);
  if (!dash1 || !dash2 || !t || !colon1 || !colon2 || y < 0 || mo < 0 || d < 0) return bad;
  if (h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 59) return bad;
  if (skip(text, '.')) {
    if (digits(text, 1) < 0) return bad;
    while (digits(text, 1) >= 0) {
    }
  }
  int east = 0;
  if (!offset(text, east) || !text.empty()) return bad;
  const year_month_day date(year(y), month(static_cast<unsigned>(mo)), day(static_cast<unsigned>(d)));
  if (!date.ok()) return bad;
  return UnixTime(sys_days(date)) + Seconds(h * 3600 + mi * 60 + s - east);
}

Result<Seconds> parse_duration(std::string_view text, std::string_view where) {
  const Error bad{Errc::kBadValue, std::string(where),
                  "is not a duration such as 90s, 10m or 1h30m: '" + std::string(text.substr(0, 40)) + "'"};
  Seconds total{0};
  std::int64_t previous_unit = 1'000'000;
  while (!text.empty()) {
    std::int64_t number = -1;
    for (int d = digits(text, 1); d >= 0; d = digits(text, 1)) {
      number = (number < 0 ? 0 : number) * 10 + d;
      if (number > kMaxDuration.count()) return bad;
    }
    const std::int64_t unit = skip(text, 'h') ? 3600 : skip(text, 'm') ? 60 : skip(text, 's') ? 1 : 0;
    if (number < 0 || unit == 0 || unit >= previous_unit) return bad;
    previous_unit = unit;
    total += Seconds(number * unit);
    if (total > kMaxDuration) return bad;
  }
  if (total <= Seconds(0)) return bad;
  return total;
}

std::string to_duration(Seconds seconds) {
  const auto count = seconds.count();
  if (count <= 0) return "0s";
  std::string out;
  if (count >= 3600) out += std::to_string(count / 3600) + "h";
  if (count % 3600 >= 60) out += std::to_string(count % 3600 / 60) + "m";
  if (count % 60 != 0) out += std::to_string(count % 60) + "s";
  return out;
}

}  // namespace nodeproof
