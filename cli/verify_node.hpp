// `nodeproof verify node`: what a node published in a cluster, from there or from a file.
#pragma once

#include <iosfwd>
#include <string>

#include "cli/cluster.hpp"
#include "cli/input.hpp"
#include "cli/node_objects.hpp"

namespace nodeproof::cli {

// As given on the command line; texts are not parsed yet. Empty: not given.
struct NodeOptions : TrustOptions, ClusterOptions {
  std::string node;
  std::string file;
  std::string reference_values;
  bool json = false;
};

// The node's objects from `--filename`, else from the cluster. Errors and exceptions as those of
// node_objects.hpp.
Result<NodeObjects> read_objects(const NodeOptions& options);

// Verifies at `--at` or else at `now`, prints the verdict to `out` and errors with their remedy to `err`.
// What the node published and cannot be read is a failed check; a file that is no such object is kUsage; a
// file or cluster that cannot be read, or has no such node, is kEnvironment.
ExitCode verify_node(const NodeOptions& options, UnixTime now, std::ostream& out, std::ostream& err);

}  // namespace nodeproof::cli
