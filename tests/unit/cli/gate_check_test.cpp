#include "cli/gate_check.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

#include "tests/unit/cli/published_cluster.hpp"

namespace nodeproof::cli {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const std::string kMet = std::string(wire::kPolicyLabelPrefix) + "confidential";

wire::Node node(const std::string& name, const std::string& met = {}) {
  wire::Node out;
  out.meta.name = name;
  if (!met.empty())
    out.meta.labels[std::string(wire::kPolicyLabelPrefix) + met] = std::string(wire::kPolicyMet);
  return out;
}

attest::AppraisalPolicy policy(const std::string& name,
                               attest::EnforcementAction action = attest::EnforcementAction::kDeny) {
  attest::AppraisalPolicy out;
  out.name = name;
  out.enforcement_action = action;
  return out;
}

TEST(GateCheckPlan, AsksAboutAPolicyThatANodeMeets) {
  const GatePlan plan = plan_gate_check({node("plain-1"), node("cvm-1", "confidential")},
                                        {policy("unmet"), policy("confidential")});
  ASSERT_TRUE(plan.refused && plan.admitted);
  EXPECT_EQ(plan.refused->policy, "confidential");
  EXPECT_EQ(plan.refused->node, "plain-1");
  EXPECT_EQ(plan.admitted->policy, "confidential");
  EXPECT_EQ(plan.admitted->node, "cvm-1");
  EXPECT_THAT(plan.admitted->node_selector, ElementsAre(Pair(kMet, "met")));
}

TEST(GateCheckPlan, WhereEveryNodeMeetsThePolicyTheRefusedOneDoesNotExist) {
  const GatePlan plan = plan_gate_check({node("cvm-1", "confidential")}, {policy("confidential")});
  ASSERT_TRUE(plan.refused && plan.admitted);
  EXPECT_EQ(plan.refused->node, "nodeproof-no-such-node");
}

TEST(GateCheckPlan, WhereNoNodeMeetsAPolicyOnlyARefusalCanBeAskedFor) {
  const GatePlan plan = plan_gate_check({node("plain-1")}, {policy("confidential")});
  ASSERT_TRUE(plan.refused);
  EXPECT_EQ(plan.refused->node, "plain-1");
  EXPECT_FALSE(plan.admitted);
}

TEST(GateCheckPlan, PoliciesThatDoNotDenyAreNotAskedAbout) {
  const GatePlan plan =
      plan_gate_check({node("cvm-1", "lax")}, {policy("lax", attest::EnforcementAction::kWarn)});
  EXPECT_FALSE(plan.refused);
  EXPECT_FALSE(plan.admitted);
}

TEST(GateCheckPlan, AValueOtherThanMetIsNone) {
  wire::Node odd = node("cvm-1");
  odd.meta.labels[kMet] = "no";
  EXPECT_FALSE(plan_gate_check({odd}, {policy("confidential")}).admitted);
}

class GateCheck : public testing::ClusterVerb {
 protected:
  struct Reply {
    int status;
    std::string body;
  };
  using Decide = std::function<Reply(const std::string& pod, std::size_t asked)>;

  static Reply admitted() { return {201, "{}"}; }
  static Reply denied(const std::string& message) {
    return {403, R"({"kind":"Status","status":"Failure","reason":"Forbidden","message":"admission webhook \")"
                 R"(annotated-pods.nodeproof.dev\" denied the request: )" +
                     message + R"("})"};
  }
  static Reply unmet() {
    return denied("pod payments/gate-check may not be placed on node plain-1: no-evidence");
  }

  // Pods are created as `decide` says; the rest of the cluster is there.
  ExitCode run(const Decide& decide, unsigned tries = 1, bool json = false) {
    const test::ScriptedHttpServer server(
        [&](const test::ScriptedRequest& request, test::ScriptedConnection& c) {
          const std::string path = test::path_of(request);
          if (path == "/api/v1/namespaces/payments/pods") {
            EXPECT_EQ(request.target, path + "?dryRun=All");
            const Reply reply = decide(request.body, asked_++);
            return c.reply(reply.status, reply.body, {"Content-Type: application/json"});
          }
          Answers answers = cluster();
          answers["/api/v1/nodes"] = {list({labelled_node(), testing::plain_node_json()})};
          const auto answer = answers.find(path);
          if (answer == answers.end()) return c.reply(404, "{}");
          c.reply(200, answer->second.front(), {"Content-Type: application/json"});
        });
    GateOptions options;
    options.kubeconfig = folder_.write(
        "kubeconfig", "current-context: a\nclusters:\n- name: c\n  cluster: {server: \"" + server.url() +
                          "\"}\ncontexts:\n- name: a\n  context: {cluster: c}\n");
    options.ns = "payments";
    options.service_account = "tester";
    options.tries = tries;
    options.json = json;
    return check_gate(
        options, [this] { ++pauses_; }, out_, err_);
  }
  static bool aimed_at_proven(const std::string& pod) { return pod.find("\"cvm-1\"") != std::string::npos; }
  static std::string labelled_node() {
    return R"({"metadata":{"name":"cvm-1","labels":{")" + kMet + R"(":"met"}}})";
  }

  std::size_t asked_ = 0;
  unsigned pauses_ = 0;
};

TEST_F(GateCheck, AGateThatRefusesAndAdmitsHolds) {
  const auto decide = [](const std::string& pod, std::size_t) {
    EXPECT_THAT(pod, AllOf(HasSubstr(R"("nodeproof.dev/policy":"confidential")"),
                           HasSubstr(R"("serviceAccountName":"tester")"), HasSubstr(kMet)));
    return aimed_at_proven(pod) ? admitted() : unmet();
  };
  EXPECT_EQ(run(decide), kVerified) << err_.str();
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("ok      a pod of policy confidential must be refused on node plain-1: "
                              "pod payments/gate-check may not be placed"),
                    HasSubstr("must be admitted on node cvm-1: it was admitted")));
  EXPECT_EQ(pauses_, 0U);
}

TEST_F(GateCheck, AnOpenGateFails) {
  EXPECT_EQ(run([](const std::string&, std::size_t) { return admitted(); }), kRefused);
  EXPECT_THAT(out_.str(),
              HasSubstr("FAILED  a pod of policy confidential must be refused on node plain-1: it was"));
}

TEST_F(GateCheck, AShutGateFails) {
  EXPECT_EQ(run([](const std::string&, std::size_t) { return unmet(); }), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("FAILED  a pod of policy confidential must be admitted on node cvm-1"));
}

struct Stranger {
  const char* name;
  int status;
  const char* message;
};
class GateCheckStranger : public GateCheck, public ::testing::WithParamInterface<Stranger> {};

// Only our webhook's refusal, for that node, shows that the gate works.
TEST_P(GateCheckStranger, IsNoRefusalOfOurs) {
  const auto decide = [](const std::string& pod, std::size_t) {
    return aimed_at_proven(pod)
               ? admitted()
               : Reply{GetParam().status, std::string(R"({"kind":"Status","status":"Failure","message":")") +
                                              GetParam().message + "\"}"};
  };
  EXPECT_EQ(run(decide), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("FAILED  a pod of policy confidential must be refused"));
}

INSTANTIATE_TEST_SUITE_P(
    GateCheck, GateCheckStranger,
    ::testing::Values(
        Stranger{"down", 500,
                 R"(failed calling webhook \"annotated-pods.nodeproof.dev\": connection refused)"},
        Stranger{"rbac", 403, "pods is forbidden: no right on node plain-1"},
        Stranger{"other", 403, R"(admission webhook \"a.example.com\" denied the request: on node plain-1)"},
        Stranger{"enrolment", 403,
                 R"(admission webhook \"annotated-pods.nodeproof.dev\" denied the request: not enrolled)"}),
    [](const auto& test) { return test.param.name; });

TEST_F(GateCheck, WhatDoesNotHoldYetIsTriedAgain) {
  const auto decide = [](const std::string& pod, std::size_t asked) {
    if (!aimed_at_proven(pod)) return unmet();
    return asked < 3 ? unmet() : admitted();
  };
  EXPECT_EQ(run(decide, 5), kVerified) << out_.str();
  EXPECT_EQ(pauses_, 1U);
}

TEST_F(GateCheck, TriesEnd) {
  EXPECT_EQ(run([](const std::string&, std::size_t) { return admitted(); }, 3), kRefused);
  EXPECT_EQ(pauses_, 2U);
  EXPECT_EQ(asked_, 6U);
}

TEST_F(GateCheck, JsonTellsBoth) {
  const auto decide = [](const std::string& pod, std::size_t) {
    return aimed_at_proven(pod) ? admitted() : unmet();
  };
  EXPECT_EQ(run(decide, 1, true), kVerified);
  EXPECT_TRUE(attest::JsonDocument::parse(as_bytes(out_.str()), 1U << 20U, "json")) << out_.str();
  EXPECT_THAT(out_.str(), AllOf(HasSubstr(R"("expected":"refused")"), HasSubstr(R"("expected":"admitted")"),
                                HasSubstr(R"("held":true)")));
}

// A variable of the environment, or its absence, until the test ends.
class Environment {
 public:
  explicit Environment(const char* name, const char* value = nullptr) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Environment() { set(before_ ? before_->c_str() : nullptr); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  void set(const char* value) const { value != nullptr ? ::setenv(name_, value, 1) : ::unsetenv(name_); }

  const char* name_;
  std::optional<std::string> before_;
};

TEST_F(GateCheck, WhatIsAskedIsTheClusterThatWasNamedOrThePodsOwn) {
  constexpr const char* kOwn = "automountServiceAccountToken";  // no such pod here
  const struct {
    const char* host;
    const char* config;
    const char* home;
    std::string kubeconfig;
    std::string sentence;
  } cases[] = {
      {"10.0.0.1", nullptr, nullptr, "", kOwn},
      {"10.0.0.1", nullptr, "/nonexistent", "", kOwn},
      {"10.0.0.1", "/nonexistent/env", nullptr, "", "no kubeconfig /nonexistent/env"},
      {"10.0.0.1", nullptr, nullptr, "/nonexistent/flag", "no kubeconfig /nonexistent/flag"},
      {nullptr, nullptr, "/nonexistent", "", "no kubeconfig /nonexistent/.kube/config"},
      {nullptr, nullptr, nullptr, "", "neither KUBECONFIG nor HOME is set"},
  };
  for (const auto& c : cases) {
    const Environment host("KUBERNETES_SERVICE_HOST", c.host);
    const Environment port("KUBERNETES_SERVICE_PORT", "443");
    const Environment config("KUBECONFIG", c.config);
    const Environment home("HOME", c.home);
    GateOptions options;
    options.ns = "payments";
    options.kubeconfig = c.kubeconfig;
    err_.str({});
    EXPECT_EQ(check_gate(
                  options, [] {}, out_, err_),
              kEnvironment);
    EXPECT_THAT(err_.str(), HasSubstr(c.sentence));
  }
}

TEST_F(GateCheck, ANameThatIsNoneIsUsage) {
  GateOptions options;
  options.ns = "../nodes";
  EXPECT_EQ(check_gate(
                options, [] {}, out_, err_),
            kUsage);
}

}  // namespace
}  // namespace nodeproof::cli
