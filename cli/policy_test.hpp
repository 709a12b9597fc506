// `nodeproof policy test`: whether AttestationPolicies can be used, what they demand, and which nodes meet
// them.
#pragma once

#include <iosfwd>

#include "cli/explain_pod.hpp"

namespace nodeproof::cli {

// As given on the command line; texts are not parsed yet. Empty: not given.
struct PolicyTestOptions : JudgeOptions, ClusterOptions {
  std::vector<std::string> files;  // with the policies, and with nodes to hold against them
  bool nodes = false;              // of the cluster, too
  bool json = false;
};

// Judges nodes at `--at` or else at `now`. kUsage: one of the policies cannot be used; that is said of each,
// on `out`. kRefused: no node can meet one of them, or none of those looked at does.
ExitCode policy_test(const PolicyTestOptions& options, UnixTime now, std::ostream& out, std::ostream& err);

}  // namespace nodeproof::cli
