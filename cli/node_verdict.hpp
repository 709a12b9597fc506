// What can be concluded about a node by somebody without the cluster's epoch key. Pure.
#pragma once

#include "attest/verify.hpp"
#include "cli/node_objects.hpp"
#include "cli/verdict.hpp"

namespace nodeproof::cli {

// Numbers 1 to 11 and 14 as the webhook makes them, but that the nonce is the one NodeQuote carries:
// epoch-origin, evidence-age and epoch-future stay not-checked, and so does report-freshness. Node identity
// and boot are compared when a Node is there.
Verdict node_verdict(const NodeObjects& objects, const attest::VerifyParameters& parameters);

}  // namespace nodeproof::cli
