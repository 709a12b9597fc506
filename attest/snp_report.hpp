// The AMD SEV-SNP attestation report (AMD 56860, ATTESTATION_REPORT; azure-evidence 3).
#pragma once

#include <optional>

#include "attest/tcb.hpp"

namespace nodeproof::attest {

inline constexpr std::size_t kSnpReportSize = 1184;       // 0x4A0
inline constexpr std::size_t kSnpReportSignedSize = 672;  // 0x2A0: the bytes under the signature

// KEY_INFO bits 4:2.
enum class SigningKey { kVcek, kVlek };

// Family and model as CPUID combines them.
struct CpuId {
  std::uint8_t family = 0;
  std::uint8_t model = 0;
  std::uint8_t stepping = 0;
};

// Which mitigations the firmware had when the guest was launched and when it asked.
struct MitigationVectors {
  std::uint64_t launch = 0;
  std::uint64_t current = 0;
};

// The fields as decoded; not authenticated until report-signature has passed.
struct SnpReport {
  std::uint32_t version = 0;
  std::uint32_t guest_svn = 0;
  std::uint64_t policy = 0;
  ByteArray<16> family_id{};
  ByteArray<16> image_id{};
  std::uint32_t vmpl = 0;
  TcbVersion current_tcb;
  std::uint64_t platform_info = 0;
  SigningKey signing_key = SigningKey::kVcek;
  bool author_key_enabled = false;
  ByteArray<64> report_data{};
  ByteArray<48> measurement{};
  ByteArray<32> host_data{};
  ByteArray<48> id_key_digest{};
  ByteArray<48> author_key_digest{};
  ByteArray<32> report_id{};
  ByteArray<32> report_id_ma{};
  TcbVersion reported_tcb;
  std::optional<CpuId> cpuid;  // in versions 3 and 5
  ByteArray<64> chip_id{};     // Turin: 8 bytes, then zeros; zeros alone with a VLEK
  TcbVersion committed_tcb;
  TcbVersion launch_tcb;
  std::optional<MitigationVectors> mitigations;  // in version 5
  ByteArray<3> current_version{};                // build, minor, major
  ByteArray<3> committed_version{};              // build, minor, major
  ByteArray<48> signature_r{};                   // big endian
  ByteArray<48> signature_s{};                   // big endian

  bool debug_allowed() const { return (policy >> 19U & 1U) != 0; }
  bool migration_allowed() const { return (policy >> 18U & 1U) != 0; }
};

// Exactly 1184 bytes of version 2, 3 or 5. Refused: other versions by name, non-zero reserved bytes,
// a signature algorithm other than ECDSA P-384, reserved signing keys; as kOtherKind what no chip signed: an
// absent signing key, a masked chip key.
// The TCB versions are read in Turin's layout when CPUID names its family, 0x1A; version 2 has no
// CPUID and is older than Turin.
Result<SnpReport> parse_snp_report(ByteView bytes);
// The inverse, for tests and the emulated node.
Bytes serialize_snp_report(const SnpReport& report);

}  // namespace nodeproof::attest
