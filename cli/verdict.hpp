// What `nodeproof verify` concludes and prints: one line per check of the verb, and the verdict.
#pragma once

#include <iosfwd>
#include <string>

#include "attest/verify.hpp"

namespace nodeproof::cli {

// Exit codes of every verb (DESIGN 9).
enum ExitCode { kVerified = 0, kRefused = 1, kUsage = 2, kEnvironment = 3 };

struct Verdict {
  attest::Findings findings;  // every check of the verb exactly once, in the order of their numbers
  std::optional<attest::BootClaims> boot;
  std::optional<attest::QuoteClaims> quote;
  std::optional<attest::ReportClaims> report;  // of a report on its own

  // No check failed, and only those are not-checked that an offline verification may leave open.
  bool verified() const;
};

// Whether a verdict of "verified" allows this finding to be not-checked.
bool may_stay_open(const attest::Finding& finding);

// Adds every check of a quote and every one that nothing offline can make, where `verdict` has no finding
// for it, as not-checked with the reason, and puts the findings in order.
void complete(Verdict& verdict, const std::string& no_quote, const std::string& no_quote_remedy);

// Adds what an offline verification cannot check as not-checked, with the reason, and puts the
// findings in order. `boot` and `quote` are what attest::verify_* gave; without a quote its checks
// are not-checked, which refuses.
Verdict offline_verdict(const attest::BootVerification& boot, const attest::QuoteVerification* quote);

// Of a report on its own, which has no checks that need more than its files.
Verdict report_verdict(const attest::ReportVerification& report);

// For people (checklist.cpp): every check under its number, with a reason on each line, passed ones too.
void print_checklist(std::ostream& out, const Verdict& verdict);
void print_json(std::ostream& out, const Verdict& verdict);

}  // namespace nodeproof::cli
