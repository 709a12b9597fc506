// A pod as it stands in a file, or as the object that makes it would make it.
#pragma once

#include "attest/strict_json.hpp"
#include "wire/objects.hpp"

namespace nodeproof::cli {

struct PodManifest {
  std::string kind;  // Pod, or of the object that makes pods: Deployment
  wire::Pod pod;     // name and namespace are the object's
};

// Pod, Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob.
bool makes_pods(std::string_view kind);

// `object` is of such a kind. A namespace that it does not name stays empty; a name is required, but for a
// Pod or Job with generateName, whose name that prefix then is.
Result<PodManifest> parse_pod_manifest(const attest::JsonValue& object, const std::string& kind);

}  // namespace nodeproof::cli
