#include "wire/admission_review.hpp"

#include "tests/fuzz/json_object.hpp"

namespace nodeproof::fuzz {
namespace {

// The uid as the API server will read it from our answer.
Result<std::string> answered_uid(const attest::JsonValue& review) {
  NODEPROOF_TRY(response, review.required("response"));
  NODEPROOF_TRY(uid, response.required("uid"));
  return uid.text();
}

}  // namespace

bool one_input(ByteView input) {
  const auto request = wire::parse_admission_review(input);
  if (!accepted(request)) return false;

  // A refusal quotes names that the requester chose.
  wire::AdmissionResponse response;
  response.uid = request->uid;
  response.message = "pod " + request->ns + "/" + request->name + " by " + request->user.username;
  response.warnings = request->user.groups;
  if (request->binding) response.warnings.push_back(request->binding->target_name);
  // Labels of an admin's policy come before it; those of the requester are no worse.
  if (request->pod && request->pod->node_selector)
    response.patch = wire::selector_patch(*request->pod->node_selector, false);
  const std::string uid = accepted_again(parse_json(as_bytes(wire::to_json(response)), answered_uid));
  require(uid == request->uid, "the answer carries the request's uid");
  return true;
}

}  // namespace nodeproof::fuzz
