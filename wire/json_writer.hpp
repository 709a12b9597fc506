// Building the JSON of our objects with cpprest's writer. Internal to wire/: only .cpp files
// include it together with <cpprest/json.h>.
#pragma once

#include <string_view>

namespace web::json {
class value;
}

namespace nodeproof::wire {

inline constexpr std::size_t kMaxStatusText = 1024;  // maxLength of the texts in crds/

// A string value; malformed UTF-8 is replaced and the text cut after `max_bytes`.
web::json::value json_text(std::string_view text, std::size_t max_bytes = kMaxStatusText);

// {apiVersion, kind, metadata: {name, resourceVersion, ownerReferences: [the Node]}} of one of our
// objects. The Node bears the same name; an empty resource version is left out.
web::json::value node_owned_object(std::string_view kind, std::string_view node_name,
                                   std::string_view node_uid, std::string_view resource_version);

// {apiVersion, kind, metadata: {name, namespace, resourceVersion}} of the core API group; an empty resource
// version is left out.
web::json::value core_object(std::string_view kind, std::string_view name, std::string_view ns,
                             std::string_view resource_version);

}  // namespace nodeproof::wire
