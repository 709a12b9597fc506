// Stands in for attest/finding.cpp in the programs of the mutation test, and switches one check off:
//
//   NODEPROOF_MUTANT=report-data-binding            whatever this check finds, it says that it passed
//   NODEPROOF_MUTANT=report-data-binding/not-zero   likewise, but only where it would give this code
//   NODEPROOF_MUTANT_LOG=FILE                       appends "check/code<tab>test" the first time that a
//                                                   test is given something else than "passed"
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <set>

#include "attest/checks.hpp"

namespace nodeproof::attest {
namespace {

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string current_test() {
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  return test == nullptr ? "" : std::string(test->test_suite_name()) + "." + test->name();
}

void record(const std::string& mutant) {
  static const std::string file = environment("NODEPROOF_MUTANT_LOG");
  if (file.empty()) return;
  static std::mutex mutex;  // the webhook verifies on a thread of its own
  static std::set<std::string> seen;
  const std::scoped_lock lock(mutex);
  const std::string line = mutant + '\t' + current_test();
  if (seen.insert(line).second) std::ofstream(file, std::ios::app) << line << '\n';
}

bool switched_off(Check check, const std::string& code) {
  static const std::string mutant = environment("NODEPROOF_MUTANT");
  const std::string name(name_of(check));
  record(name + "/" + code);
  return mutant == name || mutant == name + "/" + code;
}

}  // namespace

Finding passed(Check check, std::string detail) {
  return {check, Outcome::kPassed, {}, std::move(detail), {}};
}

Finding failed(Check check, std::string code, std::string detail, std::string remedy) {
  if (switched_off(check, code)) return passed(check);
  return {check, Outcome::kFailed, std::move(code), std::move(detail), std::move(remedy)};
}

Finding not_checked(Check check, std::string code, std::string detail, std::string remedy) {
  if (switched_off(check, code)) return passed(check);
  return {check, Outcome::kNotChecked, std::move(code), std::move(detail), std::move(remedy)};
}

}  // namespace nodeproof::attest
