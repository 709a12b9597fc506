#include "cli/explain_pod.hpp"

#include <gmock/gmock.h>

#include "tests/unit/cli/published_cluster.hpp"

namespace nodeproof::cli {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::namespace_json;
using ::testing::Not;
using testing::pod_json;
using testing::policy_json;
using testing::surroundings;

class ExplainPod : public testing::ClusterVerb {
 protected:
  ExitCode run(ExplainOptions options) {
    static_cast<JudgeOptions&>(options) = judging_;
    options.kubeconfig = kubeconfig_;
    options.json = json_;
    out_.str({});
    err_.str({});
    return explain_pod(options, now_, out_, err_);
  }
  ExitCode offline(const std::string& pod, const std::vector<std::string>& files,
                   const std::string& node = {}) {
    ExplainOptions options;
    options.pod = pod;
    options.node = node;
    options.files = files;
    options.offline = true;
    return run(options);
  }
  ExitCode of_manifest(const std::string& yaml, const std::string& pod = {}) {
    return offline(pod, {folder_.write("manifest", yaml), file_of(surroundings())});
  }

  bool json_ = false;
  UnixTime now_ = forge::kNow + Seconds(40);
};

TEST_F(ExplainPod, SaysForEachNodeWhatWouldBeDecidedAndWhy) {
  EXPECT_EQ(offline("payments/api", {file_of(surroundings(), {pod_json()})}), kVerified)
      << out_.str() << err_.str();
  EXPECT_THAT(
      out_.str(),
      AllOf(HasSubstr("Pod payments/api"), HasSubstr("confidential (Deny), with evidence at most 10m old"),
            HasSubstr("cvm-1    allowed   -                     40s       meets every policy"),
            HasSubstr("plain-1  refused   no-evidence           -         confidential: "),
            HasSubstr("remedy: check that the nodeproof agent runs"),
            HasSubstr("May be placed on 1 of 2 nodes")));
  EXPECT_THAT(out_.str(), HasSubstr("epoch-origin")) << "what is left open is said";
}

TEST_F(ExplainPod, ANodeAskedForDecidesTheExitCode) {
  const std::string all = file_of(surroundings(), {pod_json()});
  EXPECT_EQ(offline("payments/api", {all}, "cvm-1"), kVerified);
  EXPECT_EQ(offline("payments/api", {all}, "plain-1"), kRefused);
  EXPECT_EQ(offline("payments/api", {all}, "gone"), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("unknown-node"));
}

TEST_F(ExplainPod, AProofThatGrewOldIsRefused) {
  now_ = forge::kNow + Seconds(601);
  EXPECT_EQ(offline("payments/api", {file_of(surroundings(), {pod_json()})}), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("evidence-age"));
}

TEST_F(ExplainPod, NodesThatShareAnAkAreRefusedUnlessAnInventoryNamesOne) {
  std::vector<std::string> objects = testing::twin();
  objects.push_back(pod_json());
  EXPECT_EQ(offline("payments/api", {file_of(surroundings(), objects)}), kRefused) << out_.str();
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("cvm-1    refused   duplicate-identity"),
                    HasSubstr("cvm-2    refused   duplicate-identity"), HasSubstr("0 of 3 nodes")));
  objects.push_back(testing::inventory_json());
  EXPECT_EQ(offline("payments/api", {file_of(surroundings(), objects)}), kVerified) << out_.str();
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("cvm-1    allowed"), HasSubstr("cvm-2    refused   duplicate-identity")));
}

TEST_F(ExplainPod, EvidenceThatDoesNotVerifyIsRefused) {
  std::vector<std::string> objects = surroundings();
  objects[1] = testing::quote_json({.epoch = {forge::kKid, testing::kEpoch}, .other_ak = true});
  EXPECT_EQ(offline("payments/api", {file_of(objects, {pod_json()})}, "cvm-1"), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("quote-signature"));
  judging_.trust_anchors.clear();
  EXPECT_EQ(offline("payments/api", {file_of(surroundings(), {pod_json()})}, "cvm-1"), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("certificate-chain"));
}

TEST_F(ExplainPod, ReadsTheTemplatesOfWhatMakesPods) {
  const std::string of_pod =
      "{metadata: {annotations: {nodeproof.dev/policy: confidential}}, spec: {containers: []}}";
  for (const char* kind : {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"}) {
    const std::string yaml = "kind: " + std::string(kind) +
                             "\nmetadata: {name: web, namespace: payments}\nspec: {template: " + of_pod +
                             "}\n";
    EXPECT_EQ(of_manifest(yaml), kVerified) << kind << out_.str() << err_.str();
    EXPECT_THAT(out_.str(), HasSubstr("Pod payments/web")) << kind;
    EXPECT_THAT(out_.str(), HasSubstr("1 of 2 nodes")) << kind;
  }
  EXPECT_EQ(of_manifest("kind: CronJob\nmetadata: {name: nightly, namespace: payments}\n"
                        "spec: {jobTemplate: {spec: {template: " +
                        of_pod + "}}}\n"),
            kVerified);
  EXPECT_THAT(out_.str(), HasSubstr("1 of 2 nodes"));
  // Without metadata the pods carry no annotation.
  EXPECT_EQ(
      of_manifest(
          "kind: Deployment\nmetadata: {name: web, namespace: payments}\nspec: {template: {spec: {}}}\n"),
      kVerified);
  EXPECT_THAT(out_.str(), HasSubstr("is not sensitive"));
  EXPECT_EQ(of_manifest("kind: Job\nmetadata: {generateName: run-, namespace: payments}\nspec: {template: " +
                        of_pod + "}\n"),
            kVerified);
  EXPECT_THAT(out_.str(), HasSubstr("Pod payments/run-"));
}

TEST_F(ExplainPod, WhatAManifestLacksIsSaidWithItsPlace) {
  EXPECT_EQ(of_manifest("kind: Deployment\nmetadata: {name: web}\nspec: {}\n"), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("spec.template"));
  EXPECT_EQ(of_manifest("kind: Pod\nmetadata: {}\nspec: {}\n"), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("metadata.name"));
  EXPECT_EQ(of_manifest("kind: Pod\nmetadata: {name: a, annotations: {x: 1}}\nspec: {}\n"), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("metadata.annotations"));
}

TEST_F(ExplainPod, ANamespaceLeftOutIsTheOneAskedForOrTheDefault) {
  const std::string manifest =
      "kind: Pod\nmetadata: {name: api, annotations: {nodeproof.dev/policy: confidential}}\nspec: {}\n";
  EXPECT_EQ(of_manifest(manifest, "payments/api"), kVerified);
  EXPECT_EQ(of_manifest(manifest), kRefused) << "default is not enrolled, and the pod is marked";
  EXPECT_THAT(out_.str(), HasSubstr("kubectl label namespace default nodeproof.dev/enforce=annotated-pods"));
}

TEST_F(ExplainPod, OtherObjectsOfAManifestAreNamed) {
  EXPECT_EQ(of_manifest("kind: Service\nmetadata: {name: web}\n---\n" + pod_json() + "\n"), kVerified);
  EXPECT_THAT(err_.str(),
              HasSubstr("not looked at, because it makes no pod that this version knows: Service web"));
}

TEST_F(ExplainPod, YamlMayBeginWithABrace) {
  EXPECT_EQ(
      of_manifest(
          "{kind: Deployment, metadata: {name: web, namespace: payments}, spec: {template: {spec: {}}}}"),
      kVerified)
      << err_.str();
  EXPECT_EQ(of_manifest(pod_json() + "\n---\n" + pod_json("b") + "\n", "payments/b"), kVerified)
      << err_.str();
  EXPECT_EQ(of_manifest(R"({"kind":"Pod","kind":"Pod"})"), kUsage);
  EXPECT_EQ(of_manifest(R"({"kind":"Pod")"), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("is not valid JSON"));
}

TEST_F(ExplainPod, WhichPodMustBeClear) {
  const std::string two = "---\n" + pod_json("a") + "\n---\n" + pod_json("b") + "\n";
  EXPECT_EQ(of_manifest(two), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("name one of payments/a, payments/b"));
  EXPECT_EQ(of_manifest(two, "payments/b"), kVerified);
  EXPECT_EQ(of_manifest(two, "payments/c"), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("no file holds pod payments/c"));
  for (const char* name : {"api", "/api", "payments/", "a/b/c"}) {
    EXPECT_EQ(of_manifest(two, name), kUsage) << name;
    EXPECT_THAT(err_.str(), HasSubstr("must be as demo/api")) << name;
  }
  EXPECT_EQ(offline("", {file_of(surroundings())}), kUsage);
  EXPECT_EQ(offline("payments/api", {}), kUsage);
  EXPECT_EQ(of_manifest("---\n" + pod_json() + "\n---\n" + policy_json() + "\n"), kUsage)
      << "a policy that is there twice";
  EXPECT_THAT(err_.str(), HasSubstr("is a second AttestationPolicy confidential"));
}

TEST_F(ExplainPod, APolicyThatCannotBeUsedIsWhy) {
  std::vector<std::string> objects = surroundings();
  objects.back() = policy_json(R"({"nodeClas":"Confidential"})");
  EXPECT_EQ(offline("payments/api", {file_of(objects, {pod_json()})}), kRefused);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("Refused on every node (invalid-policy)"), HasSubstr("nodeClas")));
}

// A policy that takes nobody's word for which VM a node is but an inventory's.
TEST_F(ExplainPod, TheInventoryIsReadWhereAPolicyRestsOnIt) {
  std::vector<std::string> objects = surroundings();
  objects.back() = policy_json(R"({"nodeIdentity":"Inventory"})");
  const auto decide = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = objects;
    all.insert(all.end(), more.begin(), more.end());
    return offline("payments/api", {file_of(all, {pod_json()})}, "cvm-1");
  };
  EXPECT_EQ(decide({}), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("there is no NodeInventory"));
  EXPECT_EQ(decide({testing::inventory_json()}), kVerified) << out_.str() << err_.str();
  EXPECT_EQ(decide({testing::inventory_json(testing::kOtherUuid)}), kRefused);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("node-inventory"), HasSubstr("NodeInventory pool names VM")));
  EXPECT_EQ(decide({R"({"kind":"NodeInventory","metadata":{"name":"odd"},"spec":{}})"}), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("NodeInventory odd cannot be used"));
  EXPECT_EQ(decide({testing::inventory_json(), testing::inventory_json()}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("is a second NodeInventory pool"));
}

TEST_F(ExplainPod, OfAClusterTheInventoryIsAskedForOnlyThen) {
  ExplainOptions options;
  options.pod = "payments/api";
  ExitCode code = kUsage;
  Answers answers = cluster();
  auto requests = serve(answers, [&] { code = run(options); });
  EXPECT_THAT(requests, Not(Contains(HasSubstr("nodeinventories"))));
  answers[wire::kAttestationPoliciesPath] = {list({policy_json(R"({"nodeIdentity":"Inventory"})")})};
  requests = serve(answers, [&] { code = run(options); });
  EXPECT_EQ(code, kVerified) << out_.str() << err_.str();
  EXPECT_THAT(requests, Contains(HasSubstr("nodeinventories")));
  answers[wire::kNodeInventoriesPath] = {list({testing::inventory_json(testing::kOtherUuid)})};
  serve(answers, [&] { code = run(options); });
  EXPECT_EQ(code, kRefused);
}

TEST_F(ExplainPod, JsonHoldsTheWholeDecision) {
  json_ = true;
  EXPECT_EQ(offline("payments/api", {file_of(surroundings(), {pod_json()})}), kVerified);
  const auto parsed = attest::JsonDocument::parse(as_bytes(out_.str()), 1U << 20U, "json");
  ASSERT_TRUE(parsed) << out_.str();
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr(R"("decision":"allowed")"), HasSubstr(R"("pod":"payments/api")"),
                    HasSubstr(R"("evidenceAgeSeconds":40)"), HasSubstr(R"("check":"no-evidence")"),
                    HasSubstr(R"("maxEvidenceAgeSeconds":600)"), HasSubstr(R"("check":"epoch-origin")")));
}

TEST_F(ExplainPod, OfAClusterReadsWhatItNeeds) {
  ExplainOptions options;
  options.pod = "payments/api";
  ExitCode code = kUsage;
  serve(cluster(), [&] { code = run(options); });
  EXPECT_EQ(code, kVerified) << out_.str() << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("1 of 2 nodes"));

  options.node = "cvm-1";
  const auto requests = serve(cluster(), [&] { code = run(options); });
  EXPECT_EQ(code, kVerified) << out_.str() << err_.str();
  EXPECT_THAT(requests, Not(Contains(HasSubstr("/nodes?")))) << "one node costs no list";

  Answers bound = cluster();
  bound["/api/v1/namespaces/payments/pods/api"] = {pod_json("api", "gone-1")};
  options.node.clear();
  serve(bound, [&] { code = run(options); });
  EXPECT_EQ(code, kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("unknown-node"));
}

TEST_F(ExplainPod, AManifestMeetsTheClusterAsItIsAndAsItWouldBe) {
  Answers answers = cluster();
  answers.erase("/api/v1/namespaces/payments");
  ExplainOptions options;
  options.files = {folder_.write("manifest", pod_json())};
  ExitCode code = kUsage;
  serve(answers, [&] { code = run(options); });
  EXPECT_EQ(code, kRefused) << out_.str();
  EXPECT_THAT(out_.str(), HasSubstr("namespace-not-enrolled"));
  options.files.push_back(folder_.write("namespace", namespace_json()));
  serve(answers, [&] { code = run(options); });
  EXPECT_EQ(code, kVerified) << out_.str();
}

TEST_F(ExplainPod, WhatIsWrongWithTheClusterIsTheEnvironment) {
  ExplainOptions options;
  options.pod = "payments/api";
  ExitCode code = kUsage;
  serve({}, [&] { code = run(options); });
  EXPECT_EQ(code, kEnvironment);
  EXPECT_THAT(err_.str(), HasSubstr("the cluster has no pod payments/api"));
  Answers answers = cluster();
  answers.erase(wire::kOwnGroupPath);
  serve(answers, [&] { code = run(options); });
  EXPECT_EQ(code, kEnvironment);
  EXPECT_THAT(err_.str(), HasSubstr("kubectl apply -f crds/"));
  answers = cluster();
  answers["/api/v1/nodes"] = {"[]"};
  serve(answers, [&] { code = run(options); });
  EXPECT_EQ(code, kEnvironment);
  EXPECT_THAT(err_.str(), HasSubstr("cannot be read"));
  options.pod = "payments/../x";
  EXPECT_EQ(run(options), kUsage);
  options.pod = "payments/A";
  serve(cluster(), [&] { code = run(options); });
  EXPECT_EQ(code, kUsage);
}

}  // namespace
}  // namespace nodeproof::cli
