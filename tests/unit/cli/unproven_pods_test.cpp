#include "cli/unproven_pods.hpp"

#include <gmock/gmock.h>

#include "tests/unit/cli/published_cluster.hpp"

namespace nodeproof::cli {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::pod_json;
using testing::surroundings;

class UnprovenPods : public testing::ClusterVerb {
 protected:
  ExitCode run(PodsOptions options) {
    static_cast<JudgeOptions&>(options) = judging_;
    options.kubeconfig = kubeconfig_;
    options.json = json_;
    out_.str({});
    err_.str({});
    return unproven_pods(options, forge::kNow, out_, err_);
  }
  ExitCode run_on(const std::vector<std::string>& pods) {
    PodsOptions options;
    options.files = {file_of(surroundings(), pods)};
    return run(options);
  }

  bool json_ = false;
};

TEST_F(UnprovenPods, ListsWhatRunsWithoutProof) {
  EXPECT_EQ(run_on({pod_json("good", "cvm-1"), pod_json("bad", "plain-1"), pod_json("waits")}), kRefused)
      << out_.str() << err_.str();
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("payments/bad  plain-1  unmet         no-evidence"),
                                Not(HasSubstr("payments/good")), Not(HasSubstr("payments/waits")),
                                HasSubstr("2 running pods looked at, 1 of them sensitive and without proof"),
                                HasSubstr("epoch-origin")));
  EXPECT_EQ(run_on({pod_json("good", "cvm-1")}), kVerified);
  EXPECT_EQ(run_on({}), kVerified);
}

TEST_F(UnprovenPods, JsonCountsByReason) {
  json_ = true;
  EXPECT_EQ(run_on({pod_json("bad", "plain-1"), pod_json("odd", "cvm-1", "none")}), kRefused);
  EXPECT_TRUE(attest::JsonDocument::parse(as_bytes(out_.str()), 1U << 20U, "json")) << out_.str();
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr(R"("unmet":1)"), HasSubstr(R"("refused":1)"), HasSubstr(R"("mirror-pod":0)"),
                    HasSubstr(R"("check":"unknown-policy")"), HasSubstr(R"("runningPods":2)")));
}

TEST_F(UnprovenPods, ReadsAClusterPageByPage) {
  Answers answers = cluster();
  answers["/api/v1/pods"] = {list({pod_json("a", "cvm-1"), pod_json("b", "plain-1")}, "1"),
                             list({pod_json("c", "plain-1"), R"({"metadata":{},"spec":{}})"}, "2"),
                             list({pod_json("d", "gone-1")})};
  ExitCode code = kUsage;
  const auto requests = serve(answers, [&] { code = run({}); });
  EXPECT_EQ(code, kRefused) << err_.str();
  for (const char* pod : {"payments/b", "payments/c", "payments/d"}) EXPECT_THAT(out_.str(), HasSubstr(pod));
  EXPECT_THAT(out_.str(),
              AllOf(Not(HasSubstr("payments/a")), HasSubstr("unreadable"), HasSubstr("unknown-node")));
  EXPECT_THAT(requests, Contains(HasSubstr("limit=500&continue=2")));
  EXPECT_THAT(requests, Contains(HasSubstr("fieldSelector=spec.nodeName%21%3D%2Cstatus.phase")));
}

TEST_F(UnprovenPods, TheInventoryIsReadWhereAPolicyRestsOnIt) {
  Answers answers = cluster();
  answers[wire::kAttestationPoliciesPath] = {list({testing::policy_json(R"({"nodeIdentity":"Inventory"})")})};
  answers["/api/v1/pods"] = {list({pod_json("a", "cvm-1")})};
  ExitCode code = kUsage;
  serve(answers, [&] { code = run({}); });
  EXPECT_EQ(code, kVerified) << out_.str() << err_.str();
  answers[wire::kNodeInventoriesPath] = {list({testing::inventory_json(testing::kOtherUuid)})};
  serve(answers, [&] { code = run({}); });
  EXPECT_EQ(code, kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("node-inventory"));
}

TEST_F(UnprovenPods, AClusterThatDoesNotAnswerIsTheEnvironment) {
  ExitCode code = kUsage;
  serve({}, [&] { code = run({}); });
  EXPECT_EQ(code, kEnvironment);
  EXPECT_THAT(err_.str(), HasSubstr("kubectl apply -f crds/"));
}

}  // namespace
}  // namespace nodeproof::cli
