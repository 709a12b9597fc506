// Text from elsewhere made fit for JSON and for the length limits of API objects. Pure.
#pragma once

#include <string>
#include <string_view>

namespace nodeproof::wire {

// `text` as well-formed UTF-8 of at most `max_bytes` bytes: each malformed byte becomes U+FFFD, and
// the cut falls between characters.
std::string valid_utf8(std::string_view text, std::size_t max_bytes);

}  // namespace nodeproof::wire
