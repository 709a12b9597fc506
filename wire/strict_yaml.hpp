// Strict reading of our own YAML files (configuration, reference values): unknown and duplicate
// keys and wrong types are Errors that name file, line and column. yaml-cpp accepts duplicates
// silently, so they are looked for here.
#pragma once

#include <filesystem>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace YAML {
class Node;
}

namespace nodeproof::wire {

class YamlValue {
 public:
  // `what` names the document in errors, usually its file name. One document, a map at its root.
  static Result<YamlValue> parse(std::string_view text, std::string what);

  // A member, or nothing when absent or null. This value must be a map.
  Result<std::optional<YamlValue>> optional(std::string_view key) const;
  Result<YamlValue> required(std::string_view key) const;
  Status only(std::initializer_list<std::string_view> known) const;

  Result<std::string> text() const;
  Result<bool> boolean() const;
  Result<std::uint64_t> unsigned_integer() const;
  Result<Seconds> duration() const;
  Result<std::vector<YamlValue>> list() const;

  // "webhook.yaml:12:3: trustAnchors.amd"
  std::string where() const;

 private:
  YamlValue(std::shared_ptr<const YAML::Node> node, std::string what, std::string path);
  Error wrong_type(std::string_view expected) const;
  std::shared_ptr<const YAML::Node> node_;
  std::string what_;
  std::string path_;
};

}  // namespace nodeproof::wire
