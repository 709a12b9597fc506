#include "attest/strict_json.hpp"

#include <algorithm>
#include <optional>

namespace nodeproof::attest {
namespace {

constexpr std::size_t kMaxDepth = 64;

constexpr std::size_t kMaxKeyInPath = 64;

// A key is hostile text and paths end in logs: cut, and without control characters.
std::string join(std::string_view path, std::string_view key) {
  std::string out(path);
  out += '.';
  for (const char c : key.substr(0, kMaxKeyInPath)) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    out += control ? '?' : c;
  }
  return out;
}

std::string indexed(std::string_view path, std::size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

std::string_view type_name(const simdjson::dom::element& element) {
  switch (element.type()) {
    case simdjson::dom::element_type::ARRAY:
      return "an array";
    case simdjson::dom::element_type::OBJECT:
      return "an object";
    case simdjson::dom::element_type::STRING:
      return "a string";
    case simdjson::dom::element_type::BOOL:
      return "a boolean";
    case simdjson::dom::element_type::NULL_VALUE:
      return "null";
    case simdjson::dom::element_type::INT64:
    case simdjson::dom::element_type::UINT64:
    case simdjson::dom::element_type::DOUBLE:
      return "a number";
  }
  return "unknown";
}

// The key that appears twice in an object, or nothing.
std::optional<std::string_view> repeated_key(const simdjson::dom::object& object) {
  std::vector<std::string_view> keys;
  for (const auto field : object) keys.push_back(field.key);
  std::sort(keys.begin(), keys.end());
  const auto twice = std::adjacent_find(keys.begin(), keys.end());
  if (twice == keys.end()) return std::nullopt;
  return *twice;
}

// Gives the path below `element` of the first key that appears twice, or nothing; paths are built
// only once one is found. Depth is bounded by the parser, so recursion is too.
std::optional<std::string> find_duplicate(const simdjson::dom::element& element) {
  if (element.is_array()) {
    std::size_t index = 0;
    for (const simdjson::dom::element child : simdjson::dom::array(element)) {
      if (const auto below = find_duplicate(child)) return indexed("", index) + *below;
      ++index;
    }
    return std::nullopt;
  }
  if (!element.is_object()) return std::nullopt;
  const simdjson::dom::object object(element);
  if (const auto key = repeated_key(object)) return join("", *key);
  for (const auto field : object) {
    if (const auto below = find_duplicate(field.value)) return join("", field.key) + *below;
  }
  return std::nullopt;
}

Errc errc_of(simdjson::error_code code) {
  return code == simdjson::DEPTH_ERROR || code == simdjson::CAPACITY ? Errc::kTooLarge : Errc::kBadValue;
}

}  // namespace

Error JsonValue::wrong_type(std::string_view expected) const {
  return {Errc::kWrongType, path_,
          "is " + std::string(type_name(element_)) + ", must be " + std::string(expected)};
}

Result<std::string_view> JsonValue::string() const {
  if (!element_.is_string()) return wrong_type("a string");
  return std::string_view(element_);
}

Result<std::string> JsonValue::text() const {
  NODEPROOF_TRY(view, string());
  return std::string(view);
}

Result<bool> JsonValue::boolean() const {
  if (!element_.is_bool()) return wrong_type("a boolean");
  return bool(element_);
}

Result<std::uint64_t> JsonValue::unsigned_integer() const {
  std::uint64_t out = 0;
  const bool integer = element_.is_int64() || element_.is_uint64();
  if (!integer || element_.get(out) != simdjson::SUCCESS)
    return wrong_type("an integer that is not negative");
  return out;
}

Result<std::vector<JsonValue>> JsonValue::array() const {
  if (!element_.is_array()) return wrong_type("an array");
  std::vector<JsonValue> out;
  for (const simdjson::dom::element child : simdjson::dom::array(element_)) {
    out.emplace_back(child, indexed(path_, out.size()));
  }
  return out;
}

Result<std::vector<JsonValue::Member>> JsonValue::members() const {
  if (!element_.is_object()) return wrong_type("an object");
  std::vector<Member> out;
  for (const auto field : simdjson::dom::object(element_)) {
    out.push_back({field.key, JsonValue(field.value, join(path_, field.key))});
  }
  return out;
}

Result<JsonValue> JsonValue::required(std::string_view key) const {
  NODEPROOF_TRY(member, optional(key));
  if (!member) return Error{Errc::kMissing, join(path_, key), "is required"};
  return *member;
}

Result<std::optional<JsonValue>> JsonValue::optional(std::string_view key) const {
  if (!element_.is_object()) return wrong_type("an object");
  simdjson::dom::element child;
  if (element_.at_key(key).get(child) != simdjson::SUCCESS || child.is_null())
    return std::optional<JsonValue>();
  return std::optional<JsonValue>(JsonValue(child, join(path_, key)));
}

Status JsonValue::only(std::initializer_list<std::string_view> known) const {
  if (!element_.is_object()) return wrong_type("an object");
  for (const auto field : simdjson::dom::object(element_)) {
    if (std::find(known.begin(), known.end(), field.key) == known.end()) {
      return Error{Errc::kUnknownField, join(path_, field.key), "is not a known field"};
    }
  }
  return Ok{};
}

Result<JsonDocument> JsonDocument::parse(ByteView text, std::size_t limit, std::string_view what) {
  if (text.size() > limit) {
    return Error{Errc::kTooLarge, std::string(what),
                 "is " + std::to_string(text.size()) + " bytes long, the limit is " + std::to_string(limit)};
  }
  // simdjson copies from the address even when there is nothing to copy, and it may be null.
  if (text.empty()) return Error{Errc::kBadValue, std::string(what), "is not valid JSON: it is empty"};
  JsonDocument document;
  document.what_ = what;
  document.parser_ = std::make_unique<simdjson::dom::parser>(limit);
  simdjson::error_code code = document.parser_->allocate(text.size(), kMaxDepth);
  if (code == simdjson::SUCCESS) {
    code = document.parser_->parse(text.data(), text.size()).get(document.root_);
  }
  if (code != simdjson::SUCCESS) {
    return Error{errc_of(code), document.what_,
                 std::string("is not valid JSON: ") + simdjson::error_message(code)};
  }
  if (const auto duplicate = find_duplicate(document.root_)) {
    return Error{Errc::kDuplicate, document.what_ + *duplicate, "the key appears more than once"};
  }
  return document;
}

}  // namespace nodeproof::attest
