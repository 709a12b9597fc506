#include "tests/emulator/attestation_key.hpp"

#include "tests/emulator/random.hpp"

namespace nodeproof::emulator {
namespace {

constexpr auto kClockSlack = std::chrono::hours(1);
constexpr auto kAkLifetime = std::chrono::hours(24 * 365);

forge::AkCertificateOptions shape_of(NodeClass node_class) {
  const bool confidential = node_class == NodeClass::kConfidential;
  const std::string_view suffix = confidential ? forge::kConfidentialSuffix : forge::kTrustedLaunchSuffix;
  forge::AkCertificateOptions options;
  options.common_name = to_hex(random_bytes(6)) + std::string(suffix);
  options.policy_oid = confidential ? forge::kConfidentialPolicyOid : forge::kTrustedLaunchPolicyOid;
  return options;
}

}  // namespace

void make_attestation_key(TpmCommands& tpm) {
  if (!tpm.rsa_modulus(kAkHandle)) tpm.make_ak(kAkHandle, {});
}

void certify_attestation_key(TpmCommands& tpm, const forge::VtpmAuthority& issuer, NodeClass node_class,
                             UnixTime now) {
  const Bytes modulus = tpm.rsa_modulus(kAkHandle).value();
  if (tpm.nv_size(kAkCertificateIndex)) {
    const auto der = attest::cut_der(tpm.read_nv(kAkCertificateIndex), "AK certificate");
    const auto present = attest::Certificate::parse_der(der ? *der : Bytes{}, "AK certificate");
    if (present && equal(present->key().rsa_modulus(), modulus)) return;
  }
  forge::AkCertificateOptions options = shape_of(node_class);
  options.validity = {now - kClockSlack, now + kAkLifetime};
  tpm.write_platform_nv(kAkCertificateIndex, forge::issue_ak_certificate(issuer, modulus, options).der());
}

void remove_certificate(TpmCommands& tpm) {
  if (tpm.nv_size(kAkCertificateIndex)) tpm.undefine_platform_nv(kAkCertificateIndex);
}

void swap_attestation_key(TpmCommands& tpm) {
  tpm.make_ak(kAkHandle, random_bytes(32));
}

}  // namespace nodeproof::emulator
