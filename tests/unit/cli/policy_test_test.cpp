#include "cli/policy_test.hpp"

#include <gmock/gmock.h>

#include "cli/policy_words.hpp"
#include "tests/unit/cli/published_cluster.hpp"

namespace nodeproof::cli {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::inventory_json;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::policy_json;
using ::testing::StartsWith;

// A policy as a person writes it.
std::string yaml(const std::string& spec, const std::string& name = "payments") {
  return "apiVersion: nodeproof.dev/v1alpha1\nkind: AttestationPolicy\nmetadata: {name: " + name +
         "}\nspec: " + spec + "\n";
}

class PolicyTest : public testing::ClusterVerb {
 protected:
  ExitCode run(PolicyTestOptions options) {
    static_cast<JudgeOptions&>(options) = judging_;
    options.kubeconfig = kubeconfig_;
    options.json = json_;
    out_.str({});
    err_.str({});
    return policy_test(options, forge::kNow + Seconds(40), out_, err_);
  }
  ExitCode of_files(const std::vector<std::string>& files) {
    PolicyTestOptions options;
    options.files = files;
    return run(options);
  }
  ExitCode of(const std::string& text) { return of_files({folder_.write("policy.yaml", text)}); }
  std::string nodes(const std::vector<std::string>& more = {}) const {
    const auto all = testing::surroundings();
    return file_of({all.begin(), all.begin() + 4}, more);
  }

  bool json_ = false;
};

TEST_F(PolicyTest, SaysInWordsWhatIsDemanded) {
  EXPECT_EQ(of(yaml("{nodeClass: Confidential, maxEvidenceAge: 10m, boot: {secureBoot: Required}}")),
            kVerified)
      << out_.str() << err_.str();
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("AttestationPolicy payments demands:"), HasSubstr("- Deny: a sensitive pod"),
                    HasSubstr("quote is at most 10m old"), HasSubstr("Secure Boot is proven to be on"),
                    HasSubstr("nothing ties that VM"), Not(HasSubstr("caution")),
                    Not(HasSubstr("node meets")), Not(HasSubstr("epoch-origin"))));
}

// As the webhook reads it, and with the place.
TEST_F(PolicyTest, WhatCannotBeUsedIsSaidWithItsPlace) {
  const std::pair<const char*, const char*> cases[] = {
      {"{nodeClas: Any}", "spec.nodeClas"},
      {"{maxEvidenceAge: soon}", "spec.maxEvidenceAge"},
      {"{sevSnp: {products: []}}", "spec.sevSnp.products"},
      {"{sevSnp: {products: [Milan, Rome]}}", "spec.sevSnp.products[1]"},
      {"{nodeClass: TrustedLaunch, sevSnp: {products: [Milan]}}",
       "a confidential pool and a Trusted Launch pool are different node classes on AKS; no node meets both"},
      {"{sevSnp: {products: [Milan], minimumTcb: {Genoa: {bootloader: 1, tee: 0, snp: 1, microcode: 1}}}}",
       "spec.sevSnp.minimumTcb.Genoa"},
      {"{boot: {pcrs: {\"10\": [\"00\"]}}}", "spec.boot.pcrs.10"}};
  for (const auto& [spec, says] : cases) {
    EXPECT_EQ(of(yaml(spec)), kUsage) << spec;
    EXPECT_THAT(out_.str(), AllOf(HasSubstr("AttestationPolicy payments cannot be used"), HasSubstr(says),
                                  HasSubstr("policy.yaml")));
  }
}

TEST_F(PolicyTest, OfSeveralEachIsSaidAndTheWorstIsTheExitCode) {
  EXPECT_EQ(
      of(yaml("{nodeClass: Any, akCertificate: Required}", "a") + "---\n" + yaml("{nodeClas: Any}", "b")),
      kUsage);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("AttestationPolicy a demands"),
                                HasSubstr("AttestationPolicy b cannot be used")));
  EXPECT_EQ(of(yaml("{}", "a") + "---\n" + yaml("{}", "a")), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("is a second AttestationPolicy a"));
}

TEST_F(PolicyTest, AFileWithoutOneOrThatIsNoYamlIsRefused) {
  EXPECT_EQ(of("kind: Namespace\nmetadata: {name: a}\n"), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("holds no AttestationPolicy"));
  EXPECT_EQ(of("kind: [\n"), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("policy.yaml:2:1: "));
  EXPECT_EQ(of_files({folder_.write("there", "").string() + "-not"}), kEnvironment);
}

// Strict by itself, and of no use: no paravisor of Turin is known.
TEST_F(PolicyTest, WhatNoNodeCanMeetIsRefused) {
  EXPECT_EQ(of(yaml("{sevSnp: {products: [Turin]}}")), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("no node can meet it: no reference value is of a paravisor on Turin"));
  EXPECT_EQ(of(yaml("{sevSnp: {products: [Turin, Milan]}}")), kVerified);
}

TEST_F(PolicyTest, SaysWhichNodesOfFilesMeetIt) {
  const std::string policy = folder_.write("policy", yaml("{nodeClass: Confidential}"));
  EXPECT_EQ(of_files({policy, nodes()}), kVerified) << err_.str();
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("1 of 2 nodes meet it"), HasSubstr("cvm-1    meets it"),
                    HasSubstr("plain-1  no-evidence: "), HasSubstr("remedy: "), HasSubstr("epoch-origin")));
  EXPECT_EQ(of_files({folder_.write("policy", yaml("{nodeClass: TrustedLaunch}")), nodes()}), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("0 of 2 nodes meet it"));
  EXPECT_EQ(of_files({folder_.write("policy", yaml("{maxEvidenceAge: 30s}")), nodes()}), kRefused);
  EXPECT_THAT(out_.str(),
              AllOf(HasSubstr("cvm-1    evidence-age"), HasSubstr("caution: maxEvidenceAge 30s")));
}

TEST_F(PolicyTest, ReadsTheInventory) {
  const std::string policy = folder_.write("policy", yaml("{nodeIdentity: Inventory}"));
  EXPECT_EQ(of_files({policy, nodes()}), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("node-inventory: there is no NodeInventory"));
  EXPECT_EQ(of_files({policy, nodes({inventory_json()})}), kVerified) << out_.str();
  EXPECT_EQ(of_files({policy, nodes({inventory_json(testing::kOtherUuid)})}), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("NodeInventory pool names VM"));
}

TEST_F(PolicyTest, OfAClusterAsksForNodesAlone) {
  PolicyTestOptions options;
  options.nodes = true;
  options.files = {folder_.write("policy", yaml("{nodeClass: Confidential}"))};
  ExitCode code = kUsage;
  auto requests = serve(cluster(), [&] { code = run(options); });
  EXPECT_EQ(code, kVerified) << out_.str() << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("1 of 2 nodes meet it"));
  EXPECT_THAT(requests, Not(Contains(HasSubstr("attestationpolicies"))));
  EXPECT_THAT(requests, Not(Contains(HasSubstr("nodeinventories")))) << "the policy does not rest on them";
  options.files = {folder_.write("policy", yaml("{nodeIdentity: Inventory}"))};
  serve(cluster(), [&] { code = run(options); });
  EXPECT_EQ(code, kVerified) << out_.str() << err_.str();
  serve({}, [&] { code = run(options); });
  EXPECT_EQ(code, kEnvironment);
}

TEST_F(PolicyTest, JsonHoldsAllOfIt) {
  json_ = true;
  EXPECT_EQ(of(yaml("{nodeClas: Any}", "broken")), kUsage);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr(R"("usable":false)"), HasSubstr("spec.nodeClas")));
  EXPECT_EQ(of_files({folder_.write("policy", yaml("{}")), nodes()}), kVerified);
  EXPECT_TRUE(attest::JsonDocument::parse(as_bytes(out_.str()), 1U << 20U, "json")) << out_.str();
  EXPECT_THAT(out_.str(), AllOf(HasSubstr(R"("policy":"payments")"), HasSubstr(R"("usable":true)"),
                                HasSubstr(R"("met":true)"), HasSubstr(R"("check":"no-evidence")")));
}

attest::AppraisalPolicy policy_of(const std::function<void(attest::AppraisalPolicy&)>& change) {
  attest::AppraisalPolicy out;
  change(out);
  return out;
}

// Every member of a policy that asks for something shows in the words.
TEST(PolicyWords, EveryDemandIsNamed) {
  using attest::Product;
  using attest::Requirement;
  const std::pair<std::function<void(attest::AppraisalPolicy&)>, const char*> cases[] = {
      {[](auto& p) { p.enforcement_action = attest::EnforcementAction::kWarn; }, "Warn: "},
      {[](auto& p) { p.enforcement_action = attest::EnforcementAction::kDryRun; }, "DryRun: "},
      {[](auto& p) { p.max_evidence_age = Seconds(300); }, "the node's last quote is at most 5m old"},
      {[](auto& p) { p.node_class = attest::RequiredNodeClass::kTrustedLaunch; },
       "nodeClass TrustedLaunch: "},
      {[](auto& p) { p.node_class = attest::RequiredNodeClass::kAny; }, "nodeClass Any: "},
      {[](auto& p) { p.node_identity = attest::NodeIdentity::kInventory; }, "nodeIdentity Inventory: "},
      {[](auto& p) { p.ak_certificate = Requirement::kRequired; }, "akCertificate Required: "},
      {[](auto& p) { p.boot.secure_boot = Requirement::kRequired; }, "Secure Boot is proven"},
      {[](auto& p) { p.boot.measured_boot = Requirement::kRequired; }, "its event log explains its PCRs"},
      {[](auto& p) { p.boot.pcrs[4] = {Sha256Digest{}}; }, "PCR 4 has the value that is listed"},
      {[](auto& p) {
         p.boot.pcrs[9] = {Sha256Digest{}, Sha256Digest{}};
       },
       "PCR 9 has one of the 2 values"},
      {[](auto& p) {
         p.products = {Product::kMilan, Product::kGenoa};
       },
       "its processor is a Milan or Genoa"},
      {[](auto& p) {
         p.minimum_tcb[Product::kMilan] = {4, 0, 22, 213};
       },
       "on Milan, a TCB of at least bootloader 4, tee 0, snp 22, microcode 213"},
      {[](auto& p) { p.minimum_guest_svn[Product::kGenoa] = 7; }, "on Genoa, a paravisor of GUEST_SVN 7"},
      {[](auto& p) { p.measurements = {ByteArray<48>{}}; }, "its launch measurement is one of 1"},
      {[](auto& p) { p.placement.node_selector["pool"] = "cvm"; },
       "its pods are steered to nodes labelled pool=cvm"},
      {[](auto& p) { p.placement.require_node_label = false; }, "its pods are not steered: "},
      {[](auto& p) { p.on_loss.taint = true; }, "onLoss taint: a node that has failed for 2m is tainted"},
      {[](auto& p) { p.on_loss.evict = true; }, "onLoss evict: its pods are evicted"},
      {[](auto& p) { p.on_loss = {.evict = true, .stale_grace_period = Seconds(3600)}; },
       "onLoss staleGracePeriod: the same after 1h of silence"},
      {[](auto& p) { p.on_loss = {.evict = true, .delete_after = Seconds(600)}; },
       "onLoss deleteAfter: a pod that cannot be evicted is deleted after 10m"}};
  const auto plain = demands_in_words(attest::AppraisalPolicy{});
  for (const auto& [change, says] : cases) {
    EXPECT_THAT(demands_in_words(policy_of(change)), Contains(StartsWith(says)));
    EXPECT_THAT(plain, Not(Contains(StartsWith(says)))) << "not asked for by default";
  }
}

TEST(PolicyWords, SnpUnderAnyLeavesTrustedLaunchOut) {
  const auto policy = policy_of([](auto& p) {
    p.node_class = attest::RequiredNodeClass::kAny;
    p.products = {attest::Product::kMilan};
  });
  EXPECT_THAT(demands_in_words(policy), Contains(HasSubstr("a Trusted Launch VM does not meet it")));
  EXPECT_TRUE(never_met(policy, {}));
}

TEST(PolicyWords, WithoutReferenceValuesOnlyConfidentialIsOutOfReach) {
  EXPECT_TRUE(never_met({}, {}));
  EXPECT_FALSE(never_met({}, attest::built_in_reference_values()));
  EXPECT_FALSE(
      never_met(policy_of([](auto& p) { p.node_class = attest::RequiredNodeClass::kTrustedLaunch; }), {}));
}

TEST(PolicyWords, CautionsOfWhatIsRarelyMeant) {
  EXPECT_THAT(cautions({}), IsEmpty());
  EXPECT_THAT(cautions(policy_of([](auto& p) { p.max_evidence_age = Seconds(150); })),
              ElementsAre(HasSubstr("turn stale between quotes")));
  EXPECT_THAT(cautions(policy_of([](auto& p) { p.max_evidence_age = Seconds(151); })), IsEmpty());
  EXPECT_THAT(cautions(policy_of([](auto& p) { p.node_class = attest::RequiredNodeClass::kAny; })),
              ElementsAre(HasSubstr("keys that live in no vTPM")));
}

}  // namespace
}  // namespace nodeproof::cli
