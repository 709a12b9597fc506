// What people read of a verdict.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/check_texts.hpp"
#include "cli/verdict.hpp"

namespace nodeproof::cli {
namespace {

using attest::Check;
using ::testing::HasSubstr;

std::string checklist(attest::Findings findings) {
  Verdict verdict;
  verdict.findings = std::move(findings);
  std::ostringstream out;
  print_checklist(out, verdict);
  return out.str();
}

TEST(Checklist, EveryLineHasAReason) {
  const std::string text =
      checklist({attest::passed(Check::kVmpl), attest::passed(Check::kProduct, "Milan"),
                 attest::not_checked(Check::kPolicy, "no-policy", "no policy was supplied")});
  for (const Check check : {Check::kVmpl, Check::kProduct})
    EXPECT_THAT(text, HasSubstr(comparison_of(check)));
  EXPECT_THAT(text, HasSubstr(": Milan"));
  EXPECT_THAT(text, HasSubstr("no policy was supplied (no-policy)"));
  EXPECT_THAT(text, HasSubstr(title_of_number(2)));
  EXPECT_THAT(text, HasSubstr("Verified: every check"));
  EXPECT_THAT(text, HasSubstr("Not covered, because not checked here: policy."));
}

TEST(Checklist, ARefusalNamesCheckReasonAndRemedy) {
  const std::string text =
      checklist({attest::passed(Check::kHclFrame),
                 attest::failed(Check::kVmpl, "not-zero", "is 2", "ask the paravisor\x1b[0m")});
  EXPECT_THAT(text, HasSubstr("Refused: vmpl failed.\nReason: is 2.\nRemedy: ask the paravisor"));
  EXPECT_THAT(text, HasSubstr("remedy: ask the paravisor?[0m"));
}

TEST(Checklist, WhatMustPassAndWasNotCheckedRefuses) {
  EXPECT_THAT(checklist({attest::not_checked(Check::kQuoteSignature, "no-quote", "none", "give --quote")}),
              HasSubstr("Refused: quote-signature was not checked, and must pass: give --quote."));
  EXPECT_THAT(checklist({}), HasSubstr("Refused"));
}

TEST(CheckTexts, EveryCheckHasAComparisonAndEveryNumberATitle) {
  for (const attest::CheckInfo& info : attest::all_checks()) {
    EXPECT_GE(comparison_of(info.check).size(), 15U) << info.name;
    EXPECT_FALSE(title_of_number(info.number).empty()) << info.name;
  }
}

}  // namespace
}  // namespace nodeproof::cli
