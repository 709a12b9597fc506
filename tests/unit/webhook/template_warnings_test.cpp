#include "webhook/template_warnings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"

namespace nodeproof::webhook {
namespace {

using testing::asks_for;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNow;
using testing::picture;
using ::testing::StartsWith;
using testing::with_age;

using Annotations = std::map<std::string, std::string>;

wire::AdmissionRequest template_request(const std::string& kind, const std::string& ns,
                                        Annotations annotations) {
  wire::AdmissionRequest out = testing::request("CREATE", "", ns);
  out.resource = kind == "DaemonSet" ? "daemonsets" : "deployments";
  out.name = "web";
  wire::PodTemplate made_from;
  made_from.kind = kind;
  made_from.owner.name = "web";
  made_from.annotations = std::move(annotations);
  out.pod_template = made_from;
  return out;
}

AdmissionDecision decide_template(const wire::AdmissionRequest& request, Seconds after = Seconds(0)) {
  return testing::decide_now(request, PodAbsent{}, after);
}

struct Row {
  std::string name;
  std::string ns;
  Annotations annotations;
  std::string warning;  // a part of the only one; empty: none
};

std::vector<Row> rows() {
  return {
      {"fine", "demo", asks_for("confidential"), ""},
      {"unmarked", "demo", {{"other", "x"}}, ""},
      {"unmarked_in_plain_namespace", "plain", {}, ""},
      {"unmarked_in_unknown_namespace", "nowhere", {}, ""},
      {"all_pods", "vault", {}, ""},
      {"unknown_policy", "demo", asks_for("nope"),
       "its pods will be refused: there is no AttestationPolicy 'nope'"},
      {"invalid_policy", "demo", asks_for("broken"), "AttestationPolicy broken cannot be used"},
      {"misspelt", "demo", {{"nodeproof.dev/polcy", "x"}}, "annotation nodeproof.dev/polcy is not known"},
      {"bad_age", "demo", with_age(asks_for("confidential"), "soon"), "nodeproof.dev/max-evidence-age"},
      {"not_enrolled", "plain", asks_for("confidential"),
       "kubectl label namespace plain nodeproof.dev/enforce="},
      {"unknown_namespace", "nowhere", asks_for("confidential"),
       "namespace nowhere is not known here as enrolled"},
      {"odd_label", "odd", asks_for("confidential"), "label nodeproof.dev/enforce of namespace odd"},
      {"all_pods_without_floor", "bare", {}, "neither the pod nor namespace bare names one"},
      {"no_node", "demo", asks_for("genoa"), "no node meets policy genoa now; its pods will wait for one"},
      {"no_node_of_the_floor", "strict", asks_for("confidential"), "no node meets policy genoa now"},
      {"warn_waits_for_no_node", "demo", asks_for("warn"), ""},
      {"dry_run_waits_for_no_node", "demo", asks_for("dry-run"), ""},
  };
}

TEST(TemplateWarnings, Table) {
  for (const char* kind : {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"}) {
    for (const Row& row : rows()) {
      const AdmissionDecision decision = decide_template(template_request(kind, row.ns, row.annotations));
      EXPECT_TRUE(decision.allowed) << row.name << ": a template is never refused";
      EXPECT_EQ(to_string(decision.rule), "template");
      EXPECT_EQ(decision.reason, row.warning.empty() ? "valid" : "warned") << row.name;
      if (row.warning.empty()) {
        EXPECT_THAT(decision.warnings, IsEmpty()) << row.name;
      } else {
        EXPECT_THAT(decision.warnings, ElementsAre(HasSubstr(row.warning))) << row.name;
        EXPECT_THAT(decision.warnings[0],
                    StartsWith("nodeproof: " + std::string(kind) + " " + row.ns + "/web: "));
        EXPECT_THAT(decision.warnings[0], HasSubstr("; remedy: "));
      }
    }
  }
}

TEST(TemplateWarnings, GoldenSentences) {
  EXPECT_THAT(
      decide_template(template_request("Deployment", "demo", asks_for("nope"))).warnings,
      ElementsAre("nodeproof: Deployment demo/web: its pods will be refused: there is no AttestationPolicy "
                  "'nope'; remedy: name one of those that kubectl get attestationpolicies lists"));
}

// Wherever the pods will be: no namespace is left out of the rule.
TEST(TemplateWarnings, WhatOnlyLooksLikeAMarkerIsNamed) {
  for (const char* ns : {"demo", "plain", "nowhere"}) {
    auto request = template_request("Deployment", ns, {});
    request.pod_template->labels = asks_for("confidential");
    EXPECT_THAT(
        decide_template(request).warnings,
        ElementsAre(
            "nodeproof: Deployment " + std::string(ns) +
            "/web: its pods will be refused: label nodeproof.dev/policy protects nothing; remedy: ask by "
            "annotations nodeproof.dev/policy and nodeproof.dev/max-evidence-age, in lower case"));
  }
  const auto request = template_request("Deployment", "demo", {{"Nodeproof.Dev/policy", "confidential"}});
  EXPECT_THAT(decide_template(request).warnings,
              ElementsAre(HasSubstr("annotation Nodeproof.Dev/policy protects")));
}

TEST(TemplateWarnings, AnAgedProofIsNoNode) {
  const auto request = template_request("Deployment", "demo", asks_for("confidential"));
  EXPECT_THAT(decide_template(request, Seconds(600)).warnings, IsEmpty());
  EXPECT_THAT(decide_template(request, Seconds(601)).warnings, ElementsAre(HasSubstr("no node meets")));
}

TEST(TemplateWarnings, AMarkerOfTheObjectMarksNoPods) {
  auto request = template_request("Deployment", "demo", {});
  request.pod_template->owner.annotations = asks_for("confidential");
  EXPECT_THAT(
      decide_template(request).warnings,
      ElementsAre(
          "nodeproof: Deployment demo/web: annotation nodeproof.dev/policy is not on its pods; remedy: "
          "put it into spec.template.metadata.annotations"));
  request.pod_template->annotations = asks_for("confidential");
  EXPECT_THAT(decide_template(request).warnings, IsEmpty());
}

TEST(TemplateWarnings, NothingIsSaidFromAViewThatIsNotReliedOn) {
  const auto request = template_request("Deployment", "demo", asks_for("nope"));
  Snapshot starting = picture();
  starting.complete = false;
  const auto early = decide(request, starting, PodAbsent{}, kNow, std::nullopt);
  EXPECT_TRUE(early.allowed);
  EXPECT_THAT(early.warnings, IsEmpty());
  const auto stale = decide(request, picture(), PodAbsent{}, kNow, Refusal{"view-too-old", "old", "wait"});
  EXPECT_TRUE(stale.allowed);
  EXPECT_THAT(stale.warnings, IsEmpty());
}

TEST(TemplateWarnings, FitTheirLimitWithTheirRemedy) {
  const std::string longest(253, 'n');
  const std::string warning = template_warning("Deployment " + longest, longest, "do this");
  EXPECT_LE(warning.size(), kMaxWarning);
  const std::string usual = template_warning("Deployment demo/web", std::string(400, 'x'), "do this");
  EXPECT_EQ(usual.size(), kMaxWarning);
  EXPECT_THAT(usual, EndsWith("x; remedy: do this"));
}

}  // namespace
}  // namespace nodeproof::webhook
