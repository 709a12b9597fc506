#include "attest/tpm_quote.hpp"

#include <tss2/tss2_mu.h>

namespace nodeproof::attest {
namespace {

constexpr std::size_t kRsaSignatureSize = 256;
constexpr std::uint8_t kEndorsementHierarchy[] = {0x40, 0x00, 0x00, 0x0B};
constexpr std::uint8_t kNameAlgSha256[] = {0x00, 0x0B};

// TPMT_PUBLIC of Azure's AK up to its modulus: RSA, nameAlg SHA-256, fixedTPM | fixedParent |
// sensitiveDataOrigin | userWithAuth | noDA | restricted | sign, no policy, no symmetric, RSASSA
// with SHA-256, 2048 bits, default exponent, 256 bytes (TPM 2.0 part 2, 12.2.4; azure-evidence 6.4).
constexpr std::uint8_t kAkPublicHead[] = {0x00, 0x01, 0x00, 0x0B, 0x00, 0x05, 0x04, 0x72,
                                          0x00, 0x00, 0x00, 0x10, 0x00, 0x14, 0x00, 0x0B,
                                          0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00};

Error error(Errc code, std::string field, std::string detail) {
  return {code, "quote." + std::move(field), std::move(detail)};
}

template <typename Tpm2b>
Bytes content(const Tpm2b& tpm2b, const BYTE* bytes) {
  return {bytes, bytes + tpm2b.size};
}

// Whether all of it is a TPM2B_ATTEST, the form in which TPM2_Quote answers and some stacks hand over.
bool is_tpm2b_attest(ByteView bytes) {
  std::size_t offset = 0;
  UINT16 size = 0;
  UINT32 magic = 0;
  return Tss2_MU_UINT16_Unmarshal(bytes.data(), bytes.size(), &offset, &size) == TSS2_RC_SUCCESS &&
         size == bytes.size() - offset &&
         Tss2_MU_UINT32_Unmarshal(bytes.data(), bytes.size(), &offset, &magic) == TSS2_RC_SUCCESS &&
         magic == TPM2_GENERATED_VALUE;
}

void read_selection(const TPML_PCR_SELECTION& list, TpmQuote& quote) {
  if (list.count != 1 || list.pcrSelections[0].hash != TPM2_ALG_SHA256 ||
      list.pcrSelections[0].sizeofSelect != 3) {
    return;
  }
  const BYTE* bits = list.pcrSelections[0].pcrSelect;
  quote.sha256_bank_only = true;
  quote.selection = PcrSelection(bits[0] | static_cast<std::uint32_t>(bits[1]) << 8U |
                                 static_cast<std::uint32_t>(bits[2]) << 16U);
}

Bytes ak_public_area(ByteView modulus) {
  Bytes area = to_bytes(kAkPublicHead);
  append(area, modulus);
  return area;
}

}  // namespace

Bytes with_name_alg(const Sha256Digest& digest) {
  Bytes out = to_bytes(kNameAlgSha256);
  append(out, digest);
  return out;
}

Result<TpmQuote> parse_tpms_attest(ByteView bytes) {
  // tss2-mu converts an attest only as a union keyed by type, so magic and type are read first.
  std::size_t offset = 0;
  UINT32 magic = 0;
  TPM2_ST type = 0;
  if (Tss2_MU_UINT32_Unmarshal(bytes.data(), bytes.size(), &offset, &magic) != TSS2_RC_SUCCESS ||
      Tss2_MU_TPM2_ST_Unmarshal(bytes.data(), bytes.size(), &offset, &type) != TSS2_RC_SUCCESS) {
    return error(Errc::kTruncated, "magic", "ends before magic and type");
  }
  if (is_tpm2b_attest(bytes)) {
    return error(
        Errc::kBadValue, "magic",
        "stands behind a size: give the TPMS_ATTEST without the two bytes of a TPM2B_ATTEST before it");
  }
  if (magic != TPM2_GENERATED_VALUE) {
    return error(Errc::kBadValue, "magic", "is not TPM_GENERATED_VALUE: no TPM made this structure");
  }
  if (type != TPM2_ST_ATTEST_QUOTE) return error(Errc::kUnsupported, "type", "is not TPM_ST_ATTEST_QUOTE");

  offset = 0;
  TPMS_ATTEST attest{};
  if (Tss2_MU_TPMS_ATTEST_Unmarshal(bytes.data(), bytes.size(), &offset, &attest) != TSS2_RC_SUCCESS) {
    return error(Errc::kTruncated, "attested", "is not a whole TPMS_ATTEST");
  }
  if (offset != bytes.size()) {
    return error(Errc::kTrailing, "end",
                 std::to_string(bytes.size() - offset) + " bytes follow the structure");
  }
  if (attest.clockInfo.safe != 0 && attest.clockInfo.safe != 1) {
    return error(Errc::kBadValue, "clockInfo.safe", "is neither 0 nor 1");
  }
  TpmQuote quote;
  quote.qualified_signer = content(attest.qualifiedSigner, attest.qualifiedSigner.name);
  quote.qualifying_data = content(attest.extraData, attest.extraData.buffer);
  quote.clock = attest.clockInfo.clock;
  quote.reset_count = attest.clockInfo.resetCount;
  quote.restart_count = attest.clockInfo.restartCount;
  quote.safe = attest.clockInfo.safe == 1;
  quote.firmware_version = attest.firmwareVersion;
  quote.pcr_digest = content(attest.attested.quote.pcrDigest, attest.attested.quote.pcrDigest.buffer);
  read_selection(attest.attested.quote.pcrSelect, quote);
  return quote;
}

Result<Bytes> parse_quote_signature(ByteView bytes) {
  if (bytes.size() == kRsaSignatureSize) return to_bytes(bytes);
  std::size_t offset = 0;
  TPMT_SIGNATURE signature{};
  if (Tss2_MU_TPMT_SIGNATURE_Unmarshal(bytes.data(), bytes.size(), &offset, &signature) != TSS2_RC_SUCCESS) {
    return error(Errc::kBadValue, "signature", "is neither 256 raw bytes nor a TPMT_SIGNATURE");
  }
  if (offset != bytes.size()) return error(Errc::kTrailing, "signature", "bytes follow the TPMT_SIGNATURE");
  if (signature.sigAlg != TPM2_ALG_RSASSA || signature.signature.rsassa.hash != TPM2_ALG_SHA256) {
    return error(Errc::kUnsupported, "signature", "is not RSASSA with SHA-256");
  }
  const TPM2B_PUBLIC_KEY_RSA& raw = signature.signature.rsassa.sig;
  if (raw.size != kRsaSignatureSize) return error(Errc::kBadValue, "signature", "is not 256 bytes long");
  return content(raw, raw.buffer);
}

Sha256Digest ak_name_digest(ByteView modulus) {
  return sha256(ak_public_area(modulus));
}

Bytes ak_name(ByteView modulus) {
  return with_name_alg(ak_name_digest(modulus));
}

Bytes ak_qualified_name(ByteView modulus) {
  Bytes chain = to_bytes(kEndorsementHierarchy);
  append(chain, ak_name(modulus));
  return with_name_alg(sha256(chain));
}

}  // namespace nodeproof::attest
