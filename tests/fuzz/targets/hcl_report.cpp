#include "attest/hcl_report.hpp"

#include "tests/fuzz/target.hpp"

bool nodeproof::fuzz::one_input(ByteView input) {
  const auto hcl = attest::parse_hcl_report(input);
  if (!accepted(hcl)) return false;
  require(equal(hcl->framed, input.first(hcl->framed.size())), "the frame is the input's beginning");
  require(hcl->hardware_report.size() == 1184, "a hardware report has 1184 bytes");

  const Bytes again = attest::serialize_hcl_report(hcl->hardware_report, hcl->runtime_claims);
  const auto back = accepted_again(attest::parse_hcl_report(again));
  require(equal(back.hardware_report, hcl->hardware_report), "the hardware report goes through our frame");
  require(equal(back.runtime_claims, hcl->runtime_claims), "the claims go through our frame");
  return true;
}
