#include "webhook/node_taints.hpp"

#include <cpprest/json.h>

#include "attest/strict_json.hpp"
#include "wire/json_writer.hpp"

namespace nodeproof::webhook {
namespace {

using attest::JsonValue;
using web::json::value;
using wire::json_text;

value step(const char* op, const std::string& path, value content) {
  value out = value::object();
  out["op"] = json_text(op);
  out["path"] = json_text(path);
  out["value"] = std::move(content);
  return out;
}

value to_value(const wire::Taint& taint) {
  value out = value::object();
  out["key"] = json_text(taint.key);
  out["effect"] = json_text(taint.effect);
  return out;
}

struct Found {
  bool any_list = false;             // spec.taints is there
  std::optional<std::size_t> index;  // of the taint in it
};

Result<Found> find(const JsonValue& node, const wire::Taint& taint) {
  Found out;
  NODEPROOF_TRY(spec, node.required("spec"));
  NODEPROOF_TRY(member, spec.optional("taints"));
  if (!member) return out;
  NODEPROOF_TRY(taints, member->array());
  out.any_list = true;
  for (std::size_t i = 0; i < taints.size(); ++i) {
    NODEPROOF_TRY(key, taints[i].optional_text("key"));
    NODEPROOF_TRY(effect, taints[i].optional_text("effect"));
    if (wire::Taint{std::move(key), std::move(effect)} == taint) out.index = i;
  }
  return out;
}

std::vector<value> removal(std::size_t index, const wire::Taint& taint) {
  const std::string place = "/spec/taints/" + std::to_string(index);
  value remove = value::object();
  remove["op"] = json_text("remove");
  remove["path"] = json_text(place);
  return {step("test", place + "/key", json_text(taint.key)),
          step("test", place + "/effect", json_text(taint.effect)), std::move(remove)};
}

// A list that somebody began meanwhile would be replaced: then the whole Node must be as it was read.
std::vector<value> addition(bool any_list, const wire::Taint& taint, const wire::ObjectMeta& meta) {
  if (any_list) return {step("add", "/spec/taints/-", to_value(taint))};
  return {step("test", "/metadata/resourceVersion", json_text(meta.resource_version)),
          step("add", "/spec/taints", value::array({to_value(taint)}))};
}

}  // namespace

Result<std::optional<std::string>> taint_patch(const JsonValue& node, std::string_view node_uid,
                                               const wire::Taint& taint, bool wanted) {
  NODEPROOF_TRY(meta, wire::parse_metadata(node));
  NODEPROOF_TRY(found, find(node, taint));
  if (meta.uid != node_uid || found.index.has_value() == wanted) return std::optional<std::string>();
  std::vector<value> steps{step("test", "/metadata/uid", json_text(node_uid))};
  for (value& item : wanted ? addition(found.any_list, taint, meta) : removal(*found.index, taint))
    steps.push_back(std::move(item));
  return std::optional(value::array(std::move(steps)).serialize());
}

}  // namespace nodeproof::webhook
