#include "attest/runtime_claims.hpp"

#include "tests/fuzz/target.hpp"

bool nodeproof::fuzz::one_input(ByteView input) {
  const auto claims = attest::parse_runtime_claims(input);
  const auto ak = attest::parse_claimed_ak(input);
  accepted(ak);
  if (!accepted(claims)) return false;
  require(ak.has_value() && *ak == claims->ak, "both readers find the same AK");
  require(claims->ak.is_rsa2048(), "the AK is RSA-2048");
  require(claims->vm_unique_id.size() == 36, "the VM id is a canonical UUID");
  return true;
}
