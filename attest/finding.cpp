// The makers of findings, apart from the table of checks: whoever links others in their place decides
// what every check says. The mutation test (tests/mutation) does.
#include "attest/checks.hpp"

namespace nodeproof::attest {

Finding passed(Check check, std::string detail) {
  return {check, Outcome::kPassed, {}, std::move(detail), {}};
}

Finding failed(Check check, std::string code, std::string detail, std::string remedy) {
  return {check, Outcome::kFailed, std::move(code), std::move(detail), std::move(remedy)};
}

Finding not_checked(Check check, std::string code, std::string detail, std::string remedy) {
  return {check, Outcome::kNotChecked, std::move(code), std::move(detail), std::move(remedy)};
}

}  // namespace nodeproof::attest
