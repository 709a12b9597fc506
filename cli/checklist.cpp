// The verdict for people: every check with its reason, and what the verdict does not cover.
#include <algorithm>
#include <iomanip>
#include <ostream>

#include "cli/check_texts.hpp"
#include "cli/printable.hpp"
#include "cli/verdict.hpp"

namespace nodeproof::cli {
namespace {

using attest::Finding;
using attest::Outcome;

constexpr int kNameWidth = 20;
constexpr const char* kReasonIndent = "                                        ";

std::string_view mark(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPassed:
      return "passed";
    case Outcome::kFailed:
      return "FAILED";
    case Outcome::kNotChecked:
      return "not checked";
  }
  return "unknown";
}

// Passed: what was compared, then what was seen. Otherwise what was found, then its code.
std::string reason_of(const Finding& finding) {
  const std::string code = finding.code.empty() ? "" : " (" + finding.code + ")";
  if (finding.outcome != Outcome::kPassed) return finding.detail + code;
  const std::string seen = finding.detail.empty() ? "" : ": " + finding.detail;
  return std::string(comparison_of(finding.check)) + seen + code;
}

void print_finding(std::ostream& out, const Finding& finding) {
  out << "      " << std::left << std::setw(13) << mark(finding.outcome) << std::setw(kNameWidth)
      << attest::name_of(finding.check) << std::right << ' ' << printable(reason_of(finding)) << '\n';
  if (finding.outcome == Outcome::kFailed && !finding.remedy.empty())
    out << kReasonIndent << "remedy: " << printable(finding.remedy) << '\n';
}

std::string names_of_open(const Verdict& verdict) {
  std::string out;
  for (const Finding& finding : verdict.findings) {
    if (finding.outcome == Outcome::kNotChecked)
      out += (out.empty() ? "" : ", ") + std::string(attest::name_of(finding.check));
  }
  return out;
}

void print_verified(std::ostream& out, const Verdict& verdict) {
  out << "Verified: every check that this command must make has passed.\n";
  const std::string open = names_of_open(verdict);
  if (!open.empty()) out << "Not covered, because not checked here: " << open << ".\n";
  out << "No verdict covers what the running system did after it booted.\n";
}

// The check that decides: the first that failed, else the first that had to pass and was not made.
void print_refused(std::ostream& out, const Verdict& verdict) {
  if (const Finding* reason = attest::first_failed(verdict.findings)) {
    out << "Refused: " << attest::name_of(reason->check) << " failed.\nReason: " << printable(reason->detail)
        << ".\n";
    if (!reason->remedy.empty()) out << "Remedy: " << printable(reason->remedy) << ".\n";
    return;
  }
  const auto open =
      std::find_if(verdict.findings.begin(), verdict.findings.end(), [](const Finding& finding) {
        return finding.outcome == Outcome::kNotChecked && !may_stay_open(finding);
      });
  if (open == verdict.findings.end()) {
    out << "Refused: nothing was checked.\n";
    return;
  }
  out << "Refused: " << attest::name_of(open->check)
      << " was not checked, and must pass: " << printable(open->remedy.empty() ? open->detail : open->remedy)
      << ".\n";
}

}  // namespace

void print_checklist(std::ostream& out, const Verdict& verdict) {
  int number = 0;
  for (const Finding& finding : verdict.findings) {
    if (attest::number_of(finding.check) != number) {
      number = attest::number_of(finding.check);
      out << std::setw(3) << number << "  " << title_of_number(number) << '\n';
    }
    print_finding(out, finding);
  }
  out << '\n';
  verdict.verified() ? print_verified(out, verdict) : print_refused(out, verdict);
}

}  // namespace nodeproof::cli
