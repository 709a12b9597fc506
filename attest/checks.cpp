#include "attest/checks.hpp"

#include <algorithm>
#include <array>

namespace nodeproof::attest {
namespace {

// In the order of the enumeration, which is the order of the numbers: info() indexes by value.
constexpr std::array kChecks{
    CheckInfo{Check::kHclFrame, 1, "hcl-frame"},
    CheckInfo{Check::kReportFormat, 2, "report-format"},
    CheckInfo{Check::kVmpl, 2, "vmpl"},
    CheckInfo{Check::kGuestPolicy, 2, "guest-policy"},
    CheckInfo{Check::kProduct, 3, "product"},
    CheckInfo{Check::kChipId, 3, "chip-id"},
    CheckInfo{Check::kTcbExtensions, 3, "tcb-extensions"},
    CheckInfo{Check::kCertificateChain, 4, "certificate-chain"},
    CheckInfo{Check::kReportSignature, 5, "report-signature"},
    CheckInfo{Check::kReportDataBinding, 6, "report-data-binding"},
    CheckInfo{Check::kRuntimeClaims, 7, "runtime-claims"},
    CheckInfo{Check::kReportFreshness, 7, "report-freshness"},
    CheckInfo{Check::kAkCertificate, 8, "ak-certificate"},
    CheckInfo{Check::kParavisor, 9, "paravisor"},
    CheckInfo{Check::kQuoteFormat, 10, "quote-format"},
    CheckInfo{Check::kAkName, 10, "ak-name"},
    CheckInfo{Check::kQuoteSignature, 10, "quote-signature"},
    CheckInfo{Check::kPcrSelection, 10, "pcr-selection"},
    CheckInfo{Check::kPcrDigest, 10, "pcr-digest"},
    CheckInfo{Check::kQualifyingData, 11, "qualifying-data"},
    CheckInfo{Check::kEvidenceBinding, 11, "evidence-binding"},
    CheckInfo{Check::kEvidenceAge, 11, "evidence-age"},
    CheckInfo{Check::kEpochFuture, 11, "epoch-future"},
    CheckInfo{Check::kEpochOrigin, 11, "epoch-origin"},
    CheckInfo{Check::kEventLogReplay, 12, "event-log-replay"},
    CheckInfo{Check::kSecureBoot, 13, "secure-boot"},
    CheckInfo{Check::kVmId, 14, "vm-id"},
    CheckInfo{Check::kNodeIdentity, 14, "node-identity"},
    CheckInfo{Check::kNodeInventory, 14, "node-inventory"},
    CheckInfo{Check::kDuplicateIdentity, 14, "duplicate-identity"},
    CheckInfo{Check::kBootChanged, 14, "boot-changed"},
    CheckInfo{Check::kAkResidency, 15, "ak-residency"},
    CheckInfo{Check::kCounters, 15, "counters"},
    CheckInfo{Check::kPolicy, 16, "policy"},
};

constexpr bool table_follows_enumeration() {
  for (std::size_t i = 0; i < kChecks.size(); ++i) {
    if (static_cast<std::size_t>(kChecks[i].check) != i) return false;
  }
  return static_cast<std::size_t>(Check::kPolicy) + 1 == kChecks.size();
}
static_assert(table_follows_enumeration());

const CheckInfo& info(Check check) {
  return kChecks[static_cast<std::size_t>(check)];
}

}  // namespace

std::span<const CheckInfo> all_checks() {
  return kChecks;
}
std::string_view name_of(Check check) {
  return info(check).name;
}
int number_of(Check check) {
  return info(check).number;
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPassed:
      return "passed";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kNotChecked:
      return "not-checked";
  }
  return "unknown";
}

Finding malformed(Check check, const Error& error, std::string remedy) {
  return failed(check, to_string(error.code), error.where + " " + error.detail, std::move(remedy));
}

Finding premise_failed(Check check, Check premise) {
  const std::string name(name_of(premise));
  return not_checked(check, "premise-failed", "rests on " + name + ", which did not pass", "see " + name);
}

const Finding* find(const Findings& findings, Check check) {
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [check](const Finding& finding) { return finding.check == check; });
  return found == findings.end() ? nullptr : &*found;
}

bool has_passed(const Findings& findings, Check check) {
  const Finding* finding = find(findings, check);
  return finding != nullptr && finding->outcome == Outcome::kPassed;
}

void supersede(Findings& findings, Findings newer) {
  for (Finding& finding : newer) {
    const auto older = std::find_if(findings.begin(), findings.end(),
                                    [&](const Finding& item) { return item.check == finding.check; });
    if (older == findings.end()) {
      findings.push_back(std::move(finding));
    } else {
      *older = std::move(finding);
    }
  }
}

const Finding* first_failed(const Findings& findings) {
  const Finding* first = nullptr;
  for (const Finding& finding : findings) {
    if (finding.outcome == Outcome::kFailed && (first == nullptr || finding.check < first->check))
      first = &finding;
  }
  return first;
}

}  // namespace nodeproof::attest
