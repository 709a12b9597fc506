#include "cli/pod_manifest.hpp"

#include <algorithm>
#include <array>

#include "wire/pod_template.hpp"

namespace nodeproof::cli {
namespace {

using attest::JsonValue;

// A template need not have metadata.
Result<wire::Pod> pod_of_template(const JsonValue& of) {
  NODEPROOF_TRY(metadata, of.optional("metadata"));
  if (metadata) return wire::parse_pod(of);
  wire::Pod out;
  NODEPROOF_TRY(spec, of.required("spec"));
  NODEPROOF_TRY(node_name, spec.optional_text("nodeName"));
  out.node_name = std::move(node_name);
  return out;
}

Result<wire::Pod> pod_of(const JsonValue& object, const std::string& kind) {
  if (kind == "Pod") return wire::parse_pod(object);
  NODEPROOF_TRY(of, wire::template_of(object, kind));
  return pod_of_template(of);
}

}  // namespace

bool makes_pods(std::string_view kind) {
  constexpr std::array kKinds{"Pod",       "Deployment", "ReplicaSet", "StatefulSet",
                              "DaemonSet", "Job",        "CronJob"};
  return std::any_of(kKinds.begin(), kKinds.end(), [kind](const char* known) { return kind == known; });
}

Result<PodManifest> parse_pod_manifest(const JsonValue& object, const std::string& kind) {
  NODEPROOF_TRY(meta, wire::parse_metadata(object));
  NODEPROOF_TRY(metadata, object.required("metadata"));
  NODEPROOF_TRY(prefix, metadata.optional_text("generateName"));
  NODEPROOF_TRY(pod, pod_of(object, kind));
  pod.meta.name = meta.name.empty() ? prefix : meta.name;
  if (pod.meta.name.empty()) return Error{Errc::kMissing, object.path() + ".metadata.name", "is required"};
  pod.meta.ns = meta.ns;
  return PodManifest{kind, std::move(pod)};
}

}  // namespace nodeproof::cli
