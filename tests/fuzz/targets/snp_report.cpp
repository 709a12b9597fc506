#include "attest/snp_report.hpp"

#include "tests/fuzz/target.hpp"

bool nodeproof::fuzz::one_input(ByteView input) {
  const auto report = attest::parse_snp_report(input);
  if (!accepted(report)) return false;
  require(equal(attest::serialize_snp_report(*report), input), "a report has one encoding");
  return true;
}
