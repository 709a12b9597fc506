// Everything that a decision about pods rests on, from files, from a cluster, or from both: what a file holds
// counts in place of what the cluster has.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/cluster.hpp"
#include "cli/node_objects.hpp"
#include "cli/pod_manifest.hpp"
#include "webhook/sweep.hpp"

namespace nodeproof::cli {

struct ClusterObjects {
  NodesByName nodes;
  webhook::PolicyMap policies;
  webhook::NamespaceMap namespaces;
  // By name; an Error for one that cannot be used, as the webhook keeps it.
  std::map<std::string, Result<wire::NodeInventory>> inventories;
  std::map<std::string, wire::ToldAttestation> told;  // by node; nothing is decided by it
  std::vector<PodManifest> pods;                      // and what makes pods
  std::vector<webhook::RunningPod> running;           // those of `pods` that are bound and not finished
  std::vector<std::string> unread;                    // "Service web": kinds that nothing here rests on
};

// Objects of other kinds are noted in `unread`; two of one kind and name are an Error. Throws what read_file
// throws.
Status read_cluster_objects(const std::vector<std::string>& files, ClusterObjects& out);

// Each adds what `out` does not hold yet. They throw as cluster.hpp says.
void fetch_policies(kube::ApiClient& api, ClusterObjects& out);
void fetch_inventories(kube::ApiClient& api, ClusterObjects& out);
// Only where one of the policies of `out` rests on them: few may read them.
void fetch_needed_inventories(kube::ApiClient& api, ClusterObjects& out);
void fetch_namespace(kube::ApiClient& api, const std::string& name, ClusterObjects& out);
void fetch_namespaces(kube::ApiClient& api, ClusterObjects& out);
void fetch_attestations(kube::ApiClient& api, ClusterObjects& out);
void fetch_node(kube::ApiClient& api, const std::string& name, ClusterObjects& out);
void fetch_nodes(kube::ApiClient& api, ClusterObjects& out);
// The pod; nothing when there is none.
std::optional<wire::Pod> fetch_pod(kube::ApiClient& api, const std::string& ns, const std::string& name);

// What the webhook would decide from, but that nodes are judged without the cluster's epoch key
// (webhook::judge_without_key), and that only those of `objects` are compared with each other. A node without
// a Node object is none.
webhook::Snapshot snapshot_of(const ClusterObjects& objects, const webhook::TrustParameters& parameters,
                              UnixTime now);

}  // namespace nodeproof::cli
