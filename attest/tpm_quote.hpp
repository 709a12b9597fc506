// TPM 2.0 quotes (TPM 2.0 part 2, 10.12; azure-evidence 6): parsing by tss2-mu, and the AK's name.
#pragma once

#include <optional>

#include "attest/crypto.hpp"
#include "attest/pcr.hpp"

namespace nodeproof::attest {

// Clock and counters are plain numbers because the AK is in the endorsement hierarchy.
struct TpmQuote {
  Bytes qualified_signer;   // TPM2B_NAME content: nameAlg and digest
  Bytes qualifying_data;    // extraData
  std::uint64_t clock = 0;  // milliseconds
  std::uint32_t reset_count = 0;
  std::uint32_t restart_count = 0;
  bool safe = false;
  std::uint64_t firmware_version = 0;
  bool sha256_bank_only = false;  // exactly one selection, of the SHA-256 bank
  PcrSelection selection;         // of that bank; empty when sha256_bank_only is false
  Bytes pcr_digest;
};

// Exactly one TPMS_ATTEST: magic TPM_GENERATED_VALUE, type TPM_ST_ATTEST_QUOTE, nothing after it.
Result<TpmQuote> parse_tpms_attest(ByteView bytes);

// Raw 256 RSASSA bytes, or a TPMT_SIGNATURE of RSASSA with SHA-256; gives the raw 256 bytes.
Result<Bytes> parse_quote_signature(ByteView bytes);

// The Name of the AK with this modulus under Azure's AK template, the digest in it, and the qualified name
// it has as a primary of the endorsement hierarchy (azure-evidence 6.4).
Sha256Digest ak_name_digest(ByteView modulus);
Bytes ak_name(ByteView modulus);
Bytes with_name_alg(const Sha256Digest& digest);  // the Name with this digest
Bytes ak_qualified_name(ByteView modulus);

}  // namespace nodeproof::attest
