// `nodeproof explain pod`: what the webhook would decide about a pod, node by node, and why.
#pragma once

#include <iosfwd>

#include "cli/cluster.hpp"
#include "cli/explanation.hpp"
#include "cli/input.hpp"

namespace nodeproof::cli {

// How nodes are judged here: the webhook may be configured otherwise.
struct JudgeOptions : TrustOptions {
  std::string reference_values;
  std::string epoch_length = "30s";
  bool strict = false;  // trustedLaunch.strict
};
Result<webhook::TrustParameters> trust_parameters_of(const JudgeOptions& options, const Trust& trust);

// As given on the command line; texts are not parsed yet. Empty: not given.
struct ExplainOptions : JudgeOptions, ClusterOptions {
  std::string pod;  // NS/NAME
  std::string node;
  std::vector<std::string> files;
  bool offline = false;  // the files hold everything
  bool json = false;
};

// Judges at `--at` or else at `now`. kVerified: the pod may be placed, on the node asked for or on at least
// one. kRefused: it may not. A pod that is nowhere is kUsage when the files should hold it, else
// kEnvironment.
ExitCode explain_pod(const ExplainOptions& options, UnixTime now, std::ostream& out, std::ostream& err);

// For people, and for programs.
void print_explanation(std::ostream& out, const Explanation& explanation);
void print_explanation_json(std::ostream& out, const Explanation& explanation);

}  // namespace nodeproof::cli
