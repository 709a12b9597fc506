#include "webhook/sweep.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"
#include "tests/unit/webhook/json_objects.hpp"

namespace nodeproof::webhook {
namespace {

using testing::asks_for;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::JsonObject;
using testing::kNow;

RunningPod running(const std::string& ns, std::map<std::string, std::string> markers, const std::string& node,
                   bool mirror = false) {
  return {{ns, "api", testing::kPodUid, node, std::move(markers)}, mirror};
}

Snapshot cluster() {
  Snapshot out = testing::picture();
  NamespaceMap namespaces = *out.namespaces;
  namespaces["opened"] = {"annotated-pods", {}, BreakGlass{.reason = "x"}};
  out.namespaces = std::make_shared<const NamespaceMap>(std::move(namespaces));
  return out;
}

// "unmet no-tpm confidential", or "proven".
std::string found(const RunningPod& pod, Seconds after = Seconds(0)) {
  static const Snapshot snapshot = cluster();
  const auto list = sweep(std::span(&pod, 1), snapshot, kNow + after);
  if (list.empty()) return "proven";
  return std::string(to_string(list[0].reason)) + " " + list[0].unmet.code +
         (list[0].policy.empty() ? "" : " " + list[0].policy);
}

TEST(Sweep, ListsWhatIsAskedForAndNotProven) {
  const struct {
    const char* what;
    RunningPod pod;
    const char* expected;
  } cases[] = {
      {"on a node that proves it", running("demo", asks_for("confidential"), "cvm-1"), "proven"},
      {"on a node without a TPM", running("demo", asks_for("confidential"), "plain-1"),
       "unmet no-tpm confidential"},
      {"on a node not judged yet", running("demo", asks_for("confidential"), "new-1"),
       "unmet not-verified confidential"},
      {"on a node that is gone", running("demo", asks_for("confidential"), "gone-1"),
       "unmet unknown-node confidential"},
      {"not sensitive", running("demo", {}, "plain-1"), "proven"},
      {"by all-pods", running("vault", {}, "plain-1"), "unmet no-tpm confidential"},
      {"by all-pods, proven", running("vault", {}, "cvm-1"), "proven"},
      {"floor not met, own met", running("strict", asks_for("confidential"), "cvm-1"), "unmet policy genoa"},
      {"a policy that only warns", running("warned", {}, "plain-1"), "proven"},
      {"a policy that is gone", running("demo", asks_for("none"), "cvm-1"), "refused unknown-policy"},
      {"a policy that cannot be used", running("demo", asks_for("broken"), "cvm-1"),
       "refused invalid-policy"},
      {"all-pods without a floor", running("bare", {}, "cvm-1"), "refused no-policy"},
      {"an unknown enforce label", running("odd", {}, "cvm-1"), "refused bad-enforce-label"},
      {"a static pod on a good node", running("vault", {}, "cvm-1", true), "proven"},
      {"a static pod", running("vault", {}, "plain-1", true), "mirror-pod no-tpm confidential"},
      {"a static pod of no policy", running("bare", {}, "plain-1", true), "mirror-pod no-policy"},
      {"break-glass", running("opened", asks_for("confidential"), "plain-1"),
       "break-glass no-tpm confidential"},
      {"break-glass on a good node", running("opened", asks_for("confidential"), "cvm-1"), "proven"},
      {"break-glass, unmarked", running("opened", {}, "plain-1"), "proven"},
      {"marked where nobody acts", running("plain", asks_for("confidential"), "cvm-1"),
       "not-enrolled namespace-not-enrolled"},
      {"marked in an unknown namespace", running("kube-system", asks_for("confidential"), "cvm-1"),
       "not-enrolled namespace-not-enrolled"},
      {"unmarked where nobody acts", running("plain", {}, "plain-1"), "proven"},
  };
  for (const auto& item : cases) EXPECT_EQ(found(item.pod), item.expected) << item.what;
}

TEST(Sweep, NamesEveryPolicyThatIsNotMet) {
  const RunningPod pod = running("strict", asks_for("confidential"), "plain-1");
  const auto list = sweep(std::span(&pod, 1), cluster(), kNow);
  ASSERT_EQ(list.size(), 1U);
  EXPECT_EQ(list[0].uid, testing::kPodUid);
  EXPECT_THAT(list[0].unmet_policies, ElementsAre("genoa", "confidential"));
  EXPECT_EQ(list[0].policy, "genoa");
}

// What no gate was asked about is not at stake: nobody may be evicted for it.
TEST(Sweep, OnlyUnmetPodsPutPoliciesAtStake) {
  const RunningPod pods[] = {running("vault", {}, "plain-1", true),
                             running("opened", asks_for("confidential"), "plain-1"),
                             running("plain", asks_for("confidential"), "plain-1"),
                             running("bare", {}, "plain-1"), running("demo", asks_for("short"), "plain-1")};
  PoliciesAtStake at_stake;
  add_to(at_stake, sweep(pods, cluster(), kNow));
  EXPECT_EQ(at_stake, (PoliciesAtStake{{"plain-1", {"short"}}}));
}

TEST(Sweep, RunningPodsOfANodeAreAskedForByItsName) {
  EXPECT_EQ(
      running_pods_path("aks-1"),
      "/api/v1/"
      "pods?fieldSelector=spec.nodeName%3Daks-1%2Cstatus.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed");
}

TEST(Sweep, AProofThatGrewOldIsNone) {
  const RunningPod pod = running("demo", asks_for("short"), "cvm-1");
  EXPECT_EQ(found(pod), "proven");
  EXPECT_EQ(found(pod, Seconds(60)), "unmet evidence-age short");
  const RunningPod tightened = running("demo", testing::with_age(asks_for("confidential"), "20s"), "cvm-1");
  EXPECT_EQ(found(tightened, Seconds(60)), "unmet evidence-age confidential");
}

TEST(Sweep, CountsByReasonAndNode) {
  const std::vector<RunningPod> pods{running("demo", asks_for("confidential"), "plain-1"),
                                     running("vault", {}, "plain-1", true), running("vault", {}, "new-1"),
                                     running("vault", {}, "cvm-1")};
  UnprovenCounts counts;
  EXPECT_EQ(counts.total(), 0U);
  EXPECT_EQ(counts.by_reason.size(), kUnprovenReasons.size()) << "zeros are told too";
  counts.add(sweep(pods, cluster(), kNow));
  EXPECT_EQ(counts.total(), 3U);
  EXPECT_EQ(counts.by_reason[UnprovenReason::kUnmet], 2U);
  EXPECT_EQ(counts.by_reason[UnprovenReason::kMirrorPod], 1U);
  EXPECT_EQ(counts.by_node["plain-1"], 2U);
  EXPECT_FALSE(counts.by_node.contains("cvm-1"));
}

std::string pod_json(const std::string& name, const std::string& node, const std::string& phase,
                     const std::string& annotations = "{}") {
  return R"({"metadata":{"name":")" + name + R"(","namespace":"demo","annotations":)" + annotations +
         R"(},"spec":{"nodeName":")" + node + R"("},"status":{"phase":")" + phase + R"("}})";
}

TEST(Sweep, APageHoldsWhatRuns) {
  const std::string json =
      R"({"metadata":{"continue":"a/b=="},"items":[)" +
      pod_json("api", "cvm-1", "Running", R"({"nodeproof.dev/policy":"p","other":"x"})") + "," +
      pod_json("static", "cvm-1", "Pending", R"({"kubernetes.io/config.mirror":"h"})") + "," +
      pod_json("waits", "", "Pending") + "," + pod_json("done", "cvm-1", "Succeeded") + "," +
      pod_json("failed", "cvm-1", "Failed") + "," +
      R"({"metadata":{"name":"odd","annotations":{"nodeproof.dev/policy":7}},"spec":{}})" + "]}";
  const JsonObject list(json);
  const auto page = parse_pod_page(list.value());
  ASSERT_TRUE(page) << to_string(page.error());
  EXPECT_EQ(page->next, "a/b==");
  ASSERT_EQ(page->running.size(), 2U);
  EXPECT_EQ(page->running[0].pod.name, "api");
  EXPECT_EQ(page->running[0].pod.markers, asks_for("p"));
  EXPECT_FALSE(page->running[0].mirror);
  EXPECT_TRUE(page->running[1].mirror);
  ASSERT_EQ(page->unreadable.size(), 1U);
  EXPECT_THAT(to_string(page->unreadable[0]), HasSubstr("items[5].metadata.annotations"));
}

TEST(Sweep, APageThatIsNoneIsAnError) {
  for (const char* json :
       {R"({"items":[]})", R"({"metadata":{"continue":1}})", R"({"metadata":{},"items":7})"}) {
    const JsonObject list(json);
    EXPECT_FALSE(parse_pod_page(list.value())) << json;
  }
  const JsonObject empty(R"({"metadata":{},"items":null})");
  ASSERT_TRUE(parse_pod_page(empty.value()));
  EXPECT_EQ(parse_pod_page(empty.value())->next, "");
}

}  // namespace
}  // namespace nodeproof::webhook
