// What is looked at before and after yaml-cpp reads a text, because it accepts more than we do. Internal
// to wire/: only .cpp files include it.
#pragma once

#include <yaml-cpp/yaml.h>

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace nodeproof::wire {

// "webhook.yaml:12:3: trustAnchors.amd"
std::string yaml_position(const std::string& what, const YAML::Mark& mark, const std::string& path);
std::string yaml_join(const std::string& path, std::string_view key);
std::string yaml_join(const std::string& path, std::size_t index);
std::string_view yaml_kind(const YAML::Node& node);  // "a map"

// Before parsing: size, UTF-8, and no control character.
Status check_yaml_text(std::string_view text, const std::string& what);
// The number of documents, at most `limit`. YAML::LoadAll would count on for ever when a document begins
// with a comma, so nothing is loaded whose documents were not counted.
int count_yaml_documents(const std::string& text, int limit);
// After parsing: depth, number of nodes, keys that are scalars, and no key twice.
Status check_yaml_node(const YAML::Node& root, const std::string& what);

}  // namespace nodeproof::wire
