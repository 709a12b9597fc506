#include "wire/yaml_documents.hpp"

#include <cpprest/json.h>

#include <algorithm>

#include "wire/yaml_guard.hpp"

namespace nodeproof::wire {
namespace {

using web::json::value;

bool is_integer(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const bool digits = !text.empty() && text.size() <= 18 &&
                      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits && (text.size() == 1 || text.front() != '0');
}

value scalar_value(const YAML::Node& node) {
  const std::string& text = node.Scalar();
  const bool plain = node.Tag().empty() || node.Tag() == "?";
  if (!plain) return value::string(text);
  if (text == "true" || text == "false") return value::boolean(text == "true");
  if (is_integer(text)) return value::number(static_cast<std::int64_t>(std::stoll(text)));
  return value::string(text);
}

value to_value(const YAML::Node& node) {
  if (node.IsScalar()) return scalar_value(node);
  if (node.IsSequence()) {
    std::vector<value> out;
    for (const YAML::Node& item : node) out.push_back(to_value(item));
    return value::array(std::move(out));
  }
  if (!node.IsMap()) return value::null();
  value out = value::object();
  for (const auto& entry : node) out[entry.first.Scalar()] = to_value(entry.second);
  return out;
}

}  // namespace

Result<std::vector<std::string>> yaml_documents(std::string_view text, const std::string& what) {
  NODEPROOF_CHECK(check_yaml_text(text, what));
  try {
    const std::string copy(text);
    if (count_yaml_documents(copy, kMaxYamlDocuments + 1) > kMaxYamlDocuments) {
      return Error{Errc::kTooLarge, what,
                   "holds more than " + std::to_string(kMaxYamlDocuments) + " YAML documents"};
    }
    std::vector<std::string> out;
    for (const YAML::Node& document : YAML::LoadAll(copy)) {
      if (document.IsNull()) continue;
      NODEPROOF_CHECK(check_yaml_node(document, what));
      out.push_back(to_value(document).serialize());
    }
    return out;
  } catch (const YAML::Exception& error) {
    return Error{Errc::kBadValue, yaml_position(what, error.mark, {}), error.msg};
  }
}

}  // namespace nodeproof::wire
