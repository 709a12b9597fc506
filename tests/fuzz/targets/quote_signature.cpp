#include "attest/tpm_quote.hpp"

#include "tests/fuzz/target.hpp"

bool nodeproof::fuzz::one_input(ByteView input) {
  const auto signature = attest::parse_quote_signature(input);
  if (!accepted(signature)) return false;
  require(signature->size() == 256, "a signature has 256 bytes");
  require(equal(*signature, input.last(256)), "the signature is the input's end");
  require(equal(accepted_again(attest::parse_quote_signature(*signature)), *signature),
          "a bare signature is itself");
  return true;
}
