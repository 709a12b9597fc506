// An API server in memory: objects by path, with resource versions, and the calls that were made.
#pragma once

#include <cpprest/json.h>

#include <functional>
#include <map>

#include "webhook/cluster_api.hpp"

namespace nodeproof::webhook::testing {

class FakeClusterApi final : public ClusterApi {
 public:
  std::optional<std::string> get_if_exists(const std::string& path) override {
    fail_if_asked("get " + path);
    const auto found = objects.find(path);
    return found == objects.end() ? std::nullopt : std::optional(found->second);
  }
  void create(const std::string& path, const std::string& json) override {
    note("create " + path, json);
    auto object = web::json::value::parse(json);
    const std::string where = path + "/" + object["metadata"]["name"].as_string();
    if (objects.contains(where)) throw kube::ApiError(409, "AlreadyExists", where + " already exists");
    store(where, std::move(object));
  }
  void replace(const std::string& path, const std::string& json) override {
    note("replace " + path, json);
    const auto found = objects.find(path);
    if (found == objects.end()) throw kube::ApiError(404, "NotFound", path + " not found");
    auto object = web::json::value::parse(json);
    auto current = web::json::value::parse(found->second);
    if (object["metadata"]["resourceVersion"] != current["metadata"]["resourceVersion"]) {
      throw kube::ApiError(409, "Conflict", path + " was changed");
    }
    store(path, std::move(object));
  }
  // Patches of a status reach the object; others are noted alone.
  void merge_patch(const std::string& path, const std::string& json) override {
    note("patch " + path, json);
    constexpr std::string_view kStatus = "/status";
    const std::string object = path.ends_with(kStatus) ? path.substr(0, path.size() - kStatus.size()) : "";
    const auto found = objects.find(object);
    if (found == objects.end()) return;
    auto value = web::json::value::parse(found->second);
    if (!value.has_field("status")) value["status"] = web::json::value::object();
    const auto patch = web::json::value::parse(json).at("status").as_object();
    for (const auto& [key, member] : patch) value["status"][key] = member;
    store(object, std::move(value));
  }
  void json_patch(const std::string& path, const std::string& json) override {
    note("json-patch " + path, json);
  }
  void remove(const std::string& path, const std::string& options) override {
    note("remove " + path, options);
  }

  void store(const std::string& path, web::json::value object) {
    object["metadata"]["resourceVersion"] = web::json::value::string(std::to_string(++version_));
    objects[path] = object.serialize();
  }

  std::map<std::string, std::string> objects;                     // by path
  std::vector<std::pair<std::string, std::string>> calls;         // writes: what, body
  std::function<void(const std::string& call)> before = nullptr;  // may throw

 private:
  void fail_if_asked(const std::string& call) {
    if (before) before(call);
  }
  void note(const std::string& call, const std::string& json) {
    fail_if_asked(call);
    calls.emplace_back(call, json);
  }
  int version_ = 0;
};

}  // namespace nodeproof::webhook::testing
