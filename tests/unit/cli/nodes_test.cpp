#include "cli/nodes.hpp"

#include <gmock/gmock.h>

#include "tests/unit/cli/published_cluster.hpp"

namespace nodeproof::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::kNodeUid;
using testing::kOtherUuid;
using ::testing::Not;
using testing::surroundings;

std::string attestation_json(const std::string& phase, const std::string& uid = kNodeUid) {
  return R"({"apiVersion":"nodeproof.dev/v1alpha1","kind":"NodeAttestation","metadata":{"name":"cvm-1"},)"
         R"("spec":{"nodeUID":")" +
         uid + R"("},"status":{"phase":")" + phase + R"("}})";
}

class Nodes : public testing::ClusterVerb {
 protected:
  ExitCode run(NodesOptions options, Seconds later = Seconds(0)) {
    static_cast<JudgeOptions&>(options) = judging_;
    options.kubeconfig = kubeconfig_;
    options.json = json_;
    out_.str({});
    err_.str({});
    return list_nodes(options, forge::kNow + later, out_, err_);
  }
  ExitCode run_on(const std::vector<std::string>& more, std::vector<std::string> nodes = {},
                  Seconds later = Seconds(0)) {
    NodesOptions options;
    options.files = {file_of(surroundings(), more)};
    options.nodes = std::move(nodes);
    return run(options, later);
  }

  bool json_ = false;
};

TEST_F(Nodes, ListsWhatEachProvesAndWhatItIsToldToBe) {
  EXPECT_EQ(run_on({attestation_json("Verified")}), kRefused) << err_.str();
  EXPECT_THAT(
      out_.str(),
      AllOf(
          HasSubstr("NODE     PHASE     REASON       AGE  TOLD      COVERAGE\n"),
          HasSubstr("cvm-1    Verified  -            "),
          HasSubstr("Verified  SEV-SNP Milan, vTPM, Secure Boot, measured boot; not: identity by inventory"),
          HasSubstr("plain-1  Pending   no-evidence  -    -         -\n"), HasSubstr("1 of 2 nodes Verified"),
          HasSubstr("epoch-origin"), Not(HasSubstr("Verified (!)"))));
}

TEST_F(Nodes, AForgedResultChangesNothingAndIsSeen) {
  EXPECT_EQ(run_on({attestation_json("Failed")}, {"cvm-1"}), kVerified) << err_.str();
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("cvm-1  Verified"), HasSubstr("Failed (!)"), Not(HasSubstr("plain-1"))));
  EXPECT_EQ(run_on({attestation_json("Verified", kOtherUuid)}, {"cvm-1"}), kVerified);
  EXPECT_THAT(out_.str(), HasSubstr("  -     SEV-SNP")) << "told of an earlier Node of this name";
}

TEST_F(Nodes, OldProofIsStale) {
  EXPECT_EQ(run_on({}, {"cvm-1"}, Seconds(3600)), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("cvm-1  Stale  evidence-age  1h"));
}

TEST_F(Nodes, ThoseThatShareAnAkFailed) {
  EXPECT_EQ(run_on(testing::twin(), {"cvm-1"}), kRefused) << "although it was not asked for";
  EXPECT_THAT(out_.str(), HasSubstr("cvm-1  Failed  duplicate-identity"));
}

TEST_F(Nodes, WhoIsAskedForMustBeThere) {
  EXPECT_EQ(run_on({}, {"cvm-1", "gone-1"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("holds no Node gone-1"));
  ExitCode code = kUsage;
  serve(cluster(), [&] {
    NodesOptions options;
    options.nodes = {"gone-1"};
    code = run(options);
  });
  EXPECT_EQ(code, kEnvironment);
  EXPECT_THAT(err_.str(), HasSubstr("the cluster has no node gone-1"));
}

TEST_F(Nodes, AnInventoryCompletesTheCoverage) {
  const std::string inventory = R"({"apiVersion":"nodeproof.dev/v1alpha1","kind":"NodeInventory",)"
                                R"("metadata":{"name":"pool"},"spec":{"nodes":[{"node":"cvm-1","vmId":")" +
                                std::string(forge::kVmId) + R"("}]}})";
  EXPECT_EQ(run_on({inventory}, {"cvm-1"}), kVerified) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("measured boot, identity by inventory\n"));
}

TEST_F(Nodes, OfAClusterTheInventoryIsRead) {
  ExitCode code = kUsage;
  serve(cluster(), [&] {
    NodesOptions options;
    options.nodes = {"cvm-1"};
    code = run(options);
  });
  EXPECT_EQ(code, kVerified) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("measured boot, identity by inventory\n"));
}

TEST_F(Nodes, JsonFromACluster) {
  json_ = true;
  Answers answers = cluster();
  answers[wire::kNodeAttestationsPath] = {list({attestation_json("Stale")})};
  ExitCode code = kUsage;
  serve(answers, [&] { code = run({}); });
  EXPECT_EQ(code, kRefused) << err_.str();
  EXPECT_TRUE(attest::JsonDocument::parse(as_bytes(out_.str()), 1U << 20U, "json")) << out_.str();
  EXPECT_THAT(out_.str(), AllOf(HasSubstr(R"("agrees":false)"), HasSubstr(R"("phase":"Stale")"),
                                HasSubstr(R"("node":"plain-1")"), HasSubstr(R"("told":null)"),
                                HasSubstr(R"("evidenceAgeSeconds":)"), HasSubstr(R"("notVerified":)")));
}

}  // namespace
}  // namespace nodeproof::cli
