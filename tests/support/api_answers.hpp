// What scripted API servers have in common: what is asked for, pages of lists, and watches without events.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/scripted_http_server.hpp"

namespace nodeproof::test {

// The path without its query.
inline std::string path_of(const ScriptedRequest& request) {
  return request.target.substr(0, request.target.find('?'));
}

inline bool is_watch(const ScriptedRequest& request) {
  return request.target.find("watch=1") != std::string::npos;
}

// One page. `items` are objects with commas between them; `next` is the token by which the next page is asked
// for, empty on the last one.
inline std::string list_json(std::string_view items, std::uint64_t resource_version = 1,
                             std::string_view next = {}) {
  return R"({"metadata":{"resourceVersion":")" + std::to_string(resource_version) + R"(","continue":")" +
         std::string(next) + R"("},"items":[)" + std::string(items) + "]}";
}
inline std::string joined(const std::vector<std::string>& objects) {
  std::string out;
  for (const std::string& object : objects) out += (out.empty() ? "" : ",") + object;
  return out;
}

// A watch that tells nothing until the client gives up or the server ends.
inline void watch_quietly(ScriptedConnection& to) {
  to.begin_chunks();
  to.silence(std::chrono::hours(24));
}

}  // namespace nodeproof::test
