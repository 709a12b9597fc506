// spec.onLoss of an AttestationPolicy. Internal to wire/.
#pragma once

#include "attest/policy.hpp"
#include "wire/objects.hpp"

namespace nodeproof::wire {

// Refuses unknown members, a staleGracePeriod that is not longer than gracePeriod, and a deleteAfter without
// evict.
Result<attest::LossPolicy> parse_on_loss(const attest::JsonValue& section);

}  // namespace nodeproof::wire
