// TPMT_PUBLIC and TPM2B_PUBLIC of RSA and ECC keys (TPM 2.0 part 2, 12.2.4; azure-evidence 6.4).
#include "attest/crypto.hpp"
#include "attest/event_log.hpp"
#include "cli/recognisers.hpp"
#include "cli/tpm_names.hpp"

namespace nodeproof::cli {
namespace {

constexpr std::uint16_t kRsa = 0x0001;
constexpr std::uint16_t kEcc = 0x0023;
constexpr std::uint16_t kNull = 0x0010;
constexpr std::uint16_t kRsaEs = 0x0015;
constexpr std::uint16_t kEcdaa = 0x001A;
constexpr std::size_t kSmallestPublic = 20;

struct Attribute {
  unsigned bit;
  const char* name;
};
constexpr Attribute kAttributes[] = {
    {1, "fixedTPM"},     {2, "stClear"},         {4, "fixedParent"}, {5, "sensitiveDataOrigin"},
    {6, "userWithAuth"}, {7, "adminWithPolicy"}, {10, "noDA"},       {11, "encryptedDuplication"},
    {16, "restricted"},  {17, "decrypt"},        {18, "sign"},
};

std::string attributes_text(std::uint32_t value) {
  std::string out = hex_number(value, 8) + ":";
  for (const Attribute& attribute : kAttributes) {
    if ((value >> attribute.bit & 1U) != 0) out += " " + std::string(attribute.name);
  }
  return out;
}

std::string curve_text(std::uint16_t curve) {
  switch (curve) {
    case 3:
      return "NIST P-256 (0x0003)";
    case 4:
      return "NIST P-384 (0x0004)";
    case 5:
      return "NIST P-521 (0x0005)";
    default:
      return hex_number(curve, 4);
  }
}

// TPMT_SYM_DEF_OBJECT
Status read_symmetric(ByteReader& reader, Description& out) {
  NODEPROOF_TRY(algorithm, reader.u16be("symmetric"));
  std::string text = algorithm_text(algorithm);
  if (algorithm != kNull) {
    NODEPROOF_TRY(bits, reader.u16be("symmetric.keyBits"));
    NODEPROOF_TRY(mode, reader.u16be("symmetric.mode"));
    text += ", " + std::to_string(bits) + " bits, " + algorithm_text(mode);
  }
  out.add("symmetric", text);
  return Ok{};
}

// A scheme and, but for NULL and RSAES, its hash.
Status read_scheme(ByteReader& reader, const char* field, Description& out) {
  NODEPROOF_TRY(scheme, reader.u16be(field));
  std::string text = algorithm_text(scheme);
  if (scheme != kNull && scheme != kRsaEs) {
    NODEPROOF_TRY(hash, reader.u16be(field));
    text += " with " + algorithm_text(hash);
  }
  if (scheme == kEcdaa) NODEPROOF_CHECK(reader.u16be(field));
  out.add(field, text);
  return Ok{};
}

Status read_rsa(ByteReader& reader, Description& out) {
  NODEPROOF_CHECK(read_symmetric(reader, out));
  NODEPROOF_CHECK(read_scheme(reader, "scheme", out));
  NODEPROOF_TRY(bits, reader.u16be("keyBits"));
  NODEPROOF_TRY(exponent, reader.u32be("exponent"));
  NODEPROOF_TRY(modulus, take_tpm2b(reader, "unique"));
  out.add("keyBits", bits);
  out.add("exponent", exponent == 0 ? "0 (the default, 65537)" : std::to_string(exponent));
  out.add_hex("modulus", modulus);
  return reader.finish();
}

Status read_ecc(ByteReader& reader, Description& out) {
  NODEPROOF_CHECK(read_symmetric(reader, out));
  NODEPROOF_CHECK(read_scheme(reader, "scheme", out));
  NODEPROOF_TRY(curve, reader.u16be("curveID"));
  out.add("curve", curve_text(curve));
  NODEPROOF_CHECK(read_scheme(reader, "kdf", out));
  NODEPROOF_TRY(x, take_tpm2b(reader, "unique.x"));
  NODEPROOF_TRY(y, take_tpm2b(reader, "unique.y"));
  out.add_hex("x", x);
  out.add_hex("y", y);
  return reader.finish();
}

Status read_public(ByteView area, Description& out) {
  ByteReader reader(area, "public");
  NODEPROOF_TRY(type, reader.u16be("type"));
  NODEPROOF_TRY(name_alg, reader.u16be("nameAlg"));
  NODEPROOF_TRY(attributes, reader.u32be("objectAttributes"));
  NODEPROOF_TRY(policy, take_tpm2b(reader, "authPolicy"));
  out.add("type", algorithm_text(type));
  out.add("nameAlg", algorithm_text(name_alg));
  out.add("objectAttributes", attributes_text(attributes));
  out.add_hex("authPolicy", policy);
  NODEPROOF_CHECK(type == kRsa ? read_rsa(reader, out) : read_ecc(reader, out));
  if (name_alg == attest::kTpmAlgSha256)
    out.add("name", "000b" + to_hex(attest::sha256(area)) + " (nameAlg and SHA-256 of the area)");
  return Ok{};
}

bool begins_public(ByteView area) {
  ByteReader reader(area, "public");
  const auto type = reader.u16be("type");
  const auto name_alg = reader.u16be("nameAlg");
  return area.size() >= kSmallestPublic && type && name_alg && (*type == kRsa || *type == kEcc) &&
         is_hash_algorithm(*name_alg);
}

}  // namespace

Recognised recognise_tpm_public(const InspectedFile& file) {
  const bool bare = begins_public(file.content);
  if (!bare && (file.content.size() < 2 || !begins_public(file.content.subspan(2)))) return std::nullopt;
  Description out;
  out.kind = bare ? "tpmt-public" : "tpm2b-public";
  out.title = bare ? "TPM 2.0 public area (TPMT_PUBLIC)" : "TPM 2.0 public area (TPM2B_PUBLIC)";
  const ByteView area = bare ? file.content : file.content.subspan(2);
  const std::size_t told =
      bare ? area.size() : static_cast<std::size_t>(file.content[0] << 8U | file.content[1]);
  if (told != area.size()) {
    out.problems.push_back("public.size at 0x000: says " + std::to_string(told) + " bytes, " +
                           std::to_string(area.size()) + " follow");
  }
  const Status read = read_public(area, out);
  if (!read) out.add_problem(read.error());
  return out;
}

}  // namespace nodeproof::cli
