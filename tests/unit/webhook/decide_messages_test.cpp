// Golden sentences: people and runbooks match them, so a change of words is a change of interface.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"

namespace nodeproof::webhook {
namespace {

using testing::asks_for;
using testing::binding_request;
using testing::create_request;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNow;
using testing::pod;
using testing::update_request;

using testing::decide_now;
using testing::with_age;

TEST(DecideMessages, GoldenSentences) {
  const PodEntry marked = entry_of(pod("demo", asks_for("confidential")));
  EXPECT_EQ(
      decide_now(binding_request("demo", "plain-1"), marked).message,
      "pod demo/api may not be placed on node plain-1: policy confidential is not met because of no-tpm: the "
      "node has no TPM (no verified evidence); remedy: use a node pool of an AMD SEV-SNP confidential VM "
      "size, or one with Trusted Launch and a vTPM");
  const PodEntry hurried = entry_of(pod("demo", asks_for("short")));
  EXPECT_EQ(decide_now(binding_request("demo", "cvm-1"), hurried, Seconds(42)).message,
            "pod demo/api may not be placed on node cvm-1: policy short is not met because of evidence-age: "
            "the last "
            "quote is 42s old, the limit is 20s (evidence 42s old); remedy: check that the nodeproof agent "
            "runs on the "
            "node and reaches the API server");
  EXPECT_EQ(
      decide_now(create_request(pod("demo", asks_for("genoa"), "cvm-1"))).message,
      "pod demo/api may not be placed on node cvm-1: policy genoa is not met because of policy: the node's "
      "processor is a Milan, which the policy does not accept (evidence 0s old); remedy: use a node pool "
      "whose "
      "processors the policy's sevSnp.products names");
  EXPECT_EQ(
      decide_now(create_request(pod("demo", asks_for("confidential"), "ghost"))).message,
      "pod demo/api may not be placed on node ghost: policy confidential is not met because of unknown-node: "
      "there is no such Node (no verified evidence); remedy: place the pod on a node that kubectl get nodes "
      "lists");
  EXPECT_EQ(decide_now(create_request(pod("demo", asks_for("nope")))).message,
            "pod demo/api: there is no AttestationPolicy 'nope'; remedy: name one of those that kubectl get "
            "attestationpolicies lists");
  EXPECT_EQ(decide_now(create_request(pod("demo", asks_for("broken")))).message,
            "pod demo/api: AttestationPolicy broken cannot be used: AttestationPolicy.spec.foo: is not known "
            "(unknown-field); remedy: ask a cluster administrator to correct the policy");
  EXPECT_EQ(decide_now(create_request(pod("bare", {}))).message,
            "pod bare/api: it must be placed by a policy, but neither the pod nor namespace bare names one; "
            "remedy: "
            "kubectl annotate namespace bare nodeproof.dev/policy=POLICY");
  EXPECT_EQ(decide_now(create_request(pod("plain", asks_for("confidential")))).message,
            "pod plain/api: namespace plain is not known here as enrolled; remedy: try again in a moment; if "
            "it stays "
            "so: kubectl label namespace plain nodeproof.dev/enforce=annotated-pods");
  EXPECT_EQ(decide_now(update_request(pod("demo", asks_for("confidential")), pod("demo", {}))).message,
            "pod demo/api: annotation nodeproof.dev/policy would be removed; remedy: delete the pod and "
            "create it anew "
            "with what it needs");
  EXPECT_EQ(decide_now(binding_request("demo", "cvm-1"), PodUnavailable{"no answer in time"}).message,
            "pod demo/api: the pod could not be read: no answer in time; remedy: try again; the scheduler "
            "does so by "
            "itself");
  wire::AdmissionRequest odd = create_request(pod("demo", {}));
  odd.sub_resource = "exec";
  EXPECT_EQ(decide_now(odd).message,
            "pod demo/api: a request to CREATE pods/exec is not one that nodeproof judges; remedy: correct "
            "the rules "
            "of the webhook configuration");
}

TEST(DecideMessages, WarnPoliciesWarnAndDryRunPoliciesLeaveAnAuditAnnotation) {
  const AdmissionDecision warned = decide_now(create_request(pod("demo", asks_for("warn"), "cvm-1")));
  EXPECT_THAT(warned.warnings,
              ElementsAre("nodeproof: policy warn is not met by node cvm-1 because of policy"));
  EXPECT_EQ(warned.audit.at("policy-unmet"), "warn: policy");
  const AdmissionDecision silent = decide_now(create_request(pod("warned", asks_for("dry-run"), "plain-1")));
  EXPECT_THAT(silent.warnings, ElementsAre(HasSubstr("policy warn")));
  EXPECT_EQ(silent.audit.at("policy-unmet"), "warn: no-tpm, dry-run: no-tpm");
}

TEST(DecideMessages, WarnsWhenNoNodeMeetsThePolicyNow) {
  EXPECT_THAT(decide_now(create_request(pod("demo", asks_for("confidential")))).warnings, IsEmpty());
  EXPECT_THAT(decide_now(create_request(pod("demo", asks_for("genoa")))).warnings,
              ElementsAre("nodeproof: no node meets policy genoa now; the pod will wait for one"));
  EXPECT_THAT(decide_now(create_request(pod("demo", asks_for("confidential"))), {}, Seconds(700)).warnings,
              ElementsAre(HasSubstr("confidential")));
}

TEST(Decide, AgeCountsAtTheMomentOfTheDecision) {
  const PodEntry five_minutes = entry_of(pod("demo", with_age(asks_for("confidential"), "5m")));
  const wire::AdmissionRequest request = binding_request("demo", "cvm-1");
  EXPECT_TRUE(decide_now(request, five_minutes, Seconds(300)).allowed);
  EXPECT_FALSE(decide_now(request, five_minutes, Seconds(301)).allowed);
  // An hour is more than the policy's ten minutes: a pod may only tighten.
  const PodEntry an_hour = entry_of(pod("demo", with_age(asks_for("confidential"), "1h")));
  EXPECT_TRUE(decide_now(request, an_hour, Seconds(600)).allowed);
  EXPECT_FALSE(decide_now(request, an_hour, Seconds(601)).allowed);
}

// An auditor reads from the API server's log alone what was proven when a pod was bound.
TEST(Audit, SaysWhatWasProvenForWhom) {
  const AdmissionDecision bound =
      decide_now(create_request(pod("vault", testing::asks_for("short"), "cvm-1")));
  ASSERT_TRUE(bound.allowed) << bound.message;
  EXPECT_EQ(bound.audit.at("node"), "cvm-1");
  EXPECT_EQ(bound.audit.at("policy-met"), "confidential, short");
  EXPECT_EQ(bound.audit.at("evidence-digest").size(), 64U);
  EXPECT_EQ(bound.audit.at("epoch"), std::to_string(testing::kEpoch));

  const AdmissionDecision refused =
      decide_now(create_request(pod("vault", testing::asks_for("genoa"), "cvm-1")));
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.audit.at("policy-met"), "confidential");
  EXPECT_EQ(refused.audit.at("policy-unmet"), "genoa: policy");
  EXPECT_EQ(refused.audit.at("denied"), "policy");

  const AdmissionDecision unproven = decide_now(create_request(pod("vault", {}, "plain-1")));
  EXPECT_EQ(unproven.audit.at("node"), "plain-1");
  EXPECT_FALSE(unproven.audit.contains("evidence-digest"));
}

}  // namespace
}  // namespace nodeproof::webhook
