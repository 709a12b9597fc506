#include "wire/admission_review.hpp"

#include <cpprest/json.h>

#include "attest/strict_json.hpp"
#include "wire/json_writer.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonDocument;
using attest::JsonValue;
using web::json::value;

constexpr std::string_view kApiVersion = "admission.k8s.io/v1";
constexpr std::string_view kKind = "AdmissionReview";
constexpr std::size_t kMaxWarning = 256;  // the API server may cut longer ones
constexpr std::size_t kMaxMessage = std::size_t{16} << 10U;

Status expect(const JsonValue& root, std::string_view key, std::string_view expected) {
  NODEPROOF_TRY(member, root.required(key));
  NODEPROOF_TRY(text, member.string());
  if (text == expected) return Ok{};
  return Error{Errc::kUnsupported, member.path(),
               "is '" + std::string(text.substr(0, 64)) + "', must be " + std::string(expected)};
}

Result<std::string> optional_string(const JsonValue& object, std::string_view key) {
  NODEPROOF_TRY(member, object.optional(key));
  if (!member) return std::string();
  return member->text();
}

Result<std::string> required_string(const JsonValue& object, std::string_view key) {
  NODEPROOF_TRY(member, object.required(key));
  NODEPROOF_TRY(text, member.text());
  if (text.empty()) return Error{Errc::kMissing, member.path(), "is empty"};
  return std::move(text);
}

Result<UserInfo> parse_user(const JsonValue& request) {
  NODEPROOF_TRY(member, request.required("userInfo"));
  UserInfo out;
  NODEPROOF_TRY(username, optional_string(member, "username"));
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

// "Pod" or "Binding" of the core group; empty for everything that we do not read.
Result<std::string> core_kind(const JsonValue& request) {
  NODEPROOF_TRY(kind, request.required("kind"));
  NODEPROOF_TRY(group, optional_string(kind, "group"));
  NODEPROOF_TRY(name, required_string(kind, "kind"));
  return group.empty() ? std::move(name) : std::string();
}

Status parse_objects(const JsonValue& request, AdmissionRequest& out) {
  NODEPROOF_TRY(kind, core_kind(request));
  if (kind != "Pod" && kind != "Binding") return Ok{};
  NODEPROOF_TRY(object, request.optional("object"));
  NODEPROOF_TRY(old_object, request.optional("oldObject"));
  if (kind == "Binding") {
    if (!object) return Ok{};
    NODEPROOF_TRY(binding, parse_binding(*object));
    out.binding = std::move(binding);
    return Ok{};
  }
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

}  // namespace

Result<AdmissionRequest> parse_admission_review(ByteView body) {
  NODEPROOF_TRY(document, JsonDocument::parse(body, kMaxReviewSize, kKind));
  const JsonValue root = document.root();
  NODEPROOF_CHECK(expect(root, "apiVersion", kApiVersion));
  NODEPROOF_CHECK(expect(root, "kind", kKind));
  NODEPROOF_TRY(request, root.required("request"));
  NODEPROOF_TRY(uid, required_string(request, "uid"));
  NODEPROOF_TRY(resource_member, request.required("resource"));
  NODEPROOF_TRY(resource, required_string(resource_member, "resource"));
  NODEPROOF_TRY(sub_resource, optional_string(request, "subResource"));
  NODEPROOF_TRY(operation, required_string(request, "operation"));
  NODEPROOF_TRY(name, optional_string(request, "name"));
  NODEPROOF_TRY(ns, optional_string(request, "namespace"));
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

std::string to_json(const AdmissionResponse& response) {
  value out = value::object();
  out["uid"] = json_text(response.uid);
  out["allowed"] = value::boolean(response.allowed);
  if (!response.allowed) {
    // Without a code of 400 or more the API server would make it 400.
    out["status"]["code"] = value::number(403);
    out["status"]["reason"] = json_text("Forbidden");
    out["status"]["message"] = json_text(response.message, kMaxMessage);
  }
  if (!response.warnings.empty()) {
    std::vector<value> warnings;
    for (const std::string& warning : response.warnings) warnings.push_back(json_text(warning, kMaxWarning));
    out["warnings"] = value::array(std::move(warnings));
  }
  for (const auto& [key, text] : response.audit_annotations) {
    out["auditAnnotations"][key] = json_text(text, kMaxMessage);
  }

  value review = value::object();
  review["apiVersion"] = json_text(kApiVersion);
  review["kind"] = json_text(kKind);
  review["response"] = std::move(out);
  return review.serialize();
}

}  // namespace nodeproof::wire
