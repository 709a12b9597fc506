#include "wire/objects.hpp"

#include "attest/strict_json.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonValue;

// A string member that stays in the document; empty when it is absent or null.
Result<std::string_view> string_in(const JsonValue& object, std::string_view key) {
  NODEPROOF_TRY(member, object.optional(key));
  if (!member) return std::string_view();
  return member->string();
}

Result<std::map<std::string, std::string>> string_map(const JsonValue& object, std::string_view key) {
  NODEPROOF_TRY(map, optional_string_map(object, key));
  return std::move(map).value_or(std::map<std::string, std::string>());
}

// Of objects that live in the API server, which always have a name.
Result<ObjectMeta> named_metadata(const JsonValue& object) {
  NODEPROOF_TRY(meta, parse_metadata(object));
  if (meta.name.empty()) return Error{Errc::kMissing, object.path() + ".metadata.name", "is required"};
  return std::move(meta);
}

Result<std::vector<Taint>> our_taints(const JsonValue& node) {
  std::vector<Taint> out;
  NODEPROOF_TRY(spec, node.optional("spec"));
  if (!spec) return out;
  NODEPROOF_TRY(member, spec->optional("taints"));
  if (!member) return out;
  NODEPROOF_TRY(taints, member->array());
  for (const JsonValue& taint : taints) {
    NODEPROOF_TRY(key, taint.optional_text("key"));
    NODEPROOF_TRY(effect, taint.optional_text("effect"));
    if (key.starts_with(kOurPrefix)) out.push_back({std::move(key), std::move(effect)});
  }
  return out;
}

}  // namespace

Result<std::optional<std::map<std::string, std::string>>> optional_string_map(const JsonValue& object,
                                                                              std::string_view key) {
  NODEPROOF_TRY(map, object.optional(key));
  if (!map) return std::optional<std::map<std::string, std::string>>();
  NODEPROOF_TRY(members, map->members());
  std::optional<std::map<std::string, std::string>> out(std::in_place);
  for (const JsonValue::Member& member : members) {
    NODEPROOF_TRY(text, member.value.text());
    out->emplace(member.key, std::move(text));
  }
  return out;
}

Result<ObjectMeta> parse_metadata(const JsonValue& object) {
  NODEPROOF_TRY(metadata, object.required("metadata"));
  ObjectMeta out;
  NODEPROOF_TRY(name, metadata.optional_text("name"));
  NODEPROOF_TRY(ns, metadata.optional_text("namespace"));
  NODEPROOF_TRY(uid, metadata.optional_text("uid"));
  NODEPROOF_TRY(resource_version, metadata.optional_text("resourceVersion"));
  NODEPROOF_TRY(labels, string_map(metadata, "labels"));
  NODEPROOF_TRY(annotations, string_map(metadata, "annotations"));
  NODEPROOF_TRY(deletion, metadata.optional_text("deletionTimestamp"));
  out.name = std::move(name);
  out.ns = std::move(ns);
  out.uid = std::move(uid);
  out.resource_version = std::move(resource_version);
  out.labels = std::move(labels);
  out.annotations = std::move(annotations);
  out.deleting = !deletion.empty();
  return out;
}

Result<Node> parse_node(const JsonValue& object) {
  Node out;
  NODEPROOF_TRY(meta, named_metadata(object));
  out.meta = std::move(meta);
  const auto version = out.meta.labels.find("kubernetes.azure.com/node-image-version");
  if (version != out.meta.labels.end()) out.image = version->second;
  NODEPROOF_TRY(taints, our_taints(object));
  out.taints = std::move(taints);
  NODEPROOF_TRY(status, object.optional("status"));
  if (!status) return out;
  NODEPROOF_TRY(info, status->optional("nodeInfo"));
  if (!info) return out;
  NODEPROOF_TRY(boot_id, info->optional_text("bootID"));
  NODEPROOF_TRY(system_uuid, info->optional_text("systemUUID"));
  out.boot_id = std::move(boot_id);
  NODEPROOF_TRY(os_image, info->optional_text("osImage"));
  out.system_uuid = std::move(system_uuid);
  if (out.image.empty()) out.image = std::move(os_image);
  return out;
}

Result<Pod> parse_pod(const JsonValue& object) {
  Pod out;
  // A pod under admission may still be without a name (generateName).
  NODEPROOF_TRY(meta, parse_metadata(object));
  out.meta = std::move(meta);
  NODEPROOF_TRY(spec, object.required("spec"));
  NODEPROOF_TRY(node_name, spec.optional_text("nodeName"));
  out.node_name = std::move(node_name);
  NODEPROOF_TRY(node_selector, optional_string_map(spec, "nodeSelector"));
  out.node_selector = std::move(node_selector);
  return out;
}

Result<PodSummary> summarize_pod(const JsonValue& object) {
  NODEPROOF_TRY(metadata, object.required("metadata"));
  NODEPROOF_TRY(spec, object.required("spec"));
  PodSummary out;
  NODEPROOF_TRY(name, string_in(metadata, "name"));
  NODEPROOF_TRY(ns, string_in(metadata, "namespace"));
  NODEPROOF_TRY(uid, string_in(metadata, "uid"));
  NODEPROOF_TRY(node_name, string_in(spec, "nodeName"));
  if (name.empty()) return Error{Errc::kMissing, metadata.path() + ".name", "is required"};
  out.name = name;
  out.ns = ns;
  out.uid = uid;
  out.node_name = node_name;
  NODEPROOF_TRY(annotations, metadata.optional("annotations"));
  if (!annotations) return out;
  if (!annotations->is_object()) return Error{Errc::kWrongType, annotations->path(), "must be an object"};
  for (const auto [key, value] : simdjson::dom::object(annotations->element())) {
    if (!key.starts_with(kOurPrefix)) continue;
    if (!value.is_string()) {
      return Error{Errc::kWrongType, annotations->path() + "." + std::string(key), "must be a string"};
    }
    out.markers.emplace_back(key, std::string_view(value));
  }
  return out;
}

Result<PlacedPod> summarize_placed_pod(const JsonValue& object) {
  NODEPROOF_TRY(pod, summarize_pod(object));
  PlacedPod out;
  out.pod = std::move(pod);
  NODEPROOF_TRY(metadata, object.required("metadata"));
  NODEPROOF_TRY(annotations, metadata.optional("annotations"));
  if (annotations) {
    NODEPROOF_TRY(mirror, string_in(*annotations, kMirrorAnnotation));
    out.mirror = !mirror.empty();
  }
  NODEPROOF_TRY(status, object.optional("status"));
  if (!status) return out;
  NODEPROOF_TRY(phase, string_in(*status, "phase"));
  out.finished = phase == "Succeeded" || phase == "Failed";
  return out;
}

Result<Namespace> parse_namespace(const JsonValue& object) {
  NODEPROOF_TRY(meta, named_metadata(object));
  return Namespace{std::move(meta)};
}

Result<Binding> parse_binding(const JsonValue& object) {
  Binding out;
  NODEPROOF_TRY(meta, parse_metadata(object));
  out.meta = std::move(meta);
  NODEPROOF_TRY(target, object.required("target"));
  NODEPROOF_TRY(kind, target.optional_text("kind"));
  NODEPROOF_TRY(name, target.optional_text("name"));
  out.target_kind = std::move(kind);
  out.target_name = std::move(name);
  return out;
}

}  // namespace nodeproof::wire
