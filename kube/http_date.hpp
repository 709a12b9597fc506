// The Date header (RFC 9110 section 5.6.7, IMF-fixdate only: servers must send that). Pure.
// Internal to kube/.
#pragma once

#include <string_view>

#include "base/time.hpp"

namespace nodeproof::kube {

// "Tue, 24 Nov 2026 11:39:00 GMT"
Result<UnixTime> parse_http_date(std::string_view text);

}  // namespace nodeproof::kube
