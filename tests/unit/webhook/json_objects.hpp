// API objects as a watch hands them over, from their JSON.
#pragma once

#include <string>
#include <vector>

#include "attest/strict_json.hpp"
#include "base/or_throw.hpp"
#include "kube/list_watch.hpp"

namespace nodeproof::webhook::testing {

// Owns one parsed object.
class JsonObject {
 public:
  explicit JsonObject(const std::string& json) : document_(parse(json)) {}
  attest::JsonValue value() const { return document_.root(); }

 private:
  static attest::JsonDocument parse(const std::string& json) {
    return or_throw(attest::JsonDocument::parse(as_bytes(json), 1U << 20U, "object"));
  }
  attest::JsonDocument document_;
};

inline void replace(const kube::WatchHandler& handler, const std::vector<std::string>& jsons) {
  handler.begin();
  for (const std::string& json : jsons) handler.update(JsonObject(json).value());
  handler.listed();
}
inline void update(const kube::WatchHandler& handler, const std::string& json) {
  handler.update(JsonObject(json).value());
}
inline void remove(const kube::WatchHandler& handler, const std::string& json) {
  handler.remove(JsonObject(json).value());
}

}  // namespace nodeproof::webhook::testing
