// JSON as the tree that inspect shows.
#pragma once

#include <vector>

#include "attest/strict_json.hpp"
#include "cli/description.hpp"

namespace nodeproof::cli {

// The members of an object or the elements of a list; one leaf without a name for anything else.
std::vector<Item> json_items(const attest::JsonValue& json);

}  // namespace nodeproof::cli
