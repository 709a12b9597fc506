#include "cli/node_objects.hpp"

#include "cli/cluster.hpp"
#include "cli/object_files.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::cli {
namespace {

using attest::JsonDocument;
using attest::JsonValue;

constexpr std::size_t kMaxFile = 1U << 20U;
constexpr std::size_t kMaxObject = 4U << 20U;

Result<NodeObjects> chosen(NodesByName objects, const std::string& file, const std::string& node) {
  if (!node.empty()) {
    const auto found = objects.find(node);
    if (found != objects.end()) return std::move(found->second);
    return Error{Errc::kMissing, file, "holds nothing of node " + node};
  }
  if (objects.size() == 1) return std::move(objects.begin()->second);
  if (objects.empty()) return Error{Errc::kMissing, file, "holds no NodeEvidence and no NodeQuote"};
  std::string names;
  for (const auto& [name, unused] : objects) names += (names.empty() ? "" : ", ") + name;
  return Error{Errc::kBadValue, file, "is of several nodes; name one of " + names.substr(0, 400)};
}

template <typename T, typename Parse>
std::optional<Result<T>> parsed(const std::optional<std::string>& json, const std::string& what,
                                Parse parse) {
  if (!json) return std::nullopt;
  const auto document = JsonDocument::parse(as_bytes(*json), kMaxObject, what);
  if (!document) return Result<T>(document.error());
  return Result<T>(parse(document->root()));
}

}  // namespace

Result<bool> put_node_object(const JsonValue& object, const std::string& kind, NodesByName& out) {
  if (kind != "NodeEvidence" && kind != "NodeQuote" && kind != "Node") return false;
  NODEPROOF_TRY(meta, wire::parse_metadata(object));
  if (meta.name.empty()) return Error{Errc::kMissing, object.path() + ".metadata.name", "is required"};
  NodeObjects& of_node = out[meta.name];
  of_node.name = meta.name;
  if (kind == "NodeEvidence") {
    if (of_node.evidence) return second_of_its_name(object, kind, meta.name);
    of_node.evidence = wire::parse_node_evidence(object);
    return true;
  }
  if (kind == "NodeQuote") {
    if (of_node.quote) return second_of_its_name(object, kind, meta.name);
    of_node.quote = wire::parse_node_quote(object);
    return true;
  }
  if (of_node.node) return second_of_its_name(object, kind, meta.name);
  NODEPROOF_TRY(node, wire::parse_node(object));
  of_node.node = std::move(node);
  return true;
}

Result<NodeObjects> read_node_objects(const std::string& file, const std::string& node) {
  NodesByName objects;
  NODEPROOF_CHECK(
      read_object_file(file, kMaxFile, [&](const JsonValue& object, const std::string& kind) -> Status {
        NODEPROOF_TRY(taken, put_node_object(object, kind, objects));
        if (taken) return Ok{};
        return Error{
            Errc::kUnsupported, object.path() + ".kind",
            "is " + kind.substr(0, 64) + ", must be NodeEvidence, NodeQuote, Node or a List of them"};
      }));
  return chosen(std::move(objects), file, node);
}

std::optional<NodeObjects> find_node_objects(kube::ApiClient& api, const std::string& name) {
  check_name(name, "a node");
  const auto node_json = get_object(api, "/api/v1/nodes/" + name, "nodes");
  if (!node_json) return std::nullopt;
  const auto evidence =
      get_object(api, wire::object_path(wire::kNodeEvidencesPath, name), "nodeevidences.nodeproof.dev");
  const auto quote =
      get_object(api, wire::object_path(wire::kNodeQuotesPath, name), "nodequotes.nodeproof.dev");
  if (!evidence && !quote) check_installed(api);
  NodeObjects out;
  out.name = name;
  read_answer(*node_json, "Node", [&](const JsonValue& object) -> Status {
    NODEPROOF_TRY(node, wire::parse_node(object));
    out.node = std::move(node);
    return Ok{};
  });
  out.evidence = parsed<wire::NodeEvidence>(evidence, "NodeEvidence", wire::parse_node_evidence);
  out.quote = parsed<wire::NodeQuote>(quote, "NodeQuote", wire::parse_node_quote);
  return out;
}

NodeObjects fetch_node_objects(kube::ApiClient& api, const std::string& name) {
  auto found = find_node_objects(api, name);
  if (!found) throw std::runtime_error("the cluster has no node " + name + ". See kubectl get nodes");
  return *std::move(found);
}

}  // namespace nodeproof::cli
