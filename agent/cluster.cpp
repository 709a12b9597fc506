#include "agent/cluster.hpp"

#include "attest/strict_json.hpp"
#include "base/file.hpp"
#include "base/or_throw.hpp"
#include "base/uuid.hpp"

namespace nodeproof::agent {
namespace {

template <typename T>
T must_parse(const std::string& body, const std::string& what, Result<T> (*parse)(const attest::JsonValue&),
             const std::string& remedy) {
  auto value = parse_object(body, what, parse);
  if (!value) throw NotReady(to_string(value.error()) + ". Remedy: " + remedy);
  return std::move(*value);
}

}  // namespace

std::string node_uid(ObjectApi& api, const std::string& node_name) {
  // resourceVersion=0: from the API server's cache, for a Node is large and its uid never changes.
  const auto body = api.get_if_exists("/api/v1/nodes/" + node_name + "?resourceVersion=0");
  if (!body) {
    throw NotReady("the cluster has no Node " + node_name +
                   ". Remedy: set --node-name (or NODE_NAME) to the name that the kubelet registered");
  }
  const auto node = must_parse(*body, "Node", wire::parse_node, "none known, the API server sent it so");
  auto uid = canonical_uuid(node.meta.uid, "Node.metadata.uid");
  if (!uid) throw NotReady(to_string(uid.error()) + ". Remedy: none known, the API server sent it so");
  return std::move(*uid);
}

wire::PublishedEpoch current_epoch(ObjectApi& api, const std::string& ns) {
  const std::string name = "ConfigMap " + ns + "/" + std::string(wire::kEpochConfigMap);
  const auto body =
      api.get_if_exists("/api/v1/namespaces/" + ns + "/configmaps/" + std::string(wire::kEpochConfigMap));
  if (!body) {
    throw NotReady(
        "there is no " + name +
        ". Remedy: start the webhook, whose leader writes it, and check that `namespace` is the release's");
  }
  return must_parse(*body, name, wire::parse_epoch_config_map,
                    "let the webhook's leader write it again; nobody else may");
}

std::string read_boot_id(const std::filesystem::path& file) {
  constexpr std::size_t kLimit = 64;
  try {
    std::string text(as_text(read_file(file, kLimit)));
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return or_throw(canonical_uuid(text, file.string()));
  } catch (const std::exception& e) {
    throw NotReady(std::string("no boot ID: ") + e.what() +
                   ". Remedy: set bootIdFile to the kernel's /proc/sys/kernel/random/boot_id");
  }
}

}  // namespace nodeproof::agent
