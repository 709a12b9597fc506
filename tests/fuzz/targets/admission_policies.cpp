#include "webhook/admission_policies.hpp"

#include "tests/fuzz/target.hpp"

namespace nodeproof::fuzz {
namespace {

using webhook::AdmissionPolicies;
using webhook::AdmissionPolicyObject;

constexpr std::string_view kInstalled =
    R"([{"kind":"ValidatingAdmissionPolicy","name":"a","spec":{"matchConstraints":{"resourceRules":[{"resources":)"
    R"(["pods"]}]},"validations":[{"expression":"false"}]}}])";

// Whatever somebody made of an object of ours.
void compare_with(ByteView live) {
  const auto installed = AdmissionPolicies::parse(as_bytes(kInstalled), "policies.json");
  const auto document = attest::JsonDocument::parse(live, 1U << 20U, "live");
  if (!document) return;
  const auto found = webhook::drift(installed->objects().front(), document->root());
  require(!found || found->starts_with("spec"), "what differs is named");
}

void require_no_drift(const AdmissionPolicyObject& object) {
  const std::string live = "{\"spec\":" + simdjson::minify(object.spec.element()) + "}";
  const auto document = attest::JsonDocument::parse(as_bytes(live), 8U << 20U, "live");
  require(accepted(document), "a spec can be written again");
  require(!webhook::drift(object, document->root()), "what is as installed does not differ");
}

}  // namespace

bool one_input(ByteView input) {
  compare_with(input);
  const auto policies = AdmissionPolicies::parse(input, "policies.json");
  if (!accepted(policies)) return false;
  for (const AdmissionPolicyObject& object : policies->objects()) require_no_drift(object);
  return true;
}

}  // namespace nodeproof::fuzz
