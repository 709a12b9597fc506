#include "cli/explain_pod.hpp"

#include <ostream>

#include "cli/cluster_objects.hpp"
#include "cli/printable.hpp"

namespace nodeproof::cli {
namespace {

constexpr const char* kDefaultNamespace = "default";

struct PodName {
  std::string ns;
  std::string name;
};

Result<PodName> parse_pod_name(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text.size() ||
      text.find('/', slash + 1) != std::string::npos)
    return Error{Errc::kBadValue, "NS/NAME", "is '" + text.substr(0, 256) + "', must be as demo/api"};
  return PodName{text.substr(0, slash), text.substr(slash + 1)};
}

std::string names_of(const std::vector<PodManifest>& pods) {
  std::string out;
  for (const PodManifest& item : pods) {
    const std::string ns = item.pod.meta.ns.empty() ? kDefaultNamespace : item.pod.meta.ns;
    out += (out.empty() ? "" : ", ") + webhook::pod_name(ns, item.pod.meta.name);
  }
  return out.substr(0, 400);
}

// The pod of the files that is meant; nothing when they hold none of that name.
Result<std::optional<wire::Pod>> pod_of_files(const std::vector<PodManifest>& pods,
                                              const std::optional<PodName>& asked) {
  std::optional<wire::Pod> out;
  for (const PodManifest& item : pods) {
    const wire::ObjectMeta& meta = item.pod.meta;
    if (asked && (meta.name != asked->name || (!meta.ns.empty() && meta.ns != asked->ns))) continue;
    if (out)
      return Error{Errc::kBadValue, "NS/NAME",
                   "the files hold several pods or templates; name one of " + names_of(pods) +
                       ", and give files in which its name is once"};
    out = item.pod;
  }
  if (out && out->meta.ns.empty()) out->meta.ns = asked ? asked->ns : kDefaultNamespace;
  return out;
}

void fetch_surroundings(const ExplainOptions& options, kube::ApiClient& api, const wire::Pod& pod,
                        ClusterObjects& objects) {
  fetch_policies(api, objects);
  fetch_needed_inventories(api, objects);
  fetch_namespace(api, pod.meta.ns, objects);
  const std::string& node = options.node.empty() ? pod.node_name : options.node;
  node.empty() ? fetch_nodes(api, objects) : fetch_node(api, node, objects);
}

// The pod, and in `objects` everything that the decision rests on.
Result<wire::Pod> gather(const ExplainOptions& options, ClusterObjects& objects) {
  if (options.offline && options.files.empty())
    return Error{Errc::kMissing, "--offline", "needs the objects in files, with -f"};
  std::optional<PodName> asked;
  if (!options.pod.empty()) {
    NODEPROOF_TRY(name, parse_pod_name(options.pod));
    asked = std::move(name);
  }
  NODEPROOF_CHECK(read_cluster_objects(options.files, objects));
  NODEPROOF_TRY(pod, pod_of_files(objects.pods, asked));
  if (!pod && !asked) return Error{Errc::kMissing, "NS/NAME", "name a pod, or give a file with one"};
  if (options.offline) {
    if (!pod) return Error{Errc::kMissing, options.files.front(), "no file holds pod " + options.pod};
    return *std::move(pod);
  }
  const auto api = connect(options);
  if (!pod) pod = fetch_pod(*api, asked->ns, asked->name);
  if (!pod)
    throw std::runtime_error("the cluster has no pod " + options.pod +
                             ". See kubectl get pods -A, or give its manifest with -f");
  fetch_surroundings(options, *api, *pod, objects);
  return *std::move(pod);
}

void name_unread(std::ostream& err, const std::vector<std::string>& unread) {
  if (unread.empty()) return;
  err << "nodeproof: not looked at, because it makes no pod that this version knows: "
      << printable(joined(unread)) << ".\n";
}

Result<ExitCode> run(const ExplainOptions& options, UnixTime now, std::ostream& out, std::ostream& err) {
  NODEPROOF_TRY(trust, read_trust(options, now));
  NODEPROOF_TRY(parameters, trust_parameters_of(options, trust));
  ClusterObjects objects;
  NODEPROOF_TRY(pod, gather(options, objects));
  name_extra_anchors(err, trust.anchors);
  name_unread(err, objects.unread);
  const webhook::Snapshot snapshot = snapshot_of(objects, parameters, trust.at);
  const Explanation explanation = explain(pod, options.node, snapshot, trust.at);
  (options.json ? print_explanation_json : print_explanation)(out, explanation);
  return explanation.allowed() ? kVerified : kRefused;
}

}  // namespace

Result<webhook::TrustParameters> trust_parameters_of(const JudgeOptions& options, const Trust& trust) {
  webhook::TrustParameters out;
  NODEPROOF_TRY(values, read_reference_values(options.reference_values));
  NODEPROOF_TRY(epoch_length, parse_duration(options.epoch_length, "--epoch-length"));
  out.anchors = trust.anchors;
  out.revocation_lists = trust.revocation_lists;
  out.reference_values = std::move(values);
  out.epoch_length = epoch_length;
  out.trusted_launch_strict = options.strict;
  return out;
}

ExitCode explain_pod(const ExplainOptions& options, UnixTime now, std::ostream& out, std::ostream& err) {
  return run_verb("explain pod", err, [&] { return run(options, now, out, err); });
}

}  // namespace nodeproof::cli
