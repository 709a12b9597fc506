// Number 4: AMD's chain of a VCEK or VLEK (AMD 57230; azure-evidence 4).
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "attest/checks.hpp"
#include "attest/endorsement_cache.hpp"
#include "attest/endorsement_key.hpp"
#include "attest/revocation_list.hpp"
#include "attest/trust_anchors.hpp"

namespace nodeproof::attest {

struct ValidityWindow {
  UnixTime from;
  UnixTime until;
};

struct AmdChain {
  std::vector<Finding> findings;           // certificate-chain
  std::optional<ValidityWindow> validity;  // of the whole chain and its revocation lists, when it verified
};
// VCEK <- ASK <- ARK or VLEK <- ASVK <- ARK, with the ARK pinned for `product`, all valid at `now`, none
// revoked by those of `lists` that their issuers made. The ARK may be in `certificates` or not; it is
// trusted by its pin alone. `known` may be null.
AmdChain verify_amd_chain(const Certificate& key, const std::vector<Certificate>& certificates,
                          Product product, const TrustAnchors& anchors, std::span<const RevocationList> lists,
                          UnixTime now, EndorsementCache* known = nullptr);

}  // namespace nodeproof::attest
