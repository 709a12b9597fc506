// Reading a cluster by a kubeconfig, with failures said so that a person knows what to do.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "attest/strict_json.hpp"
#include "kube/api_client.hpp"

namespace nodeproof::cli {

// Empty: $KUBECONFIG or ~/.kube/config, and its current context; in a pod that has neither, its service
// account.
struct ClusterOptions {
  std::string kubeconfig;
  std::string context;
};

// These throw std::runtime_error with what to do: no kubeconfig, a log-in that failed, access denied, no
// answer from the API server.
std::unique_ptr<kube::ApiClient> connect(const ClusterOptions& options);

// One GET; nothing on 404. `what`: the resource, for the right to read it.
std::optional<std::string> get_object(kube::ApiClient& api, const std::string& path, const std::string& what);

// One PUT with a resourceVersion in `json`; false when somebody changed the object meanwhile. `what`: the
// right to update it.
bool replace_object(kube::ApiClient& api, const std::string& path, const std::string& json,
                    const std::string& what);

// What is in an answer. Throws when it is no JSON, or `read` gives an Error: that is the cluster's failure,
// not a finding. `what` names it.
void read_answer(const std::string& json, std::string_view what,
                 const std::function<Status(const attest::JsonValue& object)>& read);

// Every item of a collection, page by page; `path` may hold a query; nothing when the API server does not
// know the collection. `read` gives an Error for an item that makes the whole unusable: then it throws, too.
void list_objects(kube::ApiClient& api, const std::string& path, const std::string& what,
                  const std::function<Status(const attest::JsonValue& item)>& read);

// Throws when the API server does not know our API group.
void check_installed(kube::ApiClient& api);

// Names go into paths: throws std::invalid_argument for what no object can be called. `of`: "a node".
void check_name(const std::string& name, const std::string& of);

}  // namespace nodeproof::cli
