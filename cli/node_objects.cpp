#include "cli/node_objects.hpp"

#include <algorithm>
#include <map>

#include "attest/strict_json.hpp"
#include "base/file.hpp"
#include "wire/yaml_documents.hpp"

namespace nodeproof::cli {
namespace {

using attest::JsonDocument;
using attest::JsonValue;

constexpr std::size_t kMaxFile = 1U << 20U;
constexpr std::size_t kMaxObject = 4U << 20U;
constexpr const char* kGroup = "/apis/nodeproof.dev/v1alpha1";

using ObjectsByName = std::map<std::string, NodeObjects>;

Result<std::string> text_of(const JsonValue& object, std::string_view key) {
  NODEPROOF_TRY(member, object.required(key));
  return member.text();
}

Error twice(const JsonValue& object, const std::string& kind, const std::string& name) {
  return {Errc::kDuplicate, object.path(), "is a second " + kind + " " + name};
}

Status put_object(const JsonValue& object, const std::string& kind, ObjectsByName& out) {
  NODEPROOF_TRY(meta, wire::parse_metadata(object));
  if (meta.name.empty()) return Error{Errc::kMissing, object.path() + ".metadata.name", "is required"};
  NodeObjects& of_node = out[meta.name];
  of_node.name = meta.name;
  if (kind == "NodeEvidence") {
    if (of_node.evidence) return twice(object, kind, meta.name);
    of_node.evidence = wire::parse_node_evidence(object);
    return Ok{};
  }
  if (kind == "NodeQuote") {
    if (of_node.quote) return twice(object, kind, meta.name);
    of_node.quote = wire::parse_node_quote(object);
    return Ok{};
  }
  if (kind != "Node") {
    return Error{Errc::kUnsupported, object.path() + ".kind",
                 "is " + kind.substr(0, 64) + ", must be NodeEvidence, NodeQuote, Node or a List of them"};
  }
  if (of_node.node) return twice(object, kind, meta.name);
  NODEPROOF_TRY(node, wire::parse_node(object));
  of_node.node = std::move(node);
  return Ok{};
}

Status put_document(const JsonValue& root, ObjectsByName& out) {
  NODEPROOF_TRY(kind, text_of(root, "kind"));
  if (!kind.ends_with("List")) return put_object(root, kind, out);
  NODEPROOF_TRY(member, root.required("items"));
  NODEPROOF_TRY(items, member.array());
  for (const JsonValue& item : items) {
    // Items of a typed list need not repeat their kind.
    NODEPROOF_TRY(own, item.optional("kind"));
    const std::string of_list = kind.substr(0, kind.size() - std::string_view("List").size());
    const auto item_kind = own ? own->text() : Result<std::string>(of_list);
    if (!item_kind) return item_kind.error();
    NODEPROOF_CHECK(put_object(item, *item_kind, out));
  }
  return Ok{};
}

Status put_text(std::string_view json, const std::string& what, ObjectsByName& out) {
  NODEPROOF_TRY(document, JsonDocument::parse(as_bytes(json), kMaxObject, what));
  return put_document(document.root(), out);
}

Result<NodeObjects> chosen(ObjectsByName objects, const std::string& file, const std::string& node) {
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

[[noreturn]] void explain(const kube::ApiError& error, const std::string& what) {
  if (error.status() == 0)
    throw std::runtime_error(std::string(error.what()) +
                             ". Check the server in the kubeconfig, and that you can reach it");
  if (error.status() == 401)
    throw std::runtime_error(std::string(error.what()) +
                             ". The credentials in the kubeconfig are not accepted");
  if (error.status() == 403)
    throw std::runtime_error(std::string(error.what()) + ". Ask an administrator for the right to get " +
                             what);
  throw std::runtime_error(error.what());
}

std::optional<std::string> get(kube::ApiClient& api, const std::string& path, const std::string& what) {
  try {
    return api.get_if_exists(path);
  } catch (const kube::ApiError& error) {
    explain(error, what);
  }
}

// Kubernetes names are DNS subdomains (RFC 1123): nothing else may become part of a path.
void check_name(const std::string& node) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  if (node.empty() || node.size() > 253 || !std::all_of(node.begin(), node.end(), allowed))
    throw std::invalid_argument("'" + node + "' cannot be the name of a node");
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

Result<NodeObjects> read_node_objects(const std::string& file, const std::string& node) {
  const Bytes content = read_file(file, kMaxFile);
  const std::string_view text = as_text(content);
  ObjectsByName objects;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') {
    NODEPROOF_CHECK(put_text(text, file, objects));
  } else {
    NODEPROOF_TRY(documents, wire::yaml_documents(text, file));
    for (const std::string& json : documents) NODEPROOF_CHECK(put_text(json, file, objects));
  }
  return chosen(std::move(objects), file, node);
}

NodeObjects fetch_node_objects(kube::ApiClient& api, const std::string& name) {
  check_name(name);
  const auto node_json = get(api, "/api/v1/nodes/" + name, "nodes");
  if (!node_json) throw std::runtime_error("the cluster has no node " + name + ". See kubectl get nodes");
  const auto evidence = get(api, kGroup + ("/nodeevidences/" + name), "nodeevidences.nodeproof.dev");
  const auto quote = get(api, kGroup + ("/nodequotes/" + name), "nodequotes.nodeproof.dev");
  if (!evidence && !quote && !get(api, kGroup, "nodeproof.dev")) {
    throw std::runtime_error(
        "the cluster does not know NodeEvidence and NodeQuote. Install nodeproof, or at least its CRDs: "
        "kubectl apply -f crds/");
  }
  NodeObjects out;
  out.name = name;
  const auto node = parsed<wire::Node>(node_json, "Node", wire::parse_node);
  if (!*node) throw std::runtime_error("the API server's answer cannot be read: " + to_string(node->error()));
  out.node = **node;
  out.evidence = parsed<wire::NodeEvidence>(evidence, "NodeEvidence", wire::parse_node_evidence);
  out.quote = parsed<wire::NodeQuote>(quote, "NodeQuote", wire::parse_node_quote);
  return out;
}

}  // namespace nodeproof::cli
