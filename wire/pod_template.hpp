// What we read of the objects that make pods: enough to say beforehand what will become of these.
#pragma once

#include "attest/strict_json.hpp"
#include "wire/objects.hpp"

namespace nodeproof::wire {

struct PodTemplate {
  std::string kind;  // of the object: "Deployment"
  ObjectMeta owner;  // of the object itself; without a name when it is made of generateName
  std::map<std::string, std::string> labels;       // of the pods to be: those of the template
  std::map<std::string, std::string> annotations;  // likewise
};

// Deployment, ReplicaSet, StatefulSet and DaemonSet of group apps, Job and CronJob of batch.
bool has_pod_template(std::string_view group, std::string_view kind);

// spec.template, a level deeper in a CronJob, whose Jobs come of a template as well.
Result<attest::JsonValue> template_of(const attest::JsonValue& object, std::string_view kind);

// `object` is a whole object of such a kind. The members that are read must have their types; all others
// are Kubernetes' own business.
Result<PodTemplate> parse_pod_template(const attest::JsonValue& object, std::string_view kind);

}  // namespace nodeproof::wire
