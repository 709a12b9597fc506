// AMD SEV-SNP attestation reports (AMD 56860; azure-evidence 3), read field by field so that a report
// of a version that is not verified, or a broken one, is still shown as far as it goes.
#include <array>

#include "attest/snp_report.hpp"
#include "base/byte_reader.hpp"
#include "cli/recognisers.hpp"

namespace nodeproof::cli {
namespace {

constexpr std::size_t kPolicyOffset = 0x008;
constexpr std::size_t kSignatureAlgorithmOffset = 0x034;
constexpr std::size_t kFamilyOffset = 0x188;
constexpr unsigned kTurinFamily = 0x1A;

enum class Form {
  kNumber,
  kHex,
  kPolicy,
  kPlatformInfo,
  kKeyInfo,
  kVmpl,
  kAlgorithm,
  kTcb,
  kCpuid,
  kBuild,
  kReversed
};

struct FieldInfo {
  const char* name;
  std::size_t offset;
  std::size_t size;
  Form form;
};

constexpr FieldInfo kFields[] = {
    {"version", 0x000, 4, Form::kNumber},
    {"guestSvn", 0x004, 4, Form::kNumber},
    {"policy", 0x008, 8, Form::kPolicy},
    {"familyId", 0x010, 16, Form::kHex},
    {"imageId", 0x020, 16, Form::kHex},
    {"vmpl", 0x030, 4, Form::kVmpl},
    {"signatureAlgo", 0x034, 4, Form::kAlgorithm},
    {"currentTcb", 0x038, 8, Form::kTcb},
    {"platformInfo", 0x040, 8, Form::kPlatformInfo},
    {"keyInfo", 0x048, 4, Form::kKeyInfo},
    {"reportData", 0x050, 64, Form::kHex},
    {"measurement", 0x090, 48, Form::kHex},
    {"hostData", 0x0C0, 32, Form::kHex},
    {"idKeyDigest", 0x0E0, 48, Form::kHex},
    {"authorKeyDigest", 0x110, 48, Form::kHex},
    {"reportId", 0x140, 32, Form::kHex},
    {"reportIdMa", 0x160, 32, Form::kHex},
    {"reportedTcb", 0x180, 8, Form::kTcb},
    {"cpuid", 0x188, 3, Form::kCpuid},
    {"chipId", 0x1A0, 64, Form::kHex},
    {"committedTcb", 0x1E0, 8, Form::kTcb},
    {"currentVersion", 0x1E8, 3, Form::kBuild},
    {"committedVersion", 0x1EC, 3, Form::kBuild},
    {"launchTcb", 0x1F0, 8, Form::kTcb},
    {"launchMitigationVector", 0x1F8, 8, Form::kNumber},
    {"currentMitigationVector", 0x200, 8, Form::kNumber},
    {"signatureR", 0x2A0, 72, Form::kReversed},
    {"signatureS", 0x2E8, 72, Form::kReversed},
};

struct Bit {
  unsigned bit;
  const char* name;
};
constexpr Bit kPolicyBits[] = {
    {16, "SMT allowed"},        {18, "MIGRATE_MA allowed"},
    {19, "DEBUG allowed"},      {20, "single socket"},
    {21, "CXL allowed"},        {22, "AES-256-XTS required"},
    {23, "RAPL must be off"},   {24, "ciphertext hiding required"},
    {25, "page swap disabled"},
};
constexpr Bit kPlatformBits[] = {
    {0, "SMT_EN"},
    {1, "TSME_EN"},
    {2, "ECC_EN"},
    {3, "RAPL_DIS"},
    {4, "CIPHERTEXT_HIDING_DRAM_EN"},
    {5, "ALIAS_CHECK_COMPLETE"},
    {7, "TIO_EN"},
};

std::uint64_t little_endian(ByteView bytes) {
  std::uint64_t out = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) out = out << 8U | bytes[i - 1];
  return out;
}

std::string names_of(std::span<const Bit> bits, std::uint64_t value) {
  std::string out;
  for (const Bit& bit : bits) {
    if ((value >> bit.bit & 1U) != 0) out += (out.empty() ? "" : ", ") + std::string(bit.name);
  }
  return out.empty() ? "none" : out;
}

std::string policy_text(std::uint64_t policy) {
  return hex_number(policy, 1) + ": ABI " + std::to_string(policy >> 8U & 0xFFU) + "." +
         std::to_string(policy & 0xFFU) + "; " + names_of(kPolicyBits, policy) +
         ((policy >> 19U & 1U) != 0 ? "" : "; no debug") +
         ((policy >> 18U & 1U) != 0 ? "" : "; no migration");
}

std::string key_info_text(std::uint64_t info) {
  constexpr std::array<const char*, 8> kKinds{"VCEK",     "VLEK",     "reserved", "reserved",
                                              "reserved", "reserved", "reserved", "none: not signed"};
  std::string out = hex_number(info, 1) + ": signing key " + kKinds[info >> 2U & 7U];
  if ((info & 1U) != 0) out += ", author key enabled";
  if ((info & 2U) != 0) out += ", chip key masked";
  return out;
}

std::string vmpl_text(std::uint64_t vmpl) {
  if (vmpl == 0) return "0 (the most privileged level of the guest)";
  return vmpl == 0xFFFFFFFF ? "0xffffffff (the host asked for this report)" : std::to_string(vmpl);
}

// Turin put a component in front (azure-evidence 3.3). Version 2 has no CPUID and knows no Turin.
std::string tcb_text(ByteView tcb, bool turin) {
  const auto part = [&](const char* name, std::size_t at) {
    return std::string(name) + " " + std::to_string(tcb[at]);
  };
  if (turin) {
    return part("fmc", 0) + ", " + part("bootloader", 1) + ", " + part("tee", 2) + ", " + part("snp", 3) +
           ", " + part("microcode", 7);
  }
  return part("bootloader", 0) + ", " + part("tee", 1) + ", " + part("snp", 6) + ", " + part("microcode", 7);
}

const char* product_name(unsigned family, unsigned model) {
  if (family == 0x19 && model <= 0x0F) return "Milan";
  if (family == 0x19 && ((model >= 0x10 && model <= 0x1F) || (model >= 0xA0 && model <= 0xAF)))
    return "Genoa";
  return family == kTurinFamily && model <= 0x11 ? "Turin" : "unknown product";
}

std::string cpuid_text(ByteView cpuid) {
  if (all_zero(cpuid)) return "not in this report (version 2)";
  return "family " + hex_number(cpuid[0], 2) + ", model " + hex_number(cpuid[1], 2) + ", stepping " +
         std::to_string(cpuid[2]) + ": " + product_name(cpuid[0], cpuid[1]);
}

std::string text_of(const FieldInfo& field, ByteView raw, bool turin) {
  switch (field.form) {
    case Form::kNumber:
      return std::to_string(little_endian(raw));
    case Form::kHex:
      return to_hex(raw) + (all_zero(raw) ? " (zero)" : "");
    case Form::kPolicy:
      return policy_text(little_endian(raw));
    case Form::kPlatformInfo:
      return hex_number(little_endian(raw), 1) + ": " + names_of(kPlatformBits, little_endian(raw));
    case Form::kKeyInfo:
      return key_info_text(little_endian(raw));
    case Form::kVmpl:
      return vmpl_text(little_endian(raw));
    case Form::kAlgorithm:
      return std::to_string(little_endian(raw)) +
             (little_endian(raw) == 1 ? " (ECDSA P-384 with SHA-384)" : "");
    case Form::kTcb:
      return tcb_text(raw, turin);
    case Form::kCpuid:
      return cpuid_text(raw);
    case Form::kBuild:
      return std::to_string(raw[2]) + "." + std::to_string(raw[1]) + " build " + std::to_string(raw[0]);
    case Form::kReversed:
      return to_hex(Bytes(raw.rbegin() + 24, raw.rend()));
  }
  return {};
}

// A report of another length is one all the same when its head says so.
bool has_report_head(ByteView content) {
  if (content.size() < kSignatureAlgorithmOffset + 4) return false;
  const std::uint64_t version = little_endian(content.first(4));
  if (content.size() == attest::kSnpReportSize) return version > 0 && version < 0x100;
  const std::uint64_t policy = little_endian(content.subspan(kPolicyOffset, 8));
  const bool known_policy = (policy >> 17U & 1U) != 0 && policy >> 26U == 0;
  return version >= 2 && version <= 5 && known_policy &&
         little_endian(content.subspan(kSignatureAlgorithmOffset, 4)) == 1;
}

}  // namespace

std::vector<Item> snp_report_items(ByteView report) {
  const bool turin = report.size() > kFamilyOffset && report[kFamilyOffset] == kTurinFamily;
  std::vector<Item> out;
  for (const FieldInfo& field : kFields) {
    if (field.offset + field.size > report.size()) break;
    out.emplace_back(field.name, text_of(field, report.subspan(field.offset, field.size), turin));
  }
  return out;
}

Recognised recognise_snp_report(const InspectedFile& file) {
  if (!has_report_head(file.content)) return std::nullopt;
  Description out;
  out.kind = "snp-report";
  out.title = "AMD SEV-SNP attestation report";
  const auto parsed = attest::parse_snp_report(file.content);
  if (!parsed) out.add_problem(parsed.error());
  out.items = snp_report_items(file.content);
  return out;
}

}  // namespace nodeproof::cli
