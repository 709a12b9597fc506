// The file behind `--reference-values` and the webhook's `referenceValues`: it replaces the built-in
// list of genuine paravisors.
//
//   paravisors:
//     - product: Milan
//       idKeyDigest: <96 hex digits>
//       minimumGuestSvn: 8
//       source: "seen on our pool, 2026-11"   # optional
#pragma once

#include "attest/reference_values.hpp"
#include "base/result.hpp"

namespace nodeproof::wire {

Result<attest::ReferenceValues> parse_reference_values(std::string_view yaml, std::string what);

}  // namespace nodeproof::wire
