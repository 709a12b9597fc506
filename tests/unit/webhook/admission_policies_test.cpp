#include "webhook/admission_policies.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"
#include "tests/unit/webhook/fake_cluster_api.hpp"
#include "webhook/admission_policy_watch.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNow;

// As the chart renders them.
const std::string kPolicy =
    R"({"failurePolicy":"Fail","matchConstraints":{"resourceRules":[{"apiGroups":[""],)"
    R"("resources":["pods/binding","bindings"]}]},"validations":[{"expression":"false"}]})";
const std::string kBinding = R"({"policyName":"nodeproof-bindings","validationActions":["Deny"]})";

std::string item(const std::string& kind, const std::string& spec) {
  return R"({"kind":")" + kind + R"(","name":"nodeproof-bindings","spec":)" + spec + "}";
}

std::string installed() {
  return "[" + item("ValidatingAdmissionPolicy", kPolicy) + "," +
         item("ValidatingAdmissionPolicyBinding", kBinding) + "]";
}

Result<AdmissionPolicies> parse(const std::string& json) {
  return AdmissionPolicies::parse(as_bytes(json), "policies.json");
}

// As the API server has it, with what it fills in.
web::json::value live(const std::string& spec) {
  auto out = web::json::value::parse(R"({"metadata":{"name":"nodeproof-bindings","uid":"u-1"}})");
  out["spec"] = web::json::value::parse(spec);
  return out;
}

web::json::value live_policy() {
  auto out = live(kPolicy);
  auto& match = out["spec"]["matchConstraints"];
  match["matchPolicy"] = web::json::value::string("Equivalent");
  match["namespaceSelector"] = web::json::value::object();
  match["objectSelector"] = web::json::value::object();
  match["resourceRules"][0]["scope"] = web::json::value::string("*");
  return out;
}

std::string drift_of(const web::json::value& object) {
  const auto policies = parse(installed());
  const std::string json = object.serialize();
  const auto document = attest::JsonDocument::parse(as_bytes(json), 1U << 20U, "live");
  return drift(policies->objects().front(), document->root()).value_or("");
}

TEST(AdmissionPolicies, AreReadAsTheChartRendersThem) {
  const auto policies = parse(installed());
  ASSERT_TRUE(policies) << to_string(policies.error());
  ASSERT_EQ(policies->objects().size(), 2U);
  EXPECT_EQ(path_of(policies->objects()[0]),
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/nodeproof-bindings");
  EXPECT_EQ(path_of(policies->objects()[1]),
            "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/nodeproof-bindings");
}

TEST(AdmissionPolicies, WhatIsNoListOfThemIsRefused) {
  const std::string one = item("ValidatingAdmissionPolicy", kPolicy);
  const std::pair<std::string, std::string> cases[] = {
      {"", "policies.json"},
      {"{}", "policies.json"},
      {"[]", "lists no admission policy"},
      {"[" + one + "," + one + "]", "is a second ValidatingAdmissionPolicy nodeproof-bindings"},
      {"[" + item("ConfigMap", "{}") + "]", "policies.json[0].kind: is no kind of admission policy"},
      {R"([{"kind":"ValidatingAdmissionPolicy","name":"","spec":{}}])", "policies.json[0].name: is empty"},
      {"[" + item("ValidatingAdmissionPolicy", "[]") + "]", "policies.json[0].spec"},
      {R"([{"kind":"ValidatingAdmissionPolicy","name":"x"}])", "policies.json[0].spec"},
      {R"([{"kind":"ValidatingAdmissionPolicy","name":"x","spec":{},"status":{}}])", "status"}};
  for (const auto& [json, says] : cases) {
    const auto policies = parse(json);
    ASSERT_FALSE(policies) << json;
    EXPECT_THAT(to_string(policies.error()), HasSubstr(says));
  }
}

TEST(AdmissionPolicies, EveryPrefixIsRefused) {
  const std::string whole = installed();
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(parse(whole.substr(0, length))) << length;
}

TEST(Drift, WhatTheApiServerFillsInIsNone) {
  EXPECT_EQ(drift_of(live(kPolicy)), "");
  EXPECT_EQ(drift_of(live_policy()), "");
}

// Each way to switch a policy off that leaves it where it is.
TEST(Drift, WhateverNarrowsIsFound) {
  using web::json::value;
  const std::pair<std::function<void(value&)>, std::string> cases[] = {
      {[](value& spec) { spec["failurePolicy"] = value::string("Ignore"); },
       "spec.failurePolicy was changed"},
      {[](value& spec) { spec["validations"][0]["expression"] = value::string("true"); },
       "spec.validations[0].expression was changed"},
      {[](value& spec) { spec["validations"] = value::array(); },
       "spec.validations has 0 items instead of 1"},
      {[](value& spec) { spec.erase("validations"); }, "spec.validations was removed"},
      {[](value& spec) { spec["matchConditions"] = value::array(1); }, "spec.matchConditions was added"},
      {[](value& spec) { spec["matchConstraints"]["excludeResourceRules"] = value::array(1); },
       "spec.matchConstraints.excludeResourceRules was added"},
      {[](value& spec) {
         spec["matchConstraints"]["objectSelector"]["matchLabels"]["a"] = value::string("b");
       },
       "spec.matchConstraints.objectSelector was added"},
      {[](value& spec) {
         spec["matchConstraints"]["namespaceSelector"]["matchLabels"]["a"] = value::string("b");
       },
       "spec.matchConstraints.namespaceSelector was added"},
      {[](value& spec) { spec["matchConstraints"]["matchPolicy"] = value::string("Exact"); },
       "spec.matchConstraints.matchPolicy was added"},
      {[](value& spec) { spec["matchConstraints"]["resourceRules"][0]["scope"] = value::string("Cluster"); },
       "spec.matchConstraints.resourceRules[0].scope was added"},
      {[](value& spec) {
         spec["matchConstraints"]["resourceRules"][0]["resources"][1] = value::string("pods");
       },
       "spec.matchConstraints.resourceRules[0].resources[1] was changed"},
      {[](value& spec) { spec["paramKind"] = value::object(); }, "spec.paramKind was added"}};
  for (const auto& [change, says] : cases) {
    web::json::value object = live_policy();
    change(object["spec"]);
    EXPECT_EQ(drift_of(object), says);
  }
  web::json::value bare = live_policy();
  bare.erase("spec");
  EXPECT_EQ(drift_of(bare), "spec was removed");
}

class AdmissionPolicyPass : public ::testing::Test {
 protected:
  AdmissionPolicyPass() {
    api_.store(path(0), live_policy());
    api_.store(path(1), live(kBinding));
  }
  std::string path(std::size_t index) const { return path_of(parse(installed())->objects()[index]); }
  void pass(UnixTime now = kNow) {
    api_.calls.clear();
    watch_.pass(now, [this] { return leading_; });
  }
  std::vector<std::string> drifted() const {
    std::vector<std::string> out;
    for (const auto& object : watch_.last()->objects) {
      if (!object.drift.empty()) out.push_back(object.kind + " " + object.name + ": " + object.drift);
    }
    return out;
  }
  void change_policy() {
    auto object = live_policy();
    object["spec"]["failurePolicy"] = web::json::value::string("Ignore");
    api_.store(path(0), std::move(object));
  }

  testing::FakeClusterApi api_;
  AdmissionPolicyWatch watch_{api_, *parse(installed())};
  bool leading_ = true;
};

TEST_F(AdmissionPolicyPass, SaysNothingWhileAllStandsAsInstalled) {
  EXPECT_EQ(watch_.last(), nullptr);
  pass();
  EXPECT_THAT(api_.calls, IsEmpty());
  EXPECT_EQ(watch_.last()->objects.size(), 2U);
  EXPECT_THAT(drifted(), IsEmpty());
  EXPECT_EQ(watch_.last()->at, kNow);
}

TEST_F(AdmissionPolicyPass, TellsOnceOfWhatIsMissing) {
  api_.objects.erase(path(1));
  pass();
  ASSERT_EQ(api_.calls.size(), 1U);
  EXPECT_EQ(api_.calls[0].first, "create /api/v1/namespaces/default/events");
  for (const char* part :
       {"AdmissionPolicyDrift", "\"kind\":\"ValidatingAdmissionPolicyBinding\"", "it is missing",
        "\"apiVersion\":\"admissionregistration.k8s.io/v1\"", "\"type\":\"Warning\""}) {
    EXPECT_THAT(api_.calls[0].second, HasSubstr(part));
  }
  EXPECT_THAT(drifted(), ElementsAre("ValidatingAdmissionPolicyBinding nodeproof-bindings: it is missing"));
  pass();
  EXPECT_THAT(api_.calls, IsEmpty());
  EXPECT_EQ(drifted().size(), 1U) << "shown as long as it lasts";
}

TEST_F(AdmissionPolicyPass, TellsOfWhatWasChangedAndOfEachChange) {
  change_policy();
  pass();
  ASSERT_EQ(api_.calls.size(), 1U);
  EXPECT_THAT(api_.calls[0].second, HasSubstr("spec.failurePolicy was changed"));
  EXPECT_THAT(api_.calls[0].second, HasSubstr("\"uid\":\"u-1\""));
  api_.objects.erase(path(0));
  pass();
  ASSERT_EQ(api_.calls.size(), 1U);
  EXPECT_THAT(api_.calls[0].second, HasSubstr("it is missing"));
}

TEST_F(AdmissionPolicyPass, IsOverWhenItStandsAsInstalledAgain) {
  change_policy();
  pass();
  api_.store(path(0), live_policy());
  pass();
  EXPECT_THAT(drifted(), IsEmpty());
  change_policy();
  pass(kNow + Seconds(3600));
  EXPECT_EQ(api_.calls.size(), 1U) << "told anew";
}

TEST_F(AdmissionPolicyPass, WhatCannotBeReadIsDrift) {
  api_.objects[path(0)] = "{";
  pass();
  ASSERT_EQ(drifted().size(), 1U);
  EXPECT_THAT(drifted()[0], HasSubstr("cannot be read"));
}

// Such as without the right to read one of them: then the time of the last look grows old, and an alert says
// so.
TEST_F(AdmissionPolicyPass, ALookThatFailsIsNone) {
  api_.before = [](const std::string& call) {
    if (call.starts_with("get")) throw kube::ApiError(403, "Forbidden", "no");
  };
  EXPECT_THROW(pass(), kube::ApiError);
  EXPECT_EQ(watch_.last()->at, UnixTime()) << "none yet";
  api_.before = nullptr;
  pass();
  api_.before = [](const std::string&) { throw kube::ApiError(0, "Unreachable", "no answer"); };
  EXPECT_THROW(pass(kNow + Seconds(60)), kube::ApiError);
  EXPECT_EQ(watch_.last()->at, kNow);
}

TEST_F(AdmissionPolicyPass, IsKnownWhereTheEventCannotBeWritten) {
  api_.before = [](const std::string& call) {
    if (call.starts_with("create")) throw kube::ApiError(403, "Forbidden", "no");
  };
  change_policy();
  pass();
  EXPECT_EQ(drifted().size(), 1U);
}

TEST_F(AdmissionPolicyPass, DoesNothingOnceTheLeadIsLost) {
  change_policy();
  pass();
  watch_.forget();
  EXPECT_EQ(watch_.last(), nullptr);
  leading_ = false;
  pass();
  EXPECT_THAT(api_.calls, IsEmpty());
  EXPECT_THAT(watch_.last()->objects, IsEmpty());
}

TEST(AdmissionPolicyWatch, LooksAtNothingWhereNothingIsListed) {
  testing::FakeClusterApi api;
  AdmissionPolicyWatch watch(api, std::nullopt);
  watch.pass(kNow, [] { return true; });
  EXPECT_EQ(watch.last(), nullptr);
}

}  // namespace
}  // namespace nodeproof::webhook
