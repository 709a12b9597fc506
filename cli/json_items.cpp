#include "cli/json_items.hpp"

namespace nodeproof::cli {
namespace {

std::string leaf_text(const attest::JsonValue& json) {
  if (json.is_string()) return std::string(*json.string());
  return simdjson::minify(json.element());
}

Item item_of(std::string name, const attest::JsonValue& json) {
  if (!json.is_object() && !json.is_array()) return {std::move(name), leaf_text(json)};
  std::vector<Item> children = json_items(json);
  if (children.empty()) return {std::move(name), json.is_object() ? "{}" : "[]"};
  return {std::move(name), std::move(children)};
}

}  // namespace

std::vector<Item> json_items(const attest::JsonValue& json) {
  std::vector<Item> out;
  if (json.is_object()) {
    const auto members = json.members();
    for (const attest::JsonValue::Member& member : *members)
      out.push_back(item_of(std::string(member.key), member.value));
  } else if (json.is_array()) {
    const auto elements = json.array();
    for (const attest::JsonValue& element : *elements) out.push_back(item_of({}, element));
  } else {
    out.push_back(item_of({}, json));
  }
  return out;
}

}  // namespace nodeproof::cli
