#include "wire/placement.hpp"

#include <algorithm>

#include "attest/strict_json.hpp"
#include "wire/dns_names.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonValue;

constexpr std::size_t kMaxSelector = 16;
constexpr std::size_t kMaxName = 63;  // of the name in a key, and of a value

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > kMaxName) return false;
  if (!is_alphanumeric(text.front()) || !is_alphanumeric(text.back())) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

Result<std::map<std::string, std::string>> parse_selector(const JsonValue& section) {
  std::map<std::string, std::string> out;
  NODEPROOF_TRY(map, section.optional("nodeSelector"));
  if (!map) return out;
  NODEPROOF_TRY(members, map->members());
  if (members.size() > kMaxSelector) {
    return Error{Errc::kTooLarge, map->path(), "has more than " + std::to_string(kMaxSelector) + " labels"};
  }
  for (const JsonValue::Member& member : members) {
    if (!is_label_key(member.key)) {
      return Error{Errc::kBadValue, member.value.path(), "is no key of a label, such as example.com/pool"};
    }
    NODEPROOF_TRY(text, member.value.text());
    if (!is_label_value(text)) {
      return Error{
          Errc::kBadValue, member.value.path(),
          "is no value of a label: at most 63 letters, digits, '-', '_' and '.', the first and the last "
          "a letter or digit"};
    }
    out.emplace(member.key, std::move(text));
  }
  return out;
}

}  // namespace

bool is_label_key(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_name(text);
  return is_dns_subdomain(text.substr(0, slash)) && is_name(text.substr(slash + 1));
}

bool is_label_value(std::string_view text) {
  return text.empty() || is_name(text);
}

Result<attest::PlacementPolicy> parse_placement(const JsonValue& section) {
  NODEPROOF_CHECK(section.only({"requireNodeLabel", "nodeSelector"}));
  attest::PlacementPolicy out;
  NODEPROOF_TRY(require, section.optional("requireNodeLabel"));
  if (require) {
    NODEPROOF_TRY(value, require->boolean());
    out.require_node_label = value;
  }
  NODEPROOF_TRY(selector, parse_selector(section));
  out.node_selector = std::move(selector);
  return out;
}

}  // namespace nodeproof::wire
