// The command line of the verbs that answer from a cluster's objects: nodes, explain, pods, gate, inventory,
// policy, epoch. And the flags that verbs share.
#pragma once

#include <CLI/CLI.hpp>

#include "cli/epoch.hpp"
#include "cli/gate_check.hpp"
#include "cli/inventory_import.hpp"
#include "cli/nodes.hpp"
#include "cli/policy_test.hpp"
#include "cli/unproven_pods.hpp"

namespace nodeproof::cli {

void add_trust(CLI::App& verb, TrustOptions& options);
// `excluded`: the flag that asks for no cluster; null where there is none.
void add_cluster(CLI::App& verb, ClusterOptions& options, CLI::Option* excluded);

struct ClusterVerbs {
  NodesOptions nodes;
  ExplainOptions explain;
  PodsOptions pods;
  GateOptions gate;
  ImportOptions inventory;
  PolicyTestOptions policy;
  EpochOptions epochs;
  EpochOptions revocation;
};

// Each verb runs when the command line is parsed, and sets `exit_code`. All is borrowed until then.
void add_cluster_verbs(CLI::App& app, ClusterVerbs& verbs, int& exit_code);

}  // namespace nodeproof::cli
