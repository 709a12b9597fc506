// `nodeproof pods --unproven`: sensitive pods that run where nothing proves what they ask for.
#pragma once

#include <iosfwd>

#include "cli/explain_pod.hpp"

namespace nodeproof::cli {

// As given on the command line; texts are not parsed yet. Empty: not given.
struct PodsOptions : JudgeOptions, ClusterOptions {
  std::vector<std::string> files;  // instead of a cluster
  bool unproven = false;           // the command line demands it: no other list is made
  bool json = false;
};

// Judges at `--at` or else at `now`, by webhook::sweep. kVerified: there is none. kRefused: they are listed.
ExitCode unproven_pods(const PodsOptions& options, UnixTime now, std::ostream& out, std::ostream& err);

}  // namespace nodeproof::cli
