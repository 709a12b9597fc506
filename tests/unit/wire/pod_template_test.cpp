#include "wire/pod_template.hpp"

#include "tests/unit/wire/json_text.hpp"
#include "wire/admission_review.hpp"

namespace nodeproof::wire {
namespace {

using Map = std::map<std::string, std::string>;

const std::string kTemplate =
    R"({"metadata": {"labels": {"app": "x"}, "annotations": {"nodeproof.dev/policy": "p"}},
  "spec": {"nodeSelector": {"disk": "ssd"}, "containers": [{"name": "main", "futureField": [1, {"a": null}]}]}})";

std::string deployment() {
  return R"({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "annotations": {"a": "b"}},
    "spec": {"replicas": 3, "selector": {}, "template": )" +
         kTemplate + "}}";
}
std::string cron_job() {
  return R"({"metadata": {"generateName": "nightly-"}, "spec": {"schedule": "@daily", "jobTemplate": {"metadata": {},
    "spec": {"template": )" +
         kTemplate + "}}}}";
}

auto as(const std::string& kind) {
  return [kind](const attest::JsonValue& object) { return parse_pod_template(object, kind); };
}

TEST(PodTemplate, IsReadWhereverItLies) {
  for (const std::string kind : {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"}) {
    const auto read = parsed(deployment(), as(kind));
    ASSERT_TRUE(read) << to_string(read.error());
    EXPECT_EQ(read->kind, kind);
    EXPECT_EQ(read->owner.name, "web");
    EXPECT_EQ(read->owner.annotations, (Map{{"a", "b"}}));
    EXPECT_EQ(read->annotations, (Map{{"nodeproof.dev/policy", "p"}}));
  }
  const auto nightly = parsed(cron_job(), as("CronJob"));
  ASSERT_TRUE(nightly) << to_string(nightly.error());
  EXPECT_EQ(nightly->owner.name, "");
  EXPECT_EQ(nightly->annotations, (Map{{"nodeproof.dev/policy", "p"}}));
}

TEST(PodTemplate, WhatKubernetesLetsOutMayBeAbsent) {
  const auto bare = parsed(R"({"metadata": {}, "spec": {"template": {"metadata": null}}})", as("Job"));
  ASSERT_TRUE(bare) << to_string(bare.error());
  EXPECT_TRUE(bare->annotations.empty());
}

TEST(PodTemplate, BadTemplatesAreNamed) {
  const Refusal cases[] = {
      {R"("template")", R"("Template")", Errc::kMissing, "spec.template"},
      {R"({"nodeproof.dev/policy": "p"})", R"("p")", Errc::kWrongType, "spec.template.metadata.annotations"},
      {R"("p")", "true", Errc::kWrongType, "spec.template.metadata.annotations.nodeproof.dev/policy"},
      {R"({"a": "b"})", "1", Errc::kWrongType, "metadata.annotations"},
  };
  expect_refusals(deployment(), as("Deployment"), cases);
  const Refusal deeper[] = {
      {R"("jobTemplate")", R"("job")", Errc::kMissing, "spec.jobTemplate"},
      {R"("template")", R"("Template")", Errc::kMissing, "spec.jobTemplate.spec.template"},
      {R"("p")", "1", Errc::kWrongType, "spec.jobTemplate.spec.template.metadata.annotations"},
  };
  expect_refusals(cron_job(), as("CronJob"), deeper);
  EXPECT_FALSE(parsed(deployment(), as("CronJob"))) << "a template lies elsewhere there";
}

TEST(PodTemplate, EveryPrefixIsRefused) {
  expect_prefixes_refused(deployment(), as("Deployment"));
}

TEST(PodTemplate, KindsCountInTheirGroups) {
  for (const char* kind : {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"}) {
    EXPECT_TRUE(has_pod_template("apps", kind));
    EXPECT_FALSE(has_pod_template("", kind));
    EXPECT_FALSE(has_pod_template("batch", kind));
  }
  for (const char* kind : {"Job", "CronJob"}) {
    EXPECT_TRUE(has_pod_template("batch", kind));
    EXPECT_FALSE(has_pod_template("apps", kind));
  }
  EXPECT_FALSE(has_pod_template("", "Pod"));
  EXPECT_FALSE(has_pod_template("example.org", "Deployment"));
}

TEST(PodTemplate, IsReadFromAReview) {
  const std::string review =
      R"({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {"uid": "r-1",
        "kind": {"group": "apps", "version": "v1", "kind": "Deployment"},
        "resource": {"group": "apps", "version": "v1", "resource": "deployments"}, "name": "web", "namespace": "demo",
        "operation": "CREATE", "userInfo": {"username": "alice"}, "object": )" +
      deployment() + "}}";
  const auto request = parse_admission_review(as_bytes(review));
  ASSERT_TRUE(request) << to_string(request.error());
  ASSERT_TRUE(request->pod_template);
  EXPECT_EQ(request->pod_template->kind, "Deployment");
  EXPECT_FALSE(request->pod);
  const std::string other = edited(review, R"("group": "apps", "version": "v1", "kind")",
                                   R"("group": "example.org", "version": "v1", "kind")");
  const auto unread = parse_admission_review(as_bytes(other));
  ASSERT_TRUE(unread) << to_string(unread.error());
  EXPECT_FALSE(unread->pod_template);
}

}  // namespace
}  // namespace nodeproof::wire
