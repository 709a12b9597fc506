// AttestationPolicy (ap) -> attest::AppraisalPolicy. Unknown fields, empty lists and combinations
// that no node can meet are refused with the sentence that says so.
#pragma once

#include "attest/policy.hpp"
#include "wire/objects.hpp"

namespace nodeproof::wire {

Result<attest::AppraisalPolicy> parse_attestation_policy(const attest::JsonValue& object);

}  // namespace nodeproof::wire
