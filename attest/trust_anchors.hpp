// Pinned roots: AMD's ARK per product line and Microsoft's vTPM root, by SHA-256 of their
// SubjectPublicKeyInfo. A root is never taken from evidence.
#pragma once

#include <vector>

#include "attest/crypto.hpp"
#include "attest/tcb.hpp"

namespace nodeproof::attest {

struct AmdRoot {
  Product product;
  Sha256Digest spki_sha256;
};

struct TrustAnchors {
  std::vector<AmdRoot> amd;
  std::vector<Sha256Digest> vtpm;  // SPKI hashes of roots for AK certificates
  // Not trusted by themselves: intermediates of the AK certificate that no evidence carries
  // (hierarchy "Global Virtual TPM CA" has no AIA), and roots in full so that a chain can end.
  std::vector<Certificate> vtpm_certificates;
  std::size_t extra = 0;  // how many roots an admin added to the built-in ones
};

// ARK-Milan, ARK-Genoa and Azure Virtual TPM Root Certificate Authority 2023.
TrustAnchors built_in_trust_anchors();

// Adds the admin's own roots. AMD roots must be self-issued with a CN "ARK-<product>"; of `vtpm`
// the self-issued certificates become roots, the others intermediates.
Status add_trust_anchors(TrustAnchors& anchors, const std::vector<Certificate>& amd,
                         const std::vector<Certificate>& vtpm);

}  // namespace nodeproof::attest
