// Number 8: the AK certificate that Microsoft issues for a vTPM's AK (azure-evidence 7).
#pragma once

#include <optional>
#include <vector>

#include "attest/amd_chain.hpp"
#include "attest/checks.hpp"
#include "attest/trust_anchors.hpp"

namespace nodeproof::attest {

enum class NodeClass { kConfidential, kTrustedLaunch };

struct AkCertificateResult {
  Finding finding;                         // ak-certificate
  std::optional<ValidityWindow> validity;  // grace and revocation lists included, when passed
};

// Chain from `leaf` over `intermediates` (and those of `anchors`) to a pinned vTPM root; subject
// suffix and policy OID of `node_class`; AIK extended key usage; key equal to `quoting_key`; valid
// at `now`, or expired by at most `grace` (then passed with code "expired-within-grace"); not revoked
// by those of `lists` that CAs of its chain made. `known` may be null.
AkCertificateResult verify_ak_certificate(const Certificate& leaf,
                                          const std::vector<Certificate>& intermediates,
                                          const PublicKey& quoting_key, NodeClass node_class,
                                          const TrustAnchors& anchors, std::span<const RevocationList> lists,
                                          UnixTime now, Seconds grace, EndorsementCache* known = nullptr);

// Number 8 where no certificate was supplied.
Finding no_ak_certificate();
// Number 15 by number 8, whose finding is among `findings`: guest root can put a software key where the AK is
// looked for, so only a certificate for exactly that key shows that it lives in the vTPM.
Finding residency_by_certificate(const Findings& findings, bool supplied);

}  // namespace nodeproof::attest
