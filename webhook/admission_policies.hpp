// The API server's own admission policies that the chart installs (ValidatingAdmissionPolicy,
// MutatingAdmissionPolicy and their bindings), and whether they still stand as installed. No policy applies
// to such policies (DESIGN 7): whoever may write them may switch our guards off, and all that is left is to
// tell of it. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attest/strict_json.hpp"

namespace nodeproof::webhook {

// As installed. Borrows from its AdmissionPolicies.
struct AdmissionPolicyObject {
  std::string kind;
  std::string name;
  attest::JsonValue spec;
};

// All of them. Values of a JSON document: for one thread at a time.
class AdmissionPolicies {
 public:
  // A JSON array of {kind, name, spec} that the chart renders; at least one, each once. `what` names it in
  // errors.
  static Result<AdmissionPolicies> parse(ByteView text, std::string_view what);

  const std::vector<AdmissionPolicyObject>& objects() const { return objects_; }

 private:
  AdmissionPolicies(attest::JsonDocument document, std::vector<AdmissionPolicyObject> objects)
      : document_(std::move(document)), objects_(std::move(objects)) {}

  attest::JsonDocument document_;
  std::vector<AdmissionPolicyObject> objects_;
};

// Where the API server has it.
std::string path_of(const AdmissionPolicyObject& object);

// What of `live`, the object that the API server has, is not as installed: the first place and what happened
// there, such as "spec.failurePolicy was changed". What the API server fills in by itself is as installed;
// anything else that was added is not.
std::optional<std::string> drift(const AdmissionPolicyObject& installed, const attest::JsonValue& live);

}  // namespace nodeproof::webhook
