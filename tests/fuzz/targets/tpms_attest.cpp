#include "attest/tpm_quote.hpp"

#include "tests/fuzz/target.hpp"

bool nodeproof::fuzz::one_input(ByteView input) {
  const auto quote = attest::parse_tpms_attest(input);
  if (!accepted(quote)) return false;
  require(quote->sha256_bank_only || quote->selection == attest::PcrSelection{},
          "a selection is of the SHA-256 bank alone");

  require(!attest::parse_tpms_attest(input.first(input.size() - 1)), "a quote that lacks a byte is refused");
  Bytes longer = to_bytes(input);
  longer.push_back(0);
  require(!attest::parse_tpms_attest(longer), "a byte after a quote is refused");
  return true;
}
