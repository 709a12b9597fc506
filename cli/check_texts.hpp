// The checks in words that can be read aloud: what each number is about, and what a check compares with
// what. One table; the names themselves are attest's.
#pragma once

#include <string_view>

#include "attest/checks.hpp"

namespace nodeproof::cli {

std::string_view title_of_number(int number);         // "The SEV-SNP report"
std::string_view comparison_of(attest::Check check);  // a clause that is true when the check passed

}  // namespace nodeproof::cli
