#include "cli/explanation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"

namespace nodeproof::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using webhook::testing::asks_for;
using webhook::testing::kNow;
using webhook::testing::pod;

Explanation explained(const wire::Pod& of, const std::string& node = {}, Seconds after = Seconds(0)) {
  static const webhook::Snapshot snapshot = webhook::testing::picture();
  return explain(of, node, snapshot, kNow + after);
}

// "cvm-1 allowed met"
std::vector<std::string> lines(const Explanation& explanation) {
  std::vector<std::string> out;
  for (const NodeAnswer& answer : explanation.nodes) {
    out.push_back(answer.node + (answer.decision.allowed ? " allowed " : " refused ") +
                  answer.decision.reason);
  }
  return out;
}

TEST(Explanation, DecidesForEachNode) {
  const Explanation out = explained(pod("demo", asks_for("confidential")));
  EXPECT_TRUE(out.allowed());
  EXPECT_EQ(out.pod, "demo/api");
  EXPECT_THAT(lines(out),
              ElementsAre("cvm-1 allowed met", "new-1 refused not-verified", "plain-1 refused no-tpm"));
  EXPECT_EQ(out.nodes[0].age, Seconds(0));
  EXPECT_EQ(out.nodes[2].age, std::nullopt);
  ASSERT_EQ(out.nodes[2].policies.size(), 1U);
  EXPECT_EQ(out.nodes[2].policies[0].unmet->code, "no-tpm");
}

TEST(Explanation, DecidesForTheNodeAskedForOrNamed) {
  const wire::Pod free = pod("demo", asks_for("confidential"));
  EXPECT_THAT(lines(explained(free, "cvm-1")), ElementsAre("cvm-1 allowed met"));
  EXPECT_FALSE(explained(free, "plain-1").allowed());
  EXPECT_THAT(lines(explained(free, "gone")), ElementsAre("gone refused unknown-node"));

  const wire::Pod bound = pod("demo", asks_for("confidential"), "plain-1");
  EXPECT_THAT(lines(explained(bound)), ElementsAre("plain-1 refused no-tpm"));
  EXPECT_THAT(lines(explained(bound, "cvm-1")), ElementsAre("cvm-1 allowed met"));
}

TEST(Explanation, ItsMessagesAreTheWebhooks) {
  const auto request = webhook::testing::binding_request("demo", "plain-1");
  const webhook::PodEntry entry = webhook::entry_of(pod("demo", asks_for("confidential")));
  const auto decided = webhook::testing::decide_now(request, entry);
  const Explanation out = explained(pod("demo", asks_for("confidential")), "plain-1");
  EXPECT_EQ(out.nodes.at(0).decision.message, decided.message);
  EXPECT_THAT(decided.message, HasSubstr("may not be placed on node plain-1"));
}

TEST(Explanation, NamesEveryPolicyWithWhatItIsWorth) {
  const Explanation out = explained(pod("strict", webhook::testing::with_age(asks_for("confidential"), "1m")),
                                    "cvm-1", Seconds(30));
  ASSERT_EQ(out.nodes.at(0).policies.size(), 2U);
  EXPECT_EQ(out.nodes[0].policies[0].policy, "genoa");
  EXPECT_TRUE(out.nodes[0].policies[0].unmet);
  EXPECT_EQ(out.nodes[0].policies[1].policy, "confidential");
  EXPECT_EQ(out.nodes[0].policies[1].max_age, Seconds(60));
  EXPECT_FALSE(out.nodes[0].policies[1].unmet);
  EXPECT_EQ(out.nodes[0].age, Seconds(30));
  EXPECT_FALSE(out.allowed());
}

TEST(Explanation, APolicyThatWarnsRefusesNothing) {
  const Explanation out = explained(pod("warned", {}), "plain-1");
  EXPECT_TRUE(out.allowed());
  EXPECT_TRUE(out.nodes.at(0).policies.at(0).unmet);
  EXPECT_THAT(out.nodes[0].decision.warnings,
              ElementsAre(HasSubstr("policy warn is not met by node plain-1")));
}

TEST(Explanation, WhereTheNodeDoesNotMatterItSaysWhy) {
  const struct {
    const char* what;
    wire::Pod pod;
    bool allowed;
    const char* reason;
    const char* note;
  } cases[] = {
      {"not sensitive", pod("demo", {}), true, "not-sensitive", "is not sensitive"},
      {"not enrolled, unmarked", pod("plain", {}), true, "not-asked", "is not enrolled"},
      {"unknown namespace, unmarked", pod("nowhere", {}), true, "not-asked", "is not enrolled"},
      {"not enrolled, marked", pod("plain", asks_for("confidential")), false, "namespace-not-enrolled", ""},
      {"unknown policy", pod("demo", asks_for("none")), false, "unknown-policy", ""},
      {"unusable policy", pod("demo", asks_for("broken")), false, "invalid-policy", ""},
      {"misspelt annotation", pod("demo", {{"nodeproof.dev/polcy", "x"}}), false, "bad-annotation", ""},
      {"no policy", pod("bare", {}), false, "no-policy", ""},
  };
  for (const auto& item : cases) {
    const Explanation out = explained(item.pod);
    EXPECT_EQ(out.allowed(), item.allowed) << item.what;
    EXPECT_EQ(out.decision.reason, item.reason) << item.what;
    EXPECT_THAT(out.note, HasSubstr(item.note)) << item.what;
    EXPECT_EQ(out.note.empty(), *item.note == '\0') << item.what;
    EXPECT_EQ(out.remedy.empty(), item.allowed) << item.what;
    EXPECT_TRUE(out.nodes.empty()) << item.what;
  }
}

TEST(Explanation, WhatOnlyLooksLikeAMarkerIsRefusedEverywhere) {
  for (const char* ns : {"demo", "plain", "nowhere"}) {
    wire::Pod labelled = pod(ns, {});
    labelled.meta.labels = asks_for("confidential");
    const Explanation out = explained(labelled);
    EXPECT_FALSE(out.allowed()) << ns;
    EXPECT_THAT(out.decision.message, HasSubstr("label nodeproof.dev/policy protects nothing")) << ns;
    EXPECT_THAT(out.remedy, HasSubstr("in lower case")) << ns;
  }
  EXPECT_FALSE(explained(pod("plain", {{"NodeProof.dev/policy", "confidential"}})).allowed());
  EXPECT_TRUE(explained(pod("plain", {{"NodeProof.dev/policy", "x"}, {"kubernetes.io/config.mirror", "y"}}))
                  .allowed());
}

TEST(Explanation, BreakGlassLetsEverythingPass) {
  webhook::Snapshot snapshot = webhook::testing::picture();
  snapshot.namespaces = std::make_shared<const webhook::NamespaceMap>(
      webhook::NamespaceMap{{"demo", {"annotated-pods", {}, webhook::BreakGlass{.reason = "x"}}}});
  const Explanation out = explain(pod("demo", asks_for("genoa")), {}, snapshot, kNow);
  EXPECT_TRUE(out.allowed());
  EXPECT_THAT(out.note, HasSubstr("break-glass"));
}

TEST(Explanation, WithoutANodeASensitivePodIsRefused) {
  webhook::Snapshot snapshot = webhook::testing::picture();
  snapshot.nodes = std::make_shared<const webhook::NodeMap>();
  EXPECT_FALSE(explain(pod("demo", asks_for("confidential")), {}, snapshot, kNow).allowed());
  EXPECT_TRUE(explain(pod("demo", {}), {}, snapshot, kNow).allowed());
}

}  // namespace
}  // namespace nodeproof::cli
