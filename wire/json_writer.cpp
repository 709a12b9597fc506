#include "wire/json_writer.hpp"

#include <cpprest/json.h>

#include "wire/own_api.hpp"
#include "wire/utf8.hpp"

namespace nodeproof::wire {

using web::json::value;

value json_text(std::string_view text, std::size_t max_bytes) {
  return value::string(valid_utf8(text, max_bytes));
}

value node_owned_object(std::string_view kind, std::string_view node_name, std::string_view node_uid,
                        std::string_view resource_version) {
  value owner = value::object();
  owner["apiVersion"] = json_text("v1");
  owner["kind"] = json_text("Node");
  owner["name"] = json_text(node_name);
  owner["uid"] = json_text(node_uid);

  value metadata = value::object();
  metadata["name"] = json_text(node_name);
  metadata["ownerReferences"] = value::array({owner});
  if (!resource_version.empty()) metadata["resourceVersion"] = json_text(resource_version);

  value object = value::object();
  object["apiVersion"] = json_text(kOwnApiVersion);
  object["kind"] = json_text(kind);
  object["metadata"] = std::move(metadata);
  return object;
}

value core_object(std::string_view kind, std::string_view name, std::string_view ns,
                  std::string_view resource_version) {
  value object = value::object();
  object["apiVersion"] = json_text("v1");
  object["kind"] = json_text(kind);
  object["metadata"]["name"] = json_text(name);
  object["metadata"]["namespace"] = json_text(ns);
  if (!resource_version.empty()) object["metadata"]["resourceVersion"] = json_text(resource_version);
  return object;
}

}  // namespace nodeproof::wire
