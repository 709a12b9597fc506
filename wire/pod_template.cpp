#include "wire/pod_template.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonValue;

constexpr std::string_view kCronJob = "CronJob";

}  // namespace

Result<JsonValue> template_of(const JsonValue& object, std::string_view kind) {
  NODEPROOF_TRY(spec, object.required("spec"));
  if (kind != kCronJob) return spec.required("template");
  NODEPROOF_TRY(job, spec.required("jobTemplate"));
  NODEPROOF_TRY(job_spec, job.required("spec"));
  return job_spec.required("template");
}

bool has_pod_template(std::string_view group, std::string_view kind) {
  if (group == "batch") return kind == "Job" || kind == kCronJob;
  if (group != "apps") return false;
  return kind == "Deployment" || kind == "ReplicaSet" || kind == "StatefulSet" || kind == "DaemonSet";
}

Result<PodTemplate> parse_pod_template(const JsonValue& object, std::string_view kind) {
  PodTemplate out;
  out.kind = kind;
  NODEPROOF_TRY(owner, parse_metadata(object));
  out.owner = std::move(owner);
  NODEPROOF_TRY(pod, template_of(object, kind));
  NODEPROOF_TRY(metadata, pod.optional("metadata"));
  if (!metadata) return out;
  NODEPROOF_TRY(labels, optional_string_map(*metadata, "labels"));
  if (labels) out.labels = *std::move(labels);
  NODEPROOF_TRY(annotations, optional_string_map(*metadata, "annotations"));
  if (annotations) out.annotations = *std::move(annotations);
  return out;
}

}  // namespace nodeproof::wire
