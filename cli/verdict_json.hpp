// The JSON of a verdict, for verbs that add members of their own.
#pragma once

#include <cpprest/json.h>

#include "cli/verdict.hpp"

namespace nodeproof::cli {

// Well-formed UTF-8 of at most kMaxText bytes.
web::json::value json_text(std::string_view content);

// {"verdict", "checks", "claims"}, as print_json writes it.
web::json::value to_value(const Verdict& verdict);

}  // namespace nodeproof::cli
