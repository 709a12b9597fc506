// YAML as people keep Kubernetes objects in it, turned into JSON for the codecs of our objects.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace nodeproof::wire {

inline constexpr int kMaxYamlDocuments = 64;

// Each document as one JSON text, in order; empty ones are left out. Strict as strict_yaml.hpp: duplicate
// keys, deep nesting and aliases without end are Errors. A plain scalar becomes null, true, false or a
// number when JSON writes it so; all others and every quoted one become strings.
Result<std::vector<std::string>> yaml_documents(std::string_view text, const std::string& what);

}  // namespace nodeproof::wire
