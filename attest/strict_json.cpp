#include "attest/strict_json.hpp"

#include <algorithm>
#include <cstring>
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

using simdjson::dom::element_type;

// One of 64 bits, the same for equal keys. By the end of a key rather than its beginning, which keys in
// Kubernetes often share ("f:", a domain).
inline std::uint64_t mark_of(std::string_view key) {
  std::uint32_t tail = 0;
  if (key.size() >= sizeof tail) {
    std::memcpy(&tail, key.data() + key.size() - sizeof tail, sizeof tail);
  } else {
    for (const char c : key) tail = tail << 8U | static_cast<unsigned char>(c);
  }
  constexpr std::uint32_t kGoldenRatio = 0x9e3779b1;  // spreads neighbours (Knuth 6.4)
  return std::uint64_t{1} << ((tail + static_cast<std::uint32_t>(key.size())) * kGoldenRatio >> 26U);
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

// Whether a key appears twice: each with each while they are few, which is cheaper than to sort them.
bool repeats_a_key(const simdjson::dom::object& object) {
  std::array<std::string_view, 16> keys;
  std::size_t count = 0;
  for (const auto field : object) {
    if (count == keys.size()) return repeated_key(object).has_value();
    const auto end = keys.begin() + count;
    if (std::find(keys.begin(), end, field.key) != end) return true;
    keys[count++] = field.key;
  }
  return false;
}

inline bool holds_values(const simdjson::dom::element& element) {
  const element_type type = element.type();
  return type == element_type::OBJECT || type == element_type::ARRAY;
}

// Whether a key appears twice in any object of `element`, an object or array. Every document goes through
// here, so most objects are cleared by the marks of their keys alone, and scalars without a call. Depth
// is bounded by the parser, and so is recursion.
bool has_duplicate(const simdjson::dom::element& element) {
  if (element.type() == element_type::ARRAY) {
    for (const simdjson::dom::element child : simdjson::dom::array(element)) {
      if (holds_values(child) && has_duplicate(child)) return true;
    }
    return false;
  }
  const simdjson::dom::object object(element);
  std::uint64_t seen = 0;
  bool suspicious = false;
  const auto end = object.end();
  for (auto field = object.begin(); field != end; ++field) {
    const std::uint64_t mark = mark_of(field.key());
    suspicious = suspicious || (seen & mark) != 0;
    seen |= mark;
    const simdjson::dom::element value = field.value();
    if (holds_values(value) && has_duplicate(value)) return true;
  }
  return suspicious && repeats_a_key(object);
}

// The path below `element` of the first key that appears twice, or nothing.
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

Status check_size(ByteView text, std::size_t limit, std::string_view what) {
  if (text.size() > limit) {
    return Error{Errc::kTooLarge, std::string(what),
                 "is " + std::to_string(text.size()) + " bytes long, the limit is " + std::to_string(limit)};
  }
  // simdjson copies from the address even when there is nothing to copy, and it may be null.
  if (text.empty()) return Error{Errc::kBadValue, std::string(what), "is not valid JSON: it is empty"};
  return Ok{};
}

Errc errc_of(simdjson::error_code code) {
  return code == simdjson::DEPTH_ERROR || code == simdjson::CAPACITY ? Errc::kTooLarge : Errc::kBadValue;
}

}  // namespace

std::string JsonValue::path() const {
  std::vector<const JsonStep*> steps;
  for (const JsonStep* step = step_; step != nullptr; step = step->from) steps.push_back(step);
  std::string out(steps.back()->key);
  for (auto step = steps.rbegin() + 1; step != steps.rend(); ++step) {
    out = (*step)->key.data() == nullptr ? indexed(out, (*step)->index) : join(out, (*step)->key);
  }
  return out;
}

JsonValue JsonValue::child(simdjson::dom::element element, std::string_view key, std::size_t index) const {
  void* const place = parser_->steps_.allocate(sizeof(JsonStep), alignof(JsonStep));
  return {element, *new (place) JsonStep{step_, key, index}, *parser_};
}

Error JsonValue::wrong_type(std::string_view expected) const {
  return {Errc::kWrongType, path(),
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
  for (const simdjson::dom::element item : simdjson::dom::array(element_)) {
    out.push_back(child(item, {}, out.size()));
  }
  return out;
}

Result<std::vector<JsonValue::Member>> JsonValue::members() const {
  if (!element_.is_object()) return wrong_type("an object");
  std::vector<Member> out;
  for (const auto field : simdjson::dom::object(element_)) {
    out.push_back({field.key, child(field.value, field.key, 0)});
  }
  return out;
}

Result<JsonValue> JsonValue::required(std::string_view key) const {
  NODEPROOF_TRY(member, optional(key));
  if (!member) return Error{Errc::kMissing, join(path(), key), "is required"};
  return *member;
}

// A member that is there and not null, or nothing. Of an object.
struct JsonValue::Found {
  bool there = false;
  std::string_view key;  // as the document holds it
  simdjson::dom::element element;
};

JsonValue::Found JsonValue::find(std::string_view key) const {
  const simdjson::dom::object object(element_);
  const auto end = object.end();
  for (auto field = object.begin(); field != end; ++field) {
    if (!field.key_equals(key)) continue;
    const simdjson::dom::element value = field.value();
    return {!value.is_null(), field.key(), value};
  }
  return {};
}

Result<std::optional<JsonValue>> JsonValue::optional(std::string_view key) const {
  if (!element_.is_object()) return wrong_type("an object");
  const Found found = find(key);
  if (!found.there) return std::optional<JsonValue>();
  return std::optional<JsonValue>(child(found.element, found.key, 0));
}

Result<std::string> JsonValue::optional_text(std::string_view key) const {
  if (!element_.is_object()) return wrong_type("an object");
  const Found found = find(key);
  if (!found.there) return std::string();
  if (!found.element.is_string()) return child(found.element, found.key, 0).wrong_type("a string");
  return std::string(std::string_view(found.element));
}

Status JsonValue::only(std::initializer_list<std::string_view> known) const {
  if (!element_.is_object()) return wrong_type("an object");
  for (const auto field : simdjson::dom::object(element_)) {
    if (std::find(known.begin(), known.end(), field.key) == known.end()) {
      return Error{Errc::kUnknownField, join(path(), field.key), "is not a known field"};
    }
  }
  return Ok{};
}

Result<JsonDocument> JsonDocument::parse(ByteView text, std::size_t limit, std::string_view what) {
  NODEPROOF_CHECK(check_size(text, limit, what));
  auto own = std::make_unique<JsonParser>();
  NODEPROOF_TRY(document, parse_with(*own, text, false, what));
  document.own_ = std::move(own);
  return std::move(document);
}

Result<JsonDocument> JsonDocument::parse(ByteView text, std::size_t limit, std::string_view what,
                                         JsonParser& parser) {
  if (text.size() > parser.longest_) return parse(text, limit, what);
  NODEPROOF_CHECK(check_size(text, limit, what));
  return parse_with(parser, text, false, what);
}

Result<JsonDocument> JsonDocument::parse_in_place(std::string& text, std::size_t limit, std::string_view what,
                                                  JsonParser& parser) {
  NODEPROOF_CHECK(check_size(as_bytes(text), limit, what));
  text.reserve(text.size() + simdjson::SIMDJSON_PADDING);
  return parse_with(parser, as_bytes(text), true, what);
}

Result<JsonDocument> JsonDocument::parse_with(JsonParser& parser, ByteView text, bool padded,
                                              std::string_view what) {
  JsonDocument document;
  document.parser_ = &parser;
  simdjson::error_code code = simdjson::SUCCESS;
  // The depth is set with the capacity and stays.
  if (parser.parser_.capacity() < text.size()) code = parser.parser_.allocate(text.size(), kMaxDepth);
  if (code == simdjson::SUCCESS)
    code = parser.parser_.parse(text.data(), text.size(), !padded).get(document.root_);
  if (code != simdjson::SUCCESS) {
    return Error{errc_of(code), std::string(what),
                 std::string("is not valid JSON: ") + simdjson::error_message(code)};
  }
  if (holds_values(document.root_) && has_duplicate(document.root_)) {
    return Error{Errc::kDuplicate, std::string(what) + find_duplicate(document.root_).value_or(""),
                 "the key appears more than once"};
  }
  parser.steps_.release();
  parser.name_ = what;
  parser.root_ = {nullptr, parser.name_};
  return document;
}

}  // namespace nodeproof::attest
