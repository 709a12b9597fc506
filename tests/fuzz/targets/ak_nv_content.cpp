// What the AK certificate's NV index holds: one DER certificate and padding.
#include "attest/crypto.hpp"
#include "tests/fuzz/target.hpp"

bool nodeproof::fuzz::one_input(ByteView input) {
  const auto der = attest::cut_der(input, "AK certificate");
  if (!accepted(der)) return false;
  require(der->size() <= input.size() && equal(*der, input.first(der->size())), "DER is cut, not changed");
  require(equal(accepted_again(attest::cut_der(*der, "AK certificate")), *der), "what was cut stays whole");

  const auto certificate = attest::Certificate::parse_der(*der, "AK certificate");
  if (accepted(certificate)) require(equal(certificate->der(), *der), "a certificate keeps its bytes");
  return true;
}
