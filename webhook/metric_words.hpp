// Words that may become the value of a metric's label. Each becomes a time series, and a node's evidence may
// say any word: one that we do not know is "other". Pure.
#pragma once

#include <string>

#include "webhook/decide.hpp"

namespace nodeproof::webhook {

// `code`: of a NodeTrust.
std::string known_word(const std::string& code);
std::string known_reason(const AdmissionDecision& decision);

}  // namespace nodeproof::webhook
