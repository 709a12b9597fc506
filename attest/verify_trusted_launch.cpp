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
    ak_residency();
    if (!evidence.event_log.empty())
      out.unverified_log =
          std::make_shared<const Result<BootLog>>(read_boot_log(evidence.event_log, parameters.known_pcrs));
    if (validity) out.claims = BootClaims(nullptr, true, *validity);
    return std::move(out);
  }

  void add(Finding finding) { out.findings.push_back(std::move(finding)); }

  // Number 8. That its key is the quoting key is seen when there is a quote.
  void ak_certificate() {
    constexpr Check kThis = Check::kAkCertificate;
    if (!evidence.ak_certificate) {
      return add(not_checked(kThis, "no-ak-certificate", "no AK certificate was supplied",
                             "read NV index 0x01C101D0"));
    }
    const PublicKey& key = evidence.ak_certificate->key();
    const Bytes modulus = key.rsa_modulus();
    if (!key.is_rsa2048()) {
      return add(failed(kThis, "wrong-key-type", "the AK certificate's key is not of RSA-2048",
                        "have the agent read NV 0x01C101D0 again; Azure's AKs are RSA-2048"));
    }
    out.unverified_ak = {key, ak_qualified_name(modulus)};
    AkCertificateResult result =
        verify_ak_certificate(*evidence.ak_certificate, evidence.certificates, key, NodeClass::kTrustedLaunch,
                              parameters.anchors, parameters.revocation_lists, parameters.now,
                              parameters.ak_certificate_grace, parameters.known_endorsements);
    validity = result.validity;
    add(std::move(result.finding));
  }

  // Number 15
  void ak_residency() {
    constexpr Check kThis = Check::kAkResidency;
    if (has_passed(out.findings, Check::kAkCertificate)) return add(passed(kThis, "by AK certificate"));
    if (evidence.ak_certificate) return add(premise_failed(kThis, Check::kAkCertificate));
    add(not_checked(kThis, "no-ak-certificate", "nothing shows that the AK lives in the vTPM",
                    "supply the AK certificate of NV index 0x01C101D0"));
  }
};

BootVerification verify_trusted_launch(const TrustedLaunchEvidence& evidence,
                                       const VerifyParameters& parameters) {
  return TrustedLaunchVerifier{.evidence = evidence, .parameters = parameters}.verify();
}

}  // namespace nodeproof::attest
