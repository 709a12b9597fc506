// GET of the host's endorsement cache (THIM). Plain HTTP on a link-local address, answered by the
// host: the reply is untrusted transport of certificates that authenticate themselves.
#pragma once

#include <stop_token>
#include <string>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace nodeproof::agent {

// The body of GET `base`/metadata/THIM/amd/certification, at most kThimReplyLimit bytes. No proxy,
// no redirect, all within `deadline`; throws EndorsementError with the remedy.
Bytes fetch_thim_certification(const std::string& base, const std::stop_token& stop,
                               Seconds deadline = Seconds(5));

}  // namespace nodeproof::agent
