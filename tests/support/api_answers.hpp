// What scripted API servers have in common: what is asked for, pages of lists, dates, and watches without
// events.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "tests/support/scripted_http_server.hpp"

namespace nodeproof::test {

// The path without its query.
inline std::string path_of(const ScriptedRequest& request) {
  return request.target.substr(0, request.target.find('?'));
}

inline bool is_watch(const ScriptedRequest& request) {
  return request.target.find("watch=1") != std::string::npos;
}

// By which clients compare their clock with ours; IMF-fixdate (RFC 9110 5.6.7).
inline std::string date_header(UnixTime time) {
  const std::time_t seconds = to_unix(time);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "Date: %a, %d %b %Y %H:%M:%S GMT", &parts);
  return text.data();
}

// One page. `items` are objects with commas between them; `next` is the token by which the next page is asked
// for, empty on the last one.
inline std::string list_json(std::string_view items, std::uint64_t resource_version = 1,
                             std::string_view next = {}) {
  return R"({"metadata":{"resourceVersion":")" + std::to_string(resource_version) + R"(","continue":")" +
         std::string(next) + R"("},"items":[)" + std::string(items) + "]}";
}

// The pages of a list of `count` objects, `size` on each but the last; an empty list has one. `object` gives
// the JSON of each by its index. The token of a page is its number, from 0.
template <typename Object>
std::vector<std::string> pages_of(std::size_t count, std::size_t size, Object object) {
  std::vector<std::string> out;
  std::size_t index = 0;
  do {
    const std::size_t end = std::min(index + size, count);
    std::string items;
    for (const std::size_t first = index; index < end; ++index) {
      if (index != first) items += ',';
      items += object(index);
    }
    out.push_back(list_json(items, 1, index < count ? std::to_string(out.size() + 1) : std::string()));
  } while (index < count);
  return out;
}
// The number of the page that is asked for.
inline std::size_t page_asked_for(const ScriptedRequest& request) {
  constexpr std::string_view kToken = "&continue=";
  const std::size_t at = request.target.find(kToken);
  return at == std::string::npos ? 0 : std::stoul(request.target.substr(at + kToken.size()));
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
