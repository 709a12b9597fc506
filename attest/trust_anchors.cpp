#include "attest/trust_anchors.hpp"

#include <algorithm>

namespace nodeproof::attest {
namespace {

constexpr std::string_view kArkPrefix = "ARK-";

// SHA-256 of the DER SubjectPublicKeyInfo (azure-evidence 4.4 and 7.2).
constexpr std::string_view kArkMilan = "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9";
constexpr std::string_view kArkGenoa = "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831";
constexpr std::string_view kArkTurin = "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08";
constexpr std::string_view kAzureVtpmRoot2023 =
    "5cbc52672ae101263c2976736044a964c1182ce9412c39937183baddcccb8cdf";

Sha256Digest pin(std::string_view hex) {
  const auto bytes = from_hex(hex, "built-in trust anchor");
  return to_array<32>(bytes.value(), "built-in trust anchor").value();
}

std::string named(const Certificate& root) {
  return "'" + root.subject() + "' (SHA-256 of SPKI " + to_hex(root.spki_sha256()) + ")";
}

Error refused(const Certificate& certificate, Errc code, std::string detail) {
  return {code, "trust anchor '" + certificate.subject() + "'", std::move(detail)};
}

// What a root must be to end a chain; otherwise it would be accepted here and never found to match.
Status usable_root(const Certificate& certificate) {
  if (!certificate.is_self_issued()) {
    return refused(certificate, Errc::kBadValue,
                   "is not self-issued: only a root can be a trust anchor here");
  }
  if (!certificate.is_signed_by(certificate)) {
    return refused(certificate, Errc::kBadValue, "is not signed by its own key");
  }
  if (!certificate.may_issue(0)) {
    return refused(certificate, Errc::kBadValue, "is not a CA that may sign certificates");
  }
  return Ok{};
}

Status add_amd_root(TrustAnchors& anchors, const Certificate& certificate) {
  NODEPROOF_CHECK(usable_root(certificate));
  const std::string& name = certificate.subject_common_name();
  if (!name.starts_with(kArkPrefix)) {
    return refused(certificate, Errc::kBadValue, "must have a common name ARK-<product>, such as ARK-Milan");
  }
  NODEPROOF_TRY(product,
                parse_product(std::string_view(name).substr(kArkPrefix.size()), "trust anchor " + name));
  const Sha256Digest spki = certificate.spki_sha256();
  const bool known = std::any_of(anchors.amd.begin(), anchors.amd.end(), [&](const AmdRoot& root) {
    return root.product == product && root.spki_sha256 == spki;
  });
  if (known) return Ok{};
  anchors.amd.push_back({product, spki});
  anchors.extra.push_back(named(certificate));
  return Ok{};
}

Status add_vtpm_certificate(TrustAnchors& anchors, const Certificate& certificate) {
  if (certificate.is_self_issued()) {
    NODEPROOF_CHECK(usable_root(certificate));
    const Sha256Digest spki = certificate.spki_sha256();
    if (std::find(anchors.vtpm.begin(), anchors.vtpm.end(), spki) == anchors.vtpm.end()) {
      anchors.vtpm.push_back(spki);
      anchors.extra.push_back(named(certificate));
    }
  } else if (!certificate.may_issue(0)) {
    return refused(certificate, Errc::kBadValue, "is neither a root nor an intermediate CA");
  }
  anchors.vtpm_certificates.push_back(certificate);
  return Ok{};
}

}  // namespace

TrustAnchors built_in_trust_anchors() {
  TrustAnchors anchors;
  anchors.amd = {{Product::kMilan, pin(kArkMilan)},
                 {Product::kGenoa, pin(kArkGenoa)},
                 {Product::kTurin, pin(kArkTurin)}};
  anchors.vtpm = {pin(kAzureVtpmRoot2023)};
  anchors.vtpm_certificates =
      parse_certificates(as_bytes(built_in_vtpm_certificates()), "built-in vTPM certificates").value();
  return anchors;
}

Status add_trust_anchors(TrustAnchors& anchors, const std::vector<Certificate>& amd,
                         const std::vector<Certificate>& vtpm) {
  TrustAnchors added = anchors;  // all or nothing
  for (const Certificate& certificate : amd) NODEPROOF_CHECK(add_amd_root(added, certificate));
  for (const Certificate& certificate : vtpm) NODEPROOF_CHECK(add_vtpm_certificate(added, certificate));
  anchors = std::move(added);
  return Ok{};
}

Status add_trust_anchors(TrustAnchors& anchors, const std::vector<Certificate>& mixed) {
  std::vector<Certificate> amd;
  std::vector<Certificate> vtpm;
  for (const Certificate& certificate : mixed) {
    const bool is_ark =
        certificate.is_self_issued() && certificate.subject_common_name().starts_with(kArkPrefix);
    (is_ark ? amd : vtpm).push_back(certificate);
  }
  return add_trust_anchors(anchors, amd, vtpm);
}

}  // namespace nodeproof::attest
