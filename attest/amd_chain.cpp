#include "attest/amd_chain.hpp"

#include <algorithm>
#include <variant>

#include "attest/certificate_path.hpp"

namespace nodeproof::attest {
namespace {

AmdChain chain_failed(std::string code, std::string detail, std::string remedy) {
  return {{failed(Check::kCertificateChain, std::move(code), std::move(detail), std::move(remedy))},
          std::nullopt};
}

std::string address(SigningKey kind, Product product, std::string_view resource) {
  return std::string("https://kdsintf.amd.com/") + (kind == SigningKey::kVcek ? "vcek" : "vlek") + "/v1/" +
         std::string(to_string(product)) + "/" + std::string(resource);
}

// The CAs of one product line for one kind of key. The root signs both ASKs and ASVKs, and neither
// may vouch for the other's keys.
std::string issuer_name(SigningKey kind, Product product) {
  const std::string line(to_string(product));
  return kind == SigningKey::kVcek ? "SEV-" + line : "SEV-VLEK-" + line;
}

std::optional<SigningKey> kind_of(const Certificate& key) {
  const std::string& name = key.subject_common_name();
  if (name == "SEV-VCEK") return SigningKey::kVcek;
  if (name == "SEV-VLEK") return SigningKey::kVlek;
  return std::nullopt;
}

std::string renew(SigningKey kind) {
  return "fetch the " + std::string(to_string(kind)) + " and its chain anew";
}

AmdChain path_failed(const PathFailure& failure, SigningKey kind, Product product) {
  const std::string supply = "supply AMD's " + std::string(to_string(product)) + " certificates (" +
                             issuer_name(kind, product) + " and ARK) from " +
                             address(kind, product, "cert_chain") + " with the evidence";
  switch (failure.problem) {
    case PathProblem::kIssuerMissing:
      return chain_failed(failure.depth < 2 ? "chain-incomplete" : "root-missing", failure.detail, supply);
    case PathProblem::kSignatureInvalid:
      return chain_failed("signature-invalid", failure.detail,
                          renew(kind) + "; if this stays, the certificate is not AMD's");
    case PathProblem::kIssuerNotCa:
      return chain_failed("issuer-not-ca", failure.detail, supply);
    case PathProblem::kCriticalExtension:
      return chain_failed("critical-extension", failure.detail,
                          supply + "; none that AMD is known to issue has such an extension");
    case PathProblem::kRootNotPinned:
      return chain_failed("root-not-pinned", failure.detail + " for " + std::string(to_string(product)),
                          supply + "; only for emulated nodes add your own root to the trust anchors");
    case PathProblem::kTooComplex:
      return chain_failed("chain-too-complex", failure.detail, supply + " and nothing else");
  }
  return chain_failed("unknown", failure.detail, supply);
}

// The first certificate outside its validity decides the finding.
std::optional<AmdChain> out_of_date(const CertificatePath& path, SigningKey kind, UnixTime now) {
  for (const Certificate& certificate : path) {
    const std::string name = "'" + certificate.subject_common_name() + "'";
    if (now < certificate.not_before()) {
      return chain_failed("not-yet-valid",
                          name + " is valid only from " + to_rfc3339(certificate.not_before()),
                          "check the clock of the verifier");
    }
    if (now > certificate.not_after()) {
      return chain_failed("expired", name + " expired at " + to_rfc3339(certificate.not_after()),
                          renew(kind));
    }
  }
  return std::nullopt;
}

std::vector<Sha256Digest> pins_of(const TrustAnchors& anchors, Product product) {
  std::vector<Sha256Digest> pins;
  for (const AmdRoot& root : anchors.amd) {
    if (root.product == product) pins.push_back(root.spki_sha256);
  }
  return pins;
}

AmdChain chain_passed(const CertificatePath& path, const RevocationState& revocation) {
  ValidityWindow validity{latest_not_before(path), earliest_not_after(path)};
  if (revocation.next_update) validity.until = std::min(validity.until, *revocation.next_update);
  std::string detail = path[0].subject_common_name() + " under " + path[1].subject_common_name() + " under " +
                       path[2].subject_common_name() + ", valid until " + to_rfc3339(validity.until);
  if (revocation.lists > 0) detail += ", not revoked by " + std::to_string(revocation.lists) + " list(s)";
  return {{passed(Check::kCertificateChain, std::move(detail))}, validity};
}

}  // namespace

AmdChain verify_amd_chain(const Certificate& key, const std::vector<Certificate>& certificates,
                          Product product, const TrustAnchors& anchors, std::span<const RevocationList> lists,
                          UnixTime now, EndorsementCache* known) {
  const auto kind = kind_of(key);
  if (!kind) {
    return chain_failed("unsupported-key",
                        "the endorsement key's certificate is of '" + key.subject_common_name() +
                            "', not of SEV-VCEK or SEV-VLEK",
                        "supply the VCEK of this chip and TCB");
  }
  const std::vector<Sha256Digest> pins = pins_of(anchors, product);
  const auto found = find_path(key, certificates,
                               {.pinned_roots = pins, .max_intermediates = 1, .now = now, .known = known});
  if (const auto* failure = std::get_if<PathFailure>(&found)) return path_failed(*failure, *kind, product);

  const auto& path = std::get<CertificatePath>(found);
  const std::string issuer = issuer_name(*kind, product);
  if (path.size() != 3 || path[1].subject_common_name() != issuer) {
    return chain_failed("wrong-issuer",
                        "the " + std::string(to_string(*kind)) + " was issued by '" +
                            path[1].subject_common_name() + "', not by " + issuer,
                        "supply the " + std::string(to_string(*kind)) + " for this report's TCB");
  }
  if (auto finding = out_of_date(path, *kind, now)) return *std::move(finding);
  RevocationState revocation = revocation_of(path, lists, now, address(*kind, product, "crl"));
  if (auto& problem = revocation.problem) {
    return chain_failed(std::move(problem->code), std::move(problem->detail), std::move(problem->remedy));
  }
  return chain_passed(path, revocation);
}

}  // namespace nodeproof::attest
