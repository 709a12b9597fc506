#include "attest/crypto.hpp"
#include "tests/fuzz/target.hpp"

namespace nodeproof::fuzz {
namespace {

// What verification asks of a certificate before anything vouches for it.
void ask_everything(const attest::Certificate& certificate) {
  certificate.subject_common_name();
  certificate.subject();
  certificate.issuer();
  certificate.serial_hex();
  certificate.not_before();
  certificate.not_after();
  certificate.key().rsa_modulus();
  certificate.spki_sha256();
  certificate.is_self_issued();
  certificate.is_ca();
  certificate.may_issue(1);
  certificate.may_sign_data();
  certificate.policy_oids();
  certificate.extended_key_usage_oids();
  accepted(certificate.extension("1.3.6.1.4.1.3704.1.1"));
  certificate.is_signed_by(certificate);
}

}  // namespace

bool one_input(ByteView input) {
  const auto certificates = attest::parse_certificates(input, "certificates");
  if (!accepted(certificates)) return false;
  require(!certificates->empty() && certificates->size() <= attest::kMaxCertificates,
          "the number of certificates is within its limit");
  for (const attest::Certificate& certificate : *certificates) {
    ask_everything(certificate);
    const auto back = accepted_again(attest::Certificate::parse_der(certificate.der(), "certificate"));
    require(back.sha256() == certificate.sha256(), "a certificate's DER is that certificate");
  }
  return true;
}

}  // namespace nodeproof::fuzz
