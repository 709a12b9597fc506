// The numbered checks of verification, their names and their outcomes.
//
// The names are an interface: finding codes, metrics, JSON output, deny messages and documents use
// them, and nothing else. One table (checks.cpp) maps checks to names and numbers.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace nodeproof::attest {

enum class Check {
  kHclFrame,           // 1
  kReportFormat,       // 2
  kVmpl,               // 2
  kGuestPolicy,        // 2
  kProduct,            // 3
  kChipId,             // 3
  kTcbExtensions,      // 3
  kCertificateChain,   // 4
  kReportSignature,    // 5
  kReportDataBinding,  // 6
  kRuntimeClaims,      // 7
  kReportFreshness,    // 7
  kAkCertificate,      // 8
  kParavisor,          // 9
  kQuoteFormat,        // 10
  kAkName,             // 10
  kQuoteSignature,     // 10
  kPcrSelection,       // 10
  kPcrDigest,          // 10
  kQualifyingData,     // 11
  kEvidenceBinding,    // 11
  kEvidenceAge,        // 11
  kEpochFuture,        // 11
  kEpochOrigin,        // 11: who made the nonce; only holders of the epoch key can tell
  kEventLogReplay,     // 12
  kSecureBoot,         // 13
  kVmId,               // 14
  kNodeIdentity,       // 14
  kNodeInventory,      // 14
  kDuplicateIdentity,  // 14
  kBootChanged,        // 14
  kAkResidency,        // 15
  kCounters,           // 15
  kPolicy,             // 16
};

struct CheckInfo {
  Check check;
  int number;             // of DESIGN section 5
  std::string_view name;  // for example "report-signature"
};

// All checks, in the order of their numbers.
std::span<const CheckInfo> all_checks();
std::string_view name_of(Check check);
int number_of(Check check);

enum class Outcome { kPassed, kFailed, kNotChecked };
std::string_view to_string(Outcome outcome);  // "passed", "failed", "not-checked"

// What one check found. `code` is a short stable word ("signature-invalid"; "premise-failed" when
// an earlier check took the ground away), empty when passed without remark. `detail` is one clause
// for a person; `remedy` says what to do, empty when passed.
struct Finding {
  Check check;
  Outcome outcome;
  std::string code;
  std::string detail;
  std::string remedy;
};

Finding passed(Check check, std::string detail = {});
Finding failed(Check check, std::string code, std::string detail, std::string remedy);
// For input that gave no value: the code is that of `error`.
Finding malformed(Check check, const Error& error, std::string remedy);
Finding not_checked(Check check, std::string code, std::string detail, std::string remedy = {});
// not-checked, code "premise-failed", naming the check whose failure is the reason.
Finding premise_failed(Check check, Check premise);

using Findings = std::vector<Finding>;

// The finding for `check`, or null.
const Finding* find(const Findings& findings, Check check);
bool has_passed(const Findings& findings, Check check);  // false when absent
// Adds `newer`; one of a check that is there already takes its place.
void supersede(Findings& findings, Findings newer);
// The first failed finding in the order of the numbers, or null.
const Finding* first_failed(const Findings& findings);

}  // namespace nodeproof::attest
