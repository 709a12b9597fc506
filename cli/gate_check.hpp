// `nodeproof gate check`: does the gate of this cluster refuse what it must, and admit what it may? Asked of
// the API server itself, by dry run: nothing is created. What `helm test` runs.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "attest/policy.hpp"
#include "cli/cluster.hpp"
#include "cli/verdict.hpp"
#include "wire/objects.hpp"

namespace nodeproof::cli {

struct GateOptions : ClusterOptions {
  std::string ns;                           // enrolled
  std::string service_account = "default";  // of the pods that are asked about; must exist
  unsigned tries = 30;                      // a second apart: nodes and new rules need some
  bool json = false;
};

// One sensitive pod, aimed at a node by spec.nodeName.
struct GateQuestion {
  std::string policy;
  std::string node;
  std::map<std::string, std::string> node_selector;  // what the policy steers by
};

struct GatePlan {
  std::optional<GateQuestion> refused;   // must be; nothing when no policy denies
  std::optional<GateQuestion> admitted;  // must be; nothing when no node meets a policy that denies
};

// By the nodes' labels, which tell what to expect and decide nothing. Nodes and policies of the cluster, in
// any order. When every node meets the policy, the one that is to be refused does not exist. Pure.
GatePlan plan_gate_check(const std::vector<wire::Node>& nodes,
                         const std::vector<attest::AppraisalPolicy>& policies);

// `pause` is called between tries. kVerified: it refuses and admits as it must. kRefused: it does not, or
// nothing could be asked; the last answers are printed.
ExitCode check_gate(const GateOptions& options, const std::function<void()>& pause, std::ostream& out,
                    std::ostream& err);

}  // namespace nodeproof::cli
