// Pinned roots: AMD's ARK per product line and Microsoft's vTPM root, by SHA-256 of their
// SubjectPublicKeyInfo. A root is never taken from evidence.
#pragma once

#include <string>
#include <string_view>
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
  // The roots that an admin added to the built-in ones, as "'SUBJECT' (SHA-256 of SPKI HEX)": shown, so
  // that nobody trusts them by accident.
  std::vector<std::string> extra;
};

// ARK-Milan, ARK-Genoa, ARK-Turin and Azure Virtual TPM Root Certificate Authority 2023; with the
// certificates of vtpm_certificates_data.cpp.
TrustAnchors built_in_trust_anchors();

// What Microsoft publishes of its vTPM PKI, in PEM: that root and the intermediates in use.
std::string_view built_in_vtpm_certificates();

// Adds the admin's own roots. AMD roots must be self-issued with a CN "ARK-<product>"; of `vtpm`
// the self-issued certificates become roots, the others intermediates.
Status add_trust_anchors(TrustAnchors& anchors, const std::vector<Certificate>& amd,
                         const std::vector<Certificate>& vtpm);
// The same with AMD's and vTPM certificates mixed: a self-issued "ARK-..." is AMD's.
Status add_trust_anchors(TrustAnchors& anchors, const std::vector<Certificate>& mixed);

}  // namespace nodeproof::attest
