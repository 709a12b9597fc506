#include "wire/node_labels.hpp"

#include <cpprest/json.h>

#include "wire/json_writer.hpp"

namespace nodeproof::wire {

std::string node_label_patch(std::string_view node_uid,
                             const std::map<std::string, std::optional<std::string>>& labels) {
  using web::json::value;
  value patch = value::object();
  patch["metadata"]["uid"] = json_text(node_uid);
  value& members = patch["metadata"]["labels"];
  members = value::object();
  for (const auto& [key, text] : labels) members[key] = text ? json_text(*text) : value::null();
  return patch.serialize();
}

}  // namespace nodeproof::wire
