#include "attest/checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace nodeproof::attest {
namespace {

TEST(Checks, NamesAreUniqueAndNumbersRise) {
  std::set<std::string_view> names;
  int last = 1;
  for (const CheckInfo& info : all_checks()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_GE(info.number, last) << info.name;
    last = info.number;
    EXPECT_EQ(name_of(info.check), info.name);
    EXPECT_EQ(number_of(info.check), info.number);
  }
  EXPECT_EQ(last, 16);
}

// The names are an interface; a changed one breaks dashboards, alerts and scripts.
TEST(Checks, NamesAreThoseOfTheDesign) {
  std::vector<std::string_view> names;
  for (const CheckInfo& info : all_checks()) names.push_back(info.name);
  EXPECT_THAT(names, testing::ElementsAre(
                         "hcl-frame", "report-format", "vmpl", "guest-policy", "product", "chip-id",
                         "tcb-extensions", "certificate-chain", "report-signature", "report-data-binding",
                         "runtime-claims", "report-freshness", "ak-certificate", "paravisor", "quote-format",
                         "ak-name", "quote-signature", "pcr-selection", "pcr-digest", "qualifying-data",
                         "evidence-binding", "evidence-age", "epoch-future", "epoch-origin",
                         "event-log-replay", "secure-boot", "vm-id", "node-identity", "node-inventory",
                         "duplicate-identity", "boot-changed", "ak-residency", "counters", "policy"));
}

TEST(Checks, OutcomesHaveTheirWords) {
  EXPECT_EQ(to_string(Outcome::kPassed), "passed");
  EXPECT_EQ(to_string(Outcome::kFailed), "failed");
  EXPECT_EQ(to_string(Outcome::kNotChecked), "not-checked");
}

TEST(Findings, MakersFillTheirFields) {
  const Finding good = passed(Check::kVmpl, "0");
  EXPECT_EQ(good.outcome, Outcome::kPassed);
  EXPECT_EQ(good.code, "");
  EXPECT_EQ(good.remedy, "");
  const Finding bad = failed(Check::kVmpl, "not-zero", "is 1", "use the paravisor's report");
  EXPECT_EQ(bad.outcome, Outcome::kFailed);
  EXPECT_EQ(bad.code, "not-zero");
  EXPECT_EQ(bad.remedy, "use the paravisor's report");
  const Finding premise = premise_failed(Check::kReportSignature, Check::kCertificateChain);
  EXPECT_EQ(premise.outcome, Outcome::kNotChecked);
  EXPECT_EQ(premise.code, "premise-failed");
  EXPECT_THAT(premise.detail, testing::HasSubstr("certificate-chain"));
}

TEST(Findings, AreFoundByCheckAndByNumber) {
  const Findings findings{passed(Check::kHclFrame), failed(Check::kQuoteFormat, "a", "b", "c"),
                          failed(Check::kVmpl, "d", "e", "f"), not_checked(Check::kPolicy, "g", "h")};
  EXPECT_TRUE(has_passed(findings, Check::kHclFrame));
  EXPECT_FALSE(has_passed(findings, Check::kQuoteFormat));
  EXPECT_FALSE(has_passed(findings, Check::kVmpl));
  EXPECT_FALSE(has_passed(findings, Check::kPolicy));
  EXPECT_FALSE(has_passed(findings, Check::kChipId)) << "absent is not passed";
  EXPECT_EQ(find(findings, Check::kChipId), nullptr);
  ASSERT_NE(first_failed(findings), nullptr);
  EXPECT_EQ(first_failed(findings)->check, Check::kVmpl);
  EXPECT_EQ(first_failed({}), nullptr);
  EXPECT_EQ(first_failed({Finding{Check::kVmpl, Outcome::kNotChecked, {}, {}, {}}}), nullptr);
}

}  // namespace
}  // namespace nodeproof::attest
