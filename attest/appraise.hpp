// appraise: Claims x Policy -> is this policy met by this node, now? Pure.
#pragma once

#include "attest/policy.hpp"
#include "attest/verify.hpp"

namespace nodeproof::attest {

// A verified pair: claims that one evidence and one quote over it gave together.
struct NodeClaims {
  BootClaims boot;
  QuoteClaims quote;
  UnixTime quoted_since;  // start of the epoch whose nonce the quote carries: it cannot be older
};

struct Appraisal {
  bool met = false;
  Findings findings;  // empty when met; else one per requirement that does not hold
};

// Seconds since the quote's epoch began; 0 when `now` is before it (the next epoch counts as now).
Seconds age_of(const NodeClaims& claims, UnixTime now);

// `max_age`: the smaller of the policy's maxEvidenceAge and what a pod asks for.
Appraisal appraise(const NodeClaims& claims, const AppraisalPolicy& policy, Seconds max_age, UnixTime now);

}  // namespace nodeproof::attest
