// TPMS_ATTEST, signatures and names (TPM 2.0 part 2, 10.12, 11.3, 10.5; azure-evidence 6).
#include "attest/event_log.hpp"
#include "attest/pcr.hpp"
#include "cli/recognisers.hpp"
#include "cli/tpm_names.hpp"

namespace nodeproof::cli {
namespace {

constexpr std::uint32_t kGeneratedValue = 0xFF544347;  // "\xffTCG"
constexpr std::uint16_t kAttestCertify = 0x8017;
constexpr std::uint16_t kAttestQuote = 0x8018;
constexpr std::uint16_t kRsaSsa = 0x0014;
constexpr std::uint16_t kRsaPss = 0x0016;
constexpr std::uint16_t kEcdsa = 0x0018;
constexpr std::size_t kRsa2048Signature = 256;

std::string hex_or_empty(ByteView bytes) {
  return bytes.empty() ? "(empty)" : to_hex(bytes);
}

std::string selected_pcrs(ByteView bits) {
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < bits.size() && i < 3; ++i)
    mask |= static_cast<std::uint32_t>(bits[i]) << (8 * i);
  return attest::PcrSelection(mask).describe();
}

Result<std::vector<Item>> read_selections(ByteReader& reader) {
  const std::size_t start = reader.offset();
  NODEPROOF_TRY(count, reader.u32be("pcrSelect.count"));
  if (count > 16) return reader.error(Errc::kBadValue, "pcrSelect.count", start, "is more than 16");
  std::vector<Item> out;
  for (std::uint32_t i = 0; i < count; ++i) {
    NODEPROOF_TRY(hash, reader.u16be("pcrSelect.hash"));
    NODEPROOF_TRY(size, reader.u8("pcrSelect.sizeofSelect"));
    NODEPROOF_TRY(bits, reader.take(size, "pcrSelect.pcrSelect"));
    out.emplace_back(std::string(), attest::hash_name(hash) + ": " + selected_pcrs(bits));
  }
  return out;
}

Status read_quote(ByteReader& reader, Description& out) {
  NODEPROOF_TRY(selections, read_selections(reader));
  if (selections.empty()) {
    out.add("pcrSelect", "(none)");
  } else {
    out.add("pcrSelect", std::move(selections));
  }
  NODEPROOF_TRY(digest, take_tpm2b(reader, "pcrDigest"));
  out.add_hex("pcrDigest", digest);
  return reader.finish();
}

Status read_certify(ByteReader& reader, Description& out) {
  NODEPROOF_TRY(name, take_tpm2b(reader, "name"));
  NODEPROOF_TRY(qualified_name, take_tpm2b(reader, "qualifiedName"));
  out.add_hex("name", name);
  out.add_hex("qualifiedName", qualified_name);
  return reader.finish();
}

Status read_attest(ByteReader& reader, Description& out) {
  NODEPROOF_CHECK(reader.take(4, "magic"));
  NODEPROOF_TRY(type, reader.u16be("type"));
  out.add("type", structure_tag_text(type));
  if (type == kAttestQuote) out.title = "TPM 2.0 quote (TPMS_ATTEST)";
  NODEPROOF_TRY(signer, take_tpm2b(reader, "qualifiedSigner"));
  NODEPROOF_TRY(extra, take_tpm2b(reader, "extraData"));
  out.add_hex("qualifiedSigner", signer);
  out.add("extraData", hex_or_empty(extra) + (extra.empty() ? ": no challenge was answered" : ""));
  NODEPROOF_TRY(clock, reader.u64be("clock"));
  NODEPROOF_TRY(reset_count, reader.u32be("resetCount"));
  NODEPROOF_TRY(restart_count, reader.u32be("restartCount"));
  NODEPROOF_TRY(safe, reader.u8("safe"));
  NODEPROOF_TRY(firmware, reader.u64be("firmwareVersion"));
  out.add("clock", std::to_string(clock) + " ms");
  out.add("resetCount", reset_count);
  out.add("restartCount", restart_count);
  out.add("safe", safe == 1 ? "yes" : "no");
  out.add("firmwareVersion", hex_number(firmware, 16));
  if (type == kAttestQuote) return read_quote(reader, out);
  if (type == kAttestCertify) return read_certify(reader, out);
  NODEPROOF_TRY(rest, reader.take(reader.remaining(), "attested"));
  out.add_hex("attested", rest);
  return Ok{};
}

Status read_signature(ByteReader& reader, std::uint16_t algorithm, Description& out) {
  NODEPROOF_TRY(hash, reader.u16be("hash"));
  out.add("hash", algorithm_text(hash));
  if (algorithm == kEcdsa) {
    NODEPROOF_TRY(r, take_tpm2b(reader, "signatureR"));
    NODEPROOF_TRY(s, take_tpm2b(reader, "signatureS"));
    out.add_hex("r", r);
    out.add_hex("s", s);
  } else {
    NODEPROOF_TRY(signature, take_tpm2b(reader, "signature"));
    out.add_hex("signature", signature);
  }
  return reader.finish();
}

}  // namespace

Recognised recognise_tpms_attest(const InspectedFile& file) {
  ByteReader magic(file.content, "attest");
  const auto value = magic.u32be("magic");
  if (!value || *value != kGeneratedValue) return std::nullopt;
  Description out;
  out.kind = "tpms-attest";
  out.title = "TPM 2.0 attestation (TPMS_ATTEST)";
  ByteReader reader(file.content, "attest");
  const Status read = read_attest(reader, out);
  if (!read) out.add_problem(read.error());
  return out;
}

Recognised recognise_tpmt_signature(const InspectedFile& file) {
  ByteReader reader(file.content, "signature");
  const auto algorithm = reader.u16be("sigAlg");
  const auto hash = reader.u16be("hash");
  if (!algorithm || !hash || !is_hash_algorithm(*hash)) return std::nullopt;
  if (*algorithm != kRsaSsa && *algorithm != kRsaPss && *algorithm != kEcdsa) return std::nullopt;
  Description out;
  out.kind = "tpmt-signature";
  out.title = "TPM 2.0 signature (TPMT_SIGNATURE)";
  out.add("algorithm", algorithm_text(*algorithm));
  ByteReader body(file.content, "signature");
  static_cast<void>(body.u16be("sigAlg"));
  const Status read = read_signature(body, *algorithm, out);
  if (!read) out.add_problem(read.error());
  return out;
}

Recognised recognise_raw_signature(const InspectedFile& file) {
  if (file.content.size() != kRsa2048Signature || all_zero(file.content)) return std::nullopt;
  Description out;
  out.kind = "raw-signature";
  out.title = "256 bytes: by its size a raw RSA-2048 signature, of a quote perhaps";
  out.add_hex("signature", file.content);
  return out;
}

// nameAlg and a digest of it; handles (4 bytes) are no files.
Recognised recognise_tpm_name(const InspectedFile& file) {
  ByteReader reader(file.content, "name");
  const auto algorithm = reader.u16be("nameAlg");
  if (!algorithm) return std::nullopt;
  const auto size = attest::hash_size(*algorithm);
  if (!size || reader.remaining() != *size) return std::nullopt;
  Description out;
  out.kind = "tpm-name";
  out.title = "TPM 2.0 name of a key or NV index (TPM2B_NAME content)";
  out.add("nameAlg", algorithm_text(*algorithm));
  out.add_hex("digest", *reader.take(*size, "digest"));
  return out;
}

}  // namespace nodeproof::cli
