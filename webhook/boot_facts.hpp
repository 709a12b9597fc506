// What a node's proof says of its boot, as labels and NodeAttestation show it (DESIGN 4.1). Pure.
#pragma once

#include <string>
#include <vector>

#include "webhook/node_trust.hpp"

namespace nodeproof::webhook {

struct BootFacts {
  // "verified" when the three below are; "failed" when one is refuted.
  std::string trusted_launch = "unknown";
  std::string secure_boot = "unknown";    // "enabled", "disabled"
  std::string vtpm = "unverified";        // "verified": the AK lives in it; "absent"
  std::string measured_boot = "unknown";  // "verified", "mismatch", "no-log"
  bool operator==(const BootFacts&) const = default;
};

// Without claims little is said: only what the phase's own code tells.
BootFacts boot_facts_of(const NodeTrust& trust);

// What the claims speak for and what not, in plain words, a sentence each. `identity`: the inventory's word.
std::vector<std::string> coverage_of(const attest::NodeClaims& claims, const attest::Finding& identity);

}  // namespace nodeproof::webhook
