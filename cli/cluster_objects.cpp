#include "cli/cluster_objects.hpp"

#include <algorithm>

#include "cli/object_files.hpp"
#include "webhook/ak_holders.hpp"
#include "wire/attestation_policy.hpp"
#include "wire/node_inventory.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::cli {
namespace {

using attest::JsonValue;

// kubectl get nodes,nodeevidences,... -o yaml of a cluster of some hundred nodes.
constexpr std::size_t kMaxFile = 32U << 20U;

Result<std::string> name_of(const JsonValue& object) {
  NODEPROOF_TRY(meta, wire::parse_metadata(object));
  if (meta.name.empty()) return Error{Errc::kMissing, object.path() + ".metadata.name", "is required"};
  return std::move(meta.name);
}

// A policy that cannot be used is kept as the Error that says why, as the webhook keeps it.
Status put_policy(const JsonValue& object, webhook::PolicyMap& out) {
  NODEPROOF_TRY(name, name_of(object));
  if (!out.emplace(name, wire::parse_attestation_policy(object)).second)
    return second_of_its_name(object, "AttestationPolicy", name);
  return Ok{};
}

Status put_inventory(const JsonValue& object, std::map<std::string, Result<wire::NodeInventory>>& out) {
  NODEPROOF_TRY(name, name_of(object));
  if (!out.emplace(name, wire::parse_node_inventory(object)).second)
    return second_of_its_name(object, "NodeInventory", name);
  return Ok{};
}

Status put_namespace(const JsonValue& object, webhook::NamespaceMap& out) {
  NODEPROOF_TRY(ns, wire::parse_namespace(object));
  if (!out.emplace(ns.meta.name, webhook::entry_of(ns)).second)
    return second_of_its_name(object, "Namespace", ns.meta.name);
  return Ok{};
}

Status put_attestation(const JsonValue& object, std::map<std::string, wire::ToldAttestation>& out) {
  NODEPROOF_TRY(told, wire::parse_node_attestation(object));
  const std::string name = told.name;
  if (!out.emplace(name, std::move(told)).second) return second_of_its_name(object, "NodeAttestation", name);
  return Ok{};
}

Status put_pod(const JsonValue& object, const std::string& kind, ClusterObjects& out) {
  NODEPROOF_TRY(manifest, parse_pod_manifest(object, kind));
  out.pods.push_back(std::move(manifest));
  if (kind != "Pod") return Ok{};
  const PodManifest& pod = out.pods.back();
  // A manifest without a name for its pods runs nowhere yet.
  if (pod.pod.node_name.empty() || pod.pod.meta.uid.empty()) return Ok{};
  NODEPROOF_TRY(running, webhook::parse_running_pod(object));
  if (running) out.running.push_back(*std::move(running));
  return Ok{};
}

Status put_object(const JsonValue& object, const std::string& kind, ClusterObjects& out) {
  NODEPROOF_TRY(of_node, put_node_object(object, kind, out.nodes));
  if (of_node) return Ok{};
  if (kind == "AttestationPolicy") return put_policy(object, out.policies);
  if (kind == "NodeInventory") return put_inventory(object, out.inventories);
  if (kind == "Namespace") return put_namespace(object, out.namespaces);
  if (kind == "NodeAttestation") return put_attestation(object, out.told);
  if (makes_pods(kind)) return put_pod(object, kind, out);
  const auto name = name_of(object);
  out.unread.push_back(kind.substr(0, 64) + " " + (name ? *name : std::string("(unnamed)")));
  return Ok{};
}

// Part by part: a file may hold a node's evidence alone.
void add_missing(NodesByName&& from, NodesByName& to) {
  for (auto& [name, found] : from) {
    const auto [at, added] = to.try_emplace(name, std::move(found));
    if (added) continue;
    NodeObjects& have = at->second;
    if (!have.node) have.node = std::move(found.node);
    if (!have.evidence) have.evidence = std::move(found.evidence);
    if (!have.quote) have.quote = std::move(found.quote);
  }
}

webhook::NodeMap::Entry entry_of(const NodeObjects& objects, const webhook::TrustParameters& parameters,
                                 UnixTime now) {
  const wire::Node& node = *objects.node;
  webhook::NodeView view;
  view.node = attest::BootIdentity{node.meta.uid, node.boot_id};
  view.system_uuid = node.system_uuid;
  std::optional<Result<wire::EvidenceSummary>> summary;
  std::shared_ptr<const webhook::VerifiedBoot> boot;
  if (objects.evidence && *objects.evidence) {
    boot = webhook::verify_evidence(**objects.evidence, webhook::image_key(node.image), nullptr, {},
                                    parameters, now);
    summary = wire::summary_of(**objects.evidence);
  } else if (objects.evidence) {
    summary = objects.evidence->error();
  }
  view.evidence = summary ? &*summary : nullptr;
  view.quote = objects.quote ? &*objects.quote : nullptr;
  view.boot = boot.get();
  auto trust = std::make_shared<const webhook::NodeTrust>(webhook::judge_without_key(view, parameters, now));
  return std::make_shared<const webhook::NodeEntry>(
      webhook::NodeEntry{node.meta.name, view.node, std::move(trust), {}});
}

// As webhook::EvidenceIntake concludes: each node for itself, then those that share an AK.
void settle_disputes(webhook::Snapshot& snapshot, UnixTime now) {
  webhook::NodeMap nodes = *snapshot.nodes;
  webhook::AkHolders all;
  for (const webhook::NodeMap::Entry& node : nodes) all.put(node->name, node->trust.get());
  const auto trust_of = [&nodes](const std::string& name) { return nodes.at(name).trust; };
  const Seconds max_age = webhook::longest_max_age(*snapshot.policies);
  for (auto& [name, trust] : webhook::disputed(all, trust_of, *snapshot.inventory, max_age, now)) {
    webhook::NodeEntry node = nodes.at(name);
    node.trust = std::make_shared<const webhook::NodeTrust>(std::move(trust));
    nodes.put(std::make_shared<const webhook::NodeEntry>(std::move(node)));
  }
  snapshot.nodes = std::make_shared<const webhook::NodeMap>(std::move(nodes));
}

}  // namespace

Status read_cluster_objects(const std::vector<std::string>& files, ClusterObjects& out) {
  for (const std::string& file : files) {
    NODEPROOF_CHECK(read_object_file(file, kMaxFile, [&](const JsonValue& object, const std::string& kind) {
      return put_object(object, kind, out);
    }));
  }
  return Ok{};
}

void fetch_policies(kube::ApiClient& api, ClusterObjects& out) {
  check_installed(api);
  webhook::PolicyMap found;
  list_objects(api, wire::kAttestationPoliciesPath, "attestationpolicies.nodeproof.dev",
               [&](const JsonValue& item) { return put_policy(item, found); });
  out.policies.merge(found);
}

void fetch_needed_inventories(kube::ApiClient& api, ClusterObjects& out) {
  const bool needed = std::any_of(out.policies.begin(), out.policies.end(), [](const auto& item) {
    return item.second && item.second->node_identity == attest::NodeIdentity::kInventory;
  });
  if (needed) fetch_inventories(api, out);
}

void fetch_inventories(kube::ApiClient& api, ClusterObjects& out) {
  std::map<std::string, Result<wire::NodeInventory>> found;
  list_objects(api, wire::kNodeInventoriesPath, "nodeinventories.nodeproof.dev",
               [&](const JsonValue& item) { return put_inventory(item, found); });
  out.inventories.merge(found);
}

void fetch_namespace(kube::ApiClient& api, const std::string& name, ClusterObjects& out) {
  if (out.namespaces.contains(name)) return;
  check_name(name, "a namespace");
  const auto json = get_object(api, "/api/v1/namespaces/" + name, "namespaces");
  if (!json) return;
  read_answer(*json, "Namespace",
              [&](const JsonValue& object) { return put_namespace(object, out.namespaces); });
}

void fetch_namespaces(kube::ApiClient& api, ClusterObjects& out) {
  webhook::NamespaceMap found;
  list_objects(api, "/api/v1/namespaces", "namespaces",
               [&](const JsonValue& item) { return put_namespace(item, found); });
  out.namespaces.merge(found);
}

void fetch_attestations(kube::ApiClient& api, ClusterObjects& out) {
  list_objects(api, wire::kNodeAttestationsPath, "nodeattestations.nodeproof.dev",
               [&](const JsonValue& item) { return put_attestation(item, out.told); });
}

void fetch_node(kube::ApiClient& api, const std::string& name, ClusterObjects& out) {
  if (auto found = find_node_objects(api, name)) add_missing({{name, *std::move(found)}}, out.nodes);
}

void fetch_nodes(kube::ApiClient& api, ClusterObjects& out) {
  NodesByName found;
  const auto put = [&](const char* kind) {
    return [&found, kind](const JsonValue& item) -> Status {
      NODEPROOF_TRY(taken, put_node_object(item, kind, found));
      return taken ? Status(Ok{}) : Status(Error{Errc::kUnsupported, item.path(), "is no object of a node"});
    };
  };
  list_objects(api, "/api/v1/nodes", "nodes", put("Node"));
  list_objects(api, wire::kNodeEvidencesPath, "nodeevidences.nodeproof.dev", put("NodeEvidence"));
  list_objects(api, wire::kNodeQuotesPath, "nodequotes.nodeproof.dev", put("NodeQuote"));
  add_missing(std::move(found), out.nodes);
}

std::optional<wire::Pod> fetch_pod(kube::ApiClient& api, const std::string& ns, const std::string& name) {
  check_name(ns, "a namespace");
  check_name(name, "a pod");
  const auto json = get_object(api, "/api/v1/namespaces/" + ns + "/pods/" + name, "pods");
  if (!json) return std::nullopt;
  std::optional<wire::Pod> out;
  read_answer(*json, "Pod", [&](const JsonValue& object) -> Status {
    NODEPROOF_TRY(pod, wire::parse_pod(object));
    out = std::move(pod);
    return Ok{};
  });
  return out;
}

webhook::Snapshot snapshot_of(const ClusterObjects& objects, const webhook::TrustParameters& parameters,
                              UnixTime now) {
  webhook::Snapshot out;
  webhook::NodeMap nodes;
  for (const auto& [name, of_node] : objects.nodes) {
    if (of_node.node) nodes.put(entry_of(of_node, parameters, now));
  }
  out.nodes = std::make_shared<const webhook::NodeMap>(std::move(nodes));
  out.policies = std::make_shared<const webhook::PolicyMap>(objects.policies);
  webhook::Inventory inventory;
  for (const auto& [name, of_scale_set] : objects.inventories) inventory.put(name, of_scale_set);
  out.inventory = std::make_shared<const webhook::Inventory>(std::move(inventory));
  out.namespaces = std::make_shared<const webhook::NamespaceMap>(objects.namespaces);
  out.complete = true;
  settle_disputes(out, now);
  return out;
}

}  // namespace nodeproof::cli
