#include "wire/admission_review.hpp"

#include "attest/strict_json.hpp"
#include "wire/fields.hpp"
#include "wire/json_text_writer.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonDocument;
using attest::JsonValue;

constexpr std::string_view kApiVersion = "admission.k8s.io/v1";
constexpr std::string_view kKind = "AdmissionReview";
constexpr std::size_t kMaxWarning = 256;  // the API server may cut longer ones
constexpr std::size_t kMaxMessage = std::size_t{16} << 10U;

Result<std::string> required_string(const JsonValue& object, std::string_view key) {
  NODEPROOF_TRY(text, object.optional_text(key));
  if (!text.empty()) return std::move(text);
  NODEPROOF_TRY(member, object.required(key));
  return Error{Errc::kMissing, member.path(), "is empty"};
}

Result<UserInfo> parse_user(const JsonValue& request) {
  NODEPROOF_TRY(member, request.required("userInfo"));
  UserInfo out;
  NODEPROOF_TRY(username, member.optional_text("username"));
  out.username = std::move(username);
  NODEPROOF_TRY(groups, member.optional("groups"));
  if (!groups) return out;
  NODEPROOF_TRY(list, groups->array());
  for (const JsonValue& item : list) {
    NODEPROOF_TRY(group, item.text());
    out.groups.push_back(std::move(group));
  }
  return out;
}

Result<bool> parse_dry_run(const JsonValue& request) {
  NODEPROOF_TRY(member, request.optional("dryRun"));
  if (!member) return false;
  return member->boolean();
}

Status parse_pods(const JsonValue& request, AdmissionRequest& out) {
  NODEPROOF_TRY(object, request.optional("object"));
  NODEPROOF_TRY(old_object, request.optional("oldObject"));
  if (object) {
    NODEPROOF_TRY(pod, parse_pod(*object));
    out.pod = std::move(pod);
  }
  if (old_object) {
    NODEPROOF_TRY(pod, parse_pod(*old_object));
    out.old_pod = std::move(pod);
  }
  return Ok{};
}

// Pods and Bindings of the core group, and what makes pods; everything else is not read.
Status parse_objects(const JsonValue& request, AdmissionRequest& out) {
  NODEPROOF_TRY(member, request.required("kind"));
  NODEPROOF_TRY(group, member.optional_text("group"));
  NODEPROOF_TRY(kind, required_string(member, "kind"));
  if (group.empty() && kind == "Pod") return parse_pods(request, out);
  NODEPROOF_TRY(object, request.optional("object"));
  if (!object) return Ok{};
  if (group.empty() && kind == "Binding") {
    NODEPROOF_TRY(binding, parse_binding(*object));
    out.binding = std::move(binding);
  }
  if (has_pod_template(group, kind)) {
    NODEPROOF_TRY(parsed, parse_pod_template(*object, kind));
    out.pod_template = std::move(parsed);
  }
  return Ok{};
}

Result<AdmissionRequest> parse_review(const JsonValue& root) {
  NODEPROOF_CHECK(require_text(root, "apiVersion", kApiVersion));
  NODEPROOF_CHECK(require_text(root, "kind", kKind));
  NODEPROOF_TRY(request, root.required("request"));
  NODEPROOF_TRY(uid, required_string(request, "uid"));
  NODEPROOF_TRY(resource_member, request.required("resource"));
  NODEPROOF_TRY(resource, required_string(resource_member, "resource"));
  NODEPROOF_TRY(sub_resource, request.optional_text("subResource"));
  NODEPROOF_TRY(operation, required_string(request, "operation"));
  NODEPROOF_TRY(name, request.optional_text("name"));
  NODEPROOF_TRY(ns, request.optional_text("namespace"));
  NODEPROOF_TRY(user, parse_user(request));
  NODEPROOF_TRY(dry_run, parse_dry_run(request));

  AdmissionRequest out;
  NODEPROOF_CHECK(parse_objects(request, out));
  out.uid = std::move(uid);
  out.resource = std::move(resource);
  out.sub_resource = std::move(sub_resource);
  out.operation = std::move(operation);
  out.name = std::move(name);
  out.ns = std::move(ns);
  out.user = std::move(user);
  out.dry_run = dry_run;
  return out;
}

// Without a code of 400 or more the API server would make it 400.
void write_status(JsonWriter& json, const std::string& message) {
  json.key("status").begin_object();
  json.key("code").number(403);
  json.key("reason").text("Forbidden");
  json.key("message").text(message, kMaxMessage);
  json.end_object();
}

// A key as one token of a JSON Pointer (RFC 6901 3).
std::string pointer_token(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

JsonWriter& begin_addition(JsonWriter& json, const std::string& path) {
  json.begin_object();
  json.key("op").text("add");
  json.key("path").text(path);
  return json.key("value");
}

}  // namespace

Result<AdmissionRequest> parse_admission_review(ByteView body) {
  NODEPROOF_TRY(document, JsonDocument::parse(body, kMaxReviewSize, kKind));
  return parse_review(document.root());
}

Result<AdmissionRequest> parse_admission_review(ByteView body, attest::JsonParser& parser) {
  NODEPROOF_TRY(document, JsonDocument::parse(body, kMaxReviewSize, kKind, parser));
  return parse_review(document.root());
}

std::string to_json(const AdmissionResponse& response) {
  JsonWriter json;
  json.begin_object();
  json.key("apiVersion").text(kApiVersion);
  json.key("kind").text(kKind);
  json.key("response").begin_object();
  json.key("uid").text(response.uid);
  json.key("allowed").boolean(response.allowed);
  if (!response.allowed) write_status(json, response.message);
  if (!response.patch.empty()) {
    json.key("patchType").text("JSONPatch");
    const std::string patch = to_base64(as_bytes(response.patch));
    json.key("patch").text(patch, patch.size());
  }
  if (!response.warnings.empty()) {
    json.key("warnings").begin_array();
    for (const std::string& warning : response.warnings) json.text(warning, kMaxWarning);
    json.end_array();
  }
  if (!response.audit_annotations.empty()) {
    json.key("auditAnnotations").begin_object();
    for (const auto& [key, text] : response.audit_annotations) json.key(key).text(text, kMaxMessage);
    json.end_object();
  }
  json.end_object();
  json.end_object();
  return std::move(json).str();
}

std::string selector_patch(const std::map<std::string, std::string>& labels, bool present) {
  if (labels.empty()) return {};
  constexpr const char* kSelector = "/spec/nodeSelector";
  JsonWriter json;
  json.begin_array();
  if (!present) {
    begin_addition(json, kSelector).begin_object();
    json.end_object();
    json.end_object();
  }
  for (const auto& [key, text] : labels) {
    begin_addition(json, kSelector + ("/" + pointer_token(key))).text(text);
    json.end_object();
  }
  json.end_array();
  return std::move(json).str();
}

}  // namespace nodeproof::wire
