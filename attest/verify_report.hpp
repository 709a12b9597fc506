// Numbers 2 to 5: an SNP report and the key that signed it, alone or as a part of a node's evidence.
// For verify_boot.cpp; the public functions are in verify.hpp.
#pragma once

#include "attest/verify.hpp"

namespace nodeproof::attest {

// A report on its own may come from any VMPL and be signed by either kind of key. A node's was made for
// Azure's paravisor: at VMPL 0, signed by a VCEK.
enum class ReportOf { kAnybody, kNode };

struct JudgedReport {
  Findings findings;  // numbers 2 to 5, each check that applies exactly once, in their order
  // Parsed, but authentic only when `claims` is there.
  std::optional<SnpReport> report;
  std::optional<Product> product;
  std::optional<ReportClaims> claims;  // when every check passed
};

// `report`: 1184 bytes, or nothing when what should hold them did not parse (then `holder` is why).
JudgedReport verify_report(const std::optional<ByteView>& report, Check holder,
                           const std::vector<Certificate>& certificates, ReportOf use,
                           const VerifyParameters& parameters);

}  // namespace nodeproof::attest
