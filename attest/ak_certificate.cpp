#include "attest/ak_certificate.hpp"

#include <algorithm>
#include <variant>

#include "attest/certificate_path.hpp"

namespace nodeproof::attest {
namespace {

constexpr std::size_t kMaxIntermediates = 4;              // Microsoft's hierarchies have one and two
constexpr std::string_view kAikPurpose = "2.23.133.8.3";  // tcg-kp-AIKCertificate

// How Microsoft marks the class of VM: both the subject's suffix and the policy (azure-evidence 7.1).
struct ClassMarks {
  std::string_view name;
  std::string_view subject_suffix;
  std::string_view policy;
};
constexpr ClassMarks kConfidentialMarks{"confidential", ".ConfidentialVM.Azure.windows.net",
                                        "1.3.6.1.4.1.311.108.200.2"};
constexpr ClassMarks kTrustedLaunchMarks{"Trusted Launch", ".TrustedVM.Azure.windows.net",
                                         "1.3.6.1.4.1.311.108"};

constexpr std::string_view kRootRemedy =
    "supply the intermediates and the root (trustAnchors.vtpm of the webhook, --trust-anchor or "
    "--certificates of the CLI); Microsoft publishes them at http://www.microsoft.com/pkiops/certs/";
constexpr std::string_view kListAddress = "http://www.microsoft.com/pkiops/crl/";

bool contains(const std::vector<std::string>& values, std::string_view wanted) {
  return std::find(values.begin(), values.end(), wanted) != values.end();
}

bool bears(const Certificate& leaf, const ClassMarks& marks) {
  const std::string& name = leaf.subject_common_name();
  return name.size() > marks.subject_suffix.size() && name.ends_with(marks.subject_suffix) &&
         contains(leaf.policy_oids(), marks.policy);
}

Finding refuse(std::string code, std::string detail, std::string remedy) {
  return failed(Check::kAkCertificate, std::move(code), std::move(detail), std::move(remedy));
}

// Subject, policy and purpose of the leaf; nothing when they are those of `node_class`.
std::optional<Finding> wrong_leaf(const Certificate& leaf, NodeClass node_class) {
  const bool confidential = node_class == NodeClass::kConfidential;
  const ClassMarks& wanted = confidential ? kConfidentialMarks : kTrustedLaunchMarks;
  const ClassMarks& other = confidential ? kTrustedLaunchMarks : kConfidentialMarks;
  if (!bears(leaf, wanted) || contains(leaf.policy_oids(), other.policy)) {
    return refuse("wrong-node-class",
                  "'" + leaf.subject_common_name() + "' is not the AK certificate of a " +
                      std::string(wanted.name) + " VM (subject *" + std::string(wanted.subject_suffix) +
                      " and policy " + std::string(wanted.policy) + ")",
                  "judge this node as the class of VM that it is");
  }
  if (leaf.is_ca() || !leaf.may_sign_data() || !contains(leaf.extended_key_usage_oids(), kAikPurpose)) {
    return refuse("wrong-purpose",
                  "the certificate is not for an attestation key (digitalSignature and extended key usage " +
                      std::string(kAikPurpose) + ", not a CA)",
                  "have the agent read NV 0x01C101D0 again; only Microsoft's AK certificate counts");
  }
  return std::nullopt;
}

Finding path_failed(const PathFailure& failure) {
  switch (failure.problem) {
    case PathProblem::kIssuerMissing:
      return refuse("chain-incomplete", failure.detail, std::string(kRootRemedy));
    case PathProblem::kSignatureInvalid:
      return refuse(
          "signature-invalid", failure.detail,
          "have the agent read NV 0x01C101D0 again; if this stays, the certificate is not Microsoft's");
    case PathProblem::kIssuerNotCa:
      return refuse("issuer-not-ca", failure.detail, std::string(kRootRemedy));
    case PathProblem::kCriticalExtension:
      return refuse("critical-extension", failure.detail,
                    "use a version of nodeproof that knows this form of certificate");
    case PathProblem::kRootNotPinned:
      return refuse(
          "root-not-pinned", failure.detail,
          "add the root to trustAnchors.vtpm only if you know whose it is; Azure's AK certificates end in a "
          "root that is built in");
    case PathProblem::kTooComplex:
      return refuse("chain-too-complex", failure.detail, std::string(kRootRemedy));
  }
  return refuse("unknown", failure.detail, std::string(kRootRemedy));
}

// From when to when the path counts: `grace` prolongs all but the root.
ValidityWindow window_of(const CertificatePath& path, Seconds grace) {
  const std::span<const Certificate> below_root(path.data(), path.size() - 1);
  return {latest_not_before(path), std::min(earliest_not_after(below_root) + grace, path.back().not_after())};
}

const Certificate& first_expired(const CertificatePath& path, UnixTime now) {
  return *std::find_if(path.begin(), path.end(),
                       [now](const Certificate& certificate) { return certificate.not_after() < now; });
}

AkCertificateResult judge_time(const CertificatePath& path, UnixTime now, Seconds grace) {
  for (const Certificate& certificate : path) {
    if (now >= certificate.not_before()) continue;
    return {refuse("not-yet-valid",
                   "'" + certificate.subject_common_name() + "' is valid only from " +
                       to_rfc3339(certificate.not_before()),
                   "check the clock of the verifier"),
            std::nullopt};
  }
  const ValidityWindow window = window_of(path, grace);
  const std::string leaf_name = "'" + path.front().subject_common_name() + "'";
  if (now <= earliest_not_after(path)) {
    return {
        passed(Check::kAkCertificate, leaf_name + ", valid until " + to_rfc3339(earliest_not_after(path))),
        window};
  }
  const Certificate& expired = first_expired(path, now);
  const std::string what =
      "'" + expired.subject_common_name() + "' expired at " + to_rfc3339(expired.not_after());
  constexpr std::string_view kRenew =
      "restart the VM so that Azure renews the AK certificate, or supply a current intermediate";
  if (now <= window.until) {
    Finding finding = passed(Check::kAkCertificate, what + "; accepted until " + to_rfc3339(window.until));
    finding.code = "expired-within-grace";
    finding.remedy = kRenew;
    return {std::move(finding), window};
  }
  return {refuse("expired", what, std::string(kRenew)), std::nullopt};
}

}  // namespace

AkCertificateResult verify_ak_certificate(const Certificate& leaf,
                                          const std::vector<Certificate>& intermediates,
                                          const PublicKey& quoting_key, NodeClass node_class,
                                          const TrustAnchors& anchors, std::span<const RevocationList> lists,
                                          UnixTime now, Seconds grace, EndorsementCache* known) {
  if (!(leaf.key() == quoting_key)) {
    return {
        refuse("key-mismatch", "the AK certificate is for another key than the one that signs quotes",
               "the vTPM's AK was replaced: redeploy the VM so that it gets its own AK and certificate back"),
        std::nullopt};
  }
  std::vector<Certificate> pool = intermediates;
  pool.insert(pool.end(), anchors.vtpm_certificates.begin(), anchors.vtpm_certificates.end());
  const auto found = find_path(
      leaf, pool,
      {.pinned_roots = anchors.vtpm, .max_intermediates = kMaxIntermediates, .now = now, .known = known});
  if (const auto* failure = std::get_if<PathFailure>(&found)) return {path_failed(*failure), std::nullopt};
  if (auto finding = wrong_leaf(leaf, node_class)) return {*std::move(finding), std::nullopt};
  const auto& path = std::get<CertificatePath>(found);
  RevocationState revocation = revocation_of(path, lists, now, kListAddress);
  if (auto& problem = revocation.problem) {
    return {refuse(std::move(problem->code), std::move(problem->detail), std::move(problem->remedy)),
            std::nullopt};
  }
  AkCertificateResult result = judge_time(path, now, grace);
  if (result.validity && revocation.next_update) {
    result.validity->until = std::min(result.validity->until, *revocation.next_update);
  }
  return result;
}

Finding no_ak_certificate() {
  return not_checked(Check::kAkCertificate, "no-ak-certificate", "no AK certificate was supplied",
                     "read NV index 0x01C101D0");
}

Finding residency_by_certificate(const Findings& findings, bool supplied) {
  constexpr Check kThis = Check::kAkResidency;
  if (has_passed(findings, Check::kAkCertificate)) return passed(kThis, "by AK certificate");
  if (supplied) return premise_failed(kThis, Check::kAkCertificate);
  return not_checked(kThis, "no-ak-certificate", "nothing shows that the AK lives in the vTPM",
                     "supply the AK certificate of NV index 0x01C101D0");
}

}  // namespace nodeproof::attest
