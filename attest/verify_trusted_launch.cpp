// Numbers 8 and 15 of a Trusted Launch VM. Its vTPM is run by the host, so nothing of the hardware speaks for
// it: all rests on Microsoft's certificate for its AK, and on what the quote covers.
#include "attest/verify.hpp"

namespace nodeproof::attest {

struct TrustedLaunchVerifier {
  const TrustedLaunchEvidence& evidence;
  const VerifyParameters& parameters;
  BootVerification out{};
  std::optional<ValidityWindow> validity{};

  BootVerification verify() {
    out.node_class = NodeClass::kTrustedLaunch;
    out.strict = parameters.trusted_launch_strict;
    ak_certificate();
    add(residency_by_certificate(out.findings, evidence.ak_certificate.has_value()));
    out.unverified_log = read_boot_log_if_any(evidence.event_log, parameters.known_pcrs);
    if (validity && out.unverified_ak)
      out.claims = BootClaims(nullptr, out.unverified_ak->name, Residency::kCertificate, *validity);
    return std::move(out);
  }

  void add(Finding finding) { out.findings.push_back(std::move(finding)); }

  // Number 8. That its key is the quoting key is seen when there is a quote.
  void ak_certificate() {
    constexpr Check kThis = Check::kAkCertificate;
    if (!evidence.ak_certificate) return add(no_ak_certificate());
    const PublicKey& key = evidence.ak_certificate->key();
    if (!key.is_rsa2048()) {
      return add(failed(kThis, "wrong-key-type", "the AK certificate's key is not of RSA-2048",
                        "have the agent read NV 0x01C101D0 again; Azure's AKs are RSA-2048"));
    }
    out.unverified_ak.emplace(key);
    AkCertificateResult result =
        verify_ak_certificate(*evidence.ak_certificate, evidence.certificates, key, NodeClass::kTrustedLaunch,
                              parameters.anchors, parameters.revocation_lists, parameters.now,
                              parameters.ak_certificate_grace, parameters.known_endorsements);
    validity = result.validity;
    add(std::move(result.finding));
  }
};

BootVerification verify_trusted_launch(const TrustedLaunchEvidence& evidence,
                                       const VerifyParameters& parameters) {
  return TrustedLaunchVerifier{.evidence = evidence, .parameters = parameters}.verify();
}

}  // namespace nodeproof::attest
