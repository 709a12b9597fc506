// What an AttestationPolicy demands, in words for people. Pure; what decides is attest::appraise.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attest/policy.hpp"
#include "attest/reference_values.hpp"

namespace nodeproof::cli {

// A sentence for each demand, and for what becomes of a pod; every demand of the policy is named.
std::vector<std::string> demands_in_words(const attest::AppraisalPolicy& policy);

// Why no node whatever can meet it with these reference values; nothing when one may.
std::optional<std::string> never_met(const attest::AppraisalPolicy& policy,
                                     const attest::ReferenceValues& values);

// What is allowed and rarely meant.
std::vector<std::string> cautions(const attest::AppraisalPolicy& policy);

}  // namespace nodeproof::cli
