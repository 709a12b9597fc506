// admission.k8s.io/v1 AdmissionReview: request in, response out.
#pragma once

#include <optional>

#include "attest/strict_json_fwd.hpp"
#include "base/bytes.hpp"
#include "wire/pod_template.hpp"

namespace nodeproof::wire {

inline constexpr std::size_t kMaxReviewSize = std::size_t{3} << 20U;  // the API server's own body limit

struct UserInfo {
  std::string username;
  std::vector<std::string> groups;
};

struct AdmissionRequest {
  std::string uid;       // echoed in the response
  std::string resource;  // resource.resource: "pods", "bindings"
  std::string sub_resource;
  std::string operation;  // CREATE, UPDATE, DELETE, CONNECT
  std::string name;
  std::string ns;
  UserInfo user;
  bool dry_run = false;
  std::optional<Pod> pod;                   // object, when kind is Pod
  std::optional<Pod> old_pod;               // oldObject, when kind is Pod
  std::optional<Binding> binding;           // object, when kind is Binding
  std::optional<PodTemplate> pod_template;  // of object, when it has one
};

// Refuses another apiVersion or kind than admission.k8s.io/v1 AdmissionReview, a review without
// request or uid, and a body over kMaxReviewSize.
Result<AdmissionRequest> parse_admission_review(ByteView body);
// The same with memory that is used again.
Result<AdmissionRequest> parse_admission_review(ByteView body, attest::JsonParser& parser);

struct AdmissionResponse {
  std::string uid;
  bool allowed = false;
  std::string message;                                   // sent when not allowed, with code 403
  std::vector<std::string> warnings;                     // each cut to 256 bytes
  std::map<std::string, std::string> audit_annotations;  // keys without prefix
  std::string patch;                                     // JSON Patch (RFC 6902); empty: nothing is changed
};
std::string to_json(const AdmissionResponse& response);

// The JSON Patch that adds these labels to the spec.nodeSelector of a pod, which is made when `present` says
// that there is none; empty for no labels.
std::string selector_patch(const std::map<std::string, std::string>& labels, bool present);

}  // namespace nodeproof::wire
