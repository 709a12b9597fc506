// Findings as one line, so that a test can compare all of them at once.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>

#include "attest/checks.hpp"

namespace nodeproof::attest {

// "check/code" of each finding with one of these outcomes, in order, separated by spaces.
inline std::string listed(const Findings& findings, std::initializer_list<Outcome> outcomes) {
  std::string out;
  for (const Finding& finding : findings) {
    if (std::find(outcomes.begin(), outcomes.end(), finding.outcome) == outcomes.end()) continue;
    out += (out.empty() ? "" : " ") + std::string(name_of(finding.check)) + "/" + finding.code;
  }
  return out;
}

inline std::string not_passed(const Findings& findings) {
  return listed(findings, {Outcome::kFailed, Outcome::kNotChecked});
}

}  // namespace nodeproof::attest
