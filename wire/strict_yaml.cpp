#include "wire/strict_yaml.hpp"

#include <algorithm>
#include <charconv>

#include "wire/yaml_guard.hpp"

namespace nodeproof::wire {
namespace {

// A quoted scalar has the tag "!": text, whatever it looks like.
bool is_plain(const YAML::Node& node) {
  return node.IsScalar() && node.Tag() != "!";
}

}  // namespace

YamlValue::YamlValue(std::shared_ptr<const YAML::Node> node, std::string what, std::string path)
    : node_(std::move(node)), what_(std::move(what)), path_(std::move(path)) {}

Result<YamlValue> YamlValue::parse(std::string_view text, std::string what) {
  NODEPROOF_CHECK(check_yaml_text(text, what));
  try {
    const std::string copy(text);
    if (count_yaml_documents(copy, 2) > 1) {
      return Error{Errc::kBadValue, std::move(what),
                   "holds more than one YAML document, or something after it"};
    }
    const YAML::Node root = YAML::Load(copy);
    if (root.IsNull()) return Error{Errc::kBadValue, std::move(what), "holds no YAML document"};
    if (!root.IsMap()) {
      return Error{Errc::kWrongType, yaml_position(what, root.Mark(), {}),
                   "is " + std::string(yaml_kind(root)) + ", must be a map"};
    }
    NODEPROOF_CHECK(check_yaml_node(root, what));
    return YamlValue(std::make_shared<const YAML::Node>(root), std::move(what), {});
  } catch (const YAML::Exception& error) {
    return Error{Errc::kBadValue, yaml_position(what, error.mark, {}), error.msg};
  }
}

std::string YamlValue::where() const {
  return yaml_position(what_, node_->Mark(), path_);
}

Error YamlValue::wrong_type(std::string_view expected) const {
  return {Errc::kWrongType, where(),
          "is " + std::string(yaml_kind(*node_)) + ", must be " + std::string(expected)};
}

Result<std::optional<YamlValue>> YamlValue::optional(std::string_view key) const {
  if (!node_->IsMap()) return wrong_type("a map");
  for (const auto& entry : *node_) {
    if (entry.first.Scalar() != key || entry.second.IsNull()) continue;
    return std::optional(
        YamlValue(std::make_shared<const YAML::Node>(entry.second), what_, yaml_join(path_, key)));
  }
  return std::optional<YamlValue>();
}

Result<YamlValue> YamlValue::required(std::string_view key) const {
  NODEPROOF_TRY(member, optional(key));
  if (member) return *std::move(member);
  return Error{Errc::kMissing, yaml_position(what_, node_->Mark(), yaml_join(path_, key)), "is required"};
}

Status YamlValue::only(std::initializer_list<std::string_view> known) const {
  if (!node_->IsMap()) return wrong_type("a map");
  for (const auto& entry : *node_) {
    const std::string& key = entry.first.Scalar();
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    std::string names;
    for (const std::string_view name : known) names += (names.empty() ? "" : ", ") + std::string(name);
    return Error{Errc::kUnknownField, yaml_position(what_, entry.first.Mark(), yaml_join(path_, key)),
                 "is not known here; known are " + names};
  }
  return Ok{};
}

Result<std::string> YamlValue::text() const {
  if (!node_->IsScalar()) return wrong_type("text");
  return node_->Scalar();
}

Result<bool> YamlValue::boolean() const {
  if (is_plain(*node_) && node_->Scalar() == "true") return true;
  if (is_plain(*node_) && node_->Scalar() == "false") return false;
  if (!node_->IsScalar()) return wrong_type("true or false");
  return Error{Errc::kWrongType, where(), "is not true or false"};
}

Result<std::uint64_t> YamlValue::unsigned_integer() const {
  if (!node_->IsScalar()) return wrong_type("a whole number");
  const std::string& text = node_->Scalar();
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  // Comparing texts refuses leading zeros, which YAML 1.1 readers take for octal.
  if (is_plain(*node_) && code == std::errc() && std::to_string(number) == text) return number;
  return Error{Errc::kWrongType, where(), "is not a whole number of 64 bits"};
}

Result<Seconds> YamlValue::duration() const {
  NODEPROOF_TRY(value, text());
  return parse_duration(value, where());
}

Result<std::vector<YamlValue>> YamlValue::list() const {
  if (!node_->IsSequence()) return wrong_type("a list");
  std::vector<YamlValue> out;
  for (const YAML::Node& item : *node_) {
    const std::size_t index = out.size();
    out.push_back(YamlValue(std::make_shared<const YAML::Node>(item), what_, yaml_join(path_, index)));
  }
  return out;
}

}  // namespace nodeproof::wire
