// `nodeproof nodes`: what every node of a cluster proves, judged here, beside what NodeAttestation tells.
#pragma once

#include <iosfwd>

#include "cli/explain_pod.hpp"

namespace nodeproof::cli {

// As given on the command line; texts are not parsed yet. Empty: not given.
struct NodesOptions : JudgeOptions, ClusterOptions {
  std::vector<std::string> nodes;  // these alone; empty: all
  std::vector<std::string> files;  // instead of a cluster
  bool json = false;
};

// Judges at `--at` or else at `now`. kVerified: every node listed is Verified, and there is one. kRefused:
// another is not. A node that is asked for and is not there is kUsage with files, else kEnvironment.
ExitCode list_nodes(const NodesOptions& options, UnixTime now, std::ostream& out, std::ostream& err);

}  // namespace nodeproof::cli
