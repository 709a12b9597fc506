// What verbs that judge nodes without the cluster's epoch key leave open, said wherever they answer.
#pragma once

#include <cpprest/json.h>

#include <iosfwd>

namespace nodeproof::cli {

void print_unverified(std::ostream& out);
// [{"check", "detail"}]
web::json::value unverified();

}  // namespace nodeproof::cli
