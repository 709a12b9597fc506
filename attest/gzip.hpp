// gzip (RFC 1952) as event logs travel in it.
#pragma once

#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace nodeproof::attest {

// One gzip member and nothing after it, of at most `limit` bytes unpacked; never more memory than that, so
// a small bomb stays small. Errors name `where`.
Result<Bytes> gunzip(ByteView packed, std::size_t limit, std::string_view where);
// The inverse. Throws std::bad_alloc only.
Bytes gzip(ByteView bytes);

}  // namespace nodeproof::attest
