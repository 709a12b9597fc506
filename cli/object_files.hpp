// Kubernetes objects as people keep them in files: YAML documents or JSON, Lists included.
#pragma once

#include <functional>
#include <string>

#include "attest/strict_json.hpp"

namespace nodeproof::cli {

// Called for each object with its kind; an Error ends the reading.
using ObjectReader = std::function<Status(const attest::JsonValue& object, const std::string& kind)>;

// `file`: "-" is standard input. `limit`: bytes of the whole. Items of a List need not repeat their kind.
// Throws what read_file throws.
Status read_object_file(const std::string& file, std::size_t limit, const ObjectReader& read);

// kDuplicate, for a second object of one kind and name.
Error second_of_its_name(const attest::JsonValue& object, const std::string& kind, const std::string& name);

}  // namespace nodeproof::cli
