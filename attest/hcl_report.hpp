// The paravisor's report, NV index 0x01400001 (azure-evidence 2): a header, the hardware report and
// the runtime claims whose hash the hardware report carries.
#pragma once

#include <string_view>

#include "base/bytes.hpp"

namespace nodeproof::attest {

inline constexpr std::string_view kHclSignature = "HCLA";  // what every paravisor's report begins with
inline constexpr std::size_t kHclMaxSize = 16384;          // ours; OpenHCL's index holds 2900 bytes

enum class HclReportType : std::uint32_t { kVbs = 1, kSnp = 2, kTrustedLaunch = 3, kTdx = 4 };

// Views into the framed bytes. Only the hardware report and the runtime claims can be
// authenticated; every other header field is the platform's unprotected word.
struct HclReport {
  std::uint32_t header_version = 0;
  HclReportType report_type = HclReportType::kSnp;
  ByteView framed;           // `report_size` bytes: what digests cover
  ByteView hardware_report;  // 1184 bytes
  ByteView runtime_claims;   // JSON as received: what report_data hashes
};

// Takes the NV index as read (zero padded). The result borrows `nv`. Only SHA-256 reports of type
// SNP pass. kOtherKind: a report of another kind of TEE, or of none, which is named (a TDX capture says so).
// kUnsupported: of a version, type or hash that is not known; any other error: broken, or no such report.
Result<HclReport> parse_hcl_report(ByteView nv);
// The inverse for SNP, for tests and the emulated node: 1236 + claims bytes, no padding.
Bytes serialize_hcl_report(ByteView snp_report, ByteView runtime_claims);

}  // namespace nodeproof::attest
