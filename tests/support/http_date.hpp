// The Date header as servers write it (IMF-fixdate, RFC 9110 section 5.6.7).
#pragma once

#include <ctime>
#include <string>

#include "base/time.hpp"

namespace nodeproof::test {

inline std::string http_date(UnixTime time) {
  const std::time_t seconds = to_unix(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[40];
  std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text;
}

}  // namespace nodeproof::test
