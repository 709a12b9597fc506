// Evidence to measure with: forged with keys of AMD's sizes, and recorded on Azure where there is any.
#pragma once

#include <string>
#include <vector>

#include "attest/verify.hpp"

namespace nodeproof::bench {

struct VerifyInputs {
  std::string name;
  attest::TrustAnchors anchors;
  attest::ReferenceValues reference_values;
  UnixTime now;
  Bytes hcl_report;
  std::vector<Bytes> certificates;  // DER: VCEK, ASK, ARK
  Bytes report;                     // the SNP report in hcl_report
  Bytes ak_modulus;
  attest::QuoteEvidence quote;
  Bytes quote_signature;  // the bare 256 bytes
  attest::ExpectedQualifyingData expected;
  attest::RequiredPcrs required_pcrs;
};

// The forged evidence takes seconds: it makes two RSA keys of 4096 bits. Throws std::runtime_error
// when what it made or read does not verify.
std::vector<VerifyInputs> all_verify_inputs();

}  // namespace nodeproof::bench
