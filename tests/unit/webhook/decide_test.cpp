#include "webhook/decide.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"
#include "webhook/messages.hpp"

namespace nodeproof::webhook {
namespace {

using testing::asks_for;
using testing::binding_request;
using testing::create_request;
using testing::decide_now;
using testing::kNow;
using testing::picture;
using testing::pod;
using testing::summary;
using testing::update_request;
using testing::with_age;

using Annotations = std::map<std::string, std::string>;

// "allowed reason" or "denied reason" of a row, with the rule that decided.
struct Row {
  std::string name;
  wire::AdmissionRequest request;
  PodLookup lookup;
  std::string want;
};

std::vector<Row> pod_rows() {
  wire::AdmissionRequest no_name = create_request(pod("demo", asks_for("confidential"), "plain-1"));
  no_name.name.clear();
  no_name.pod->meta.name.clear();
  return {
      {"create", create_request(pod("demo", asks_for("confidential"))), {}, "pod-create allowed valid"},
      {"create_unmarked",
       create_request(pod("demo", {{"other", "x"}})),
       {},
       "pod-create allowed not-sensitive"},
      {"create_unmarked_all_pods", create_request(pod("vault", {})), {}, "pod-create allowed valid"},
      {"create_all_pods_without_floor", create_request(pod("bare", {})), {}, "pod-create denied no-policy"},
      {"create_age_alone_without_floor",
       create_request(pod("demo", with_age({}, "5m"))),
       {},
       "pod-create denied no-policy"},
      {"create_age_alone_with_floor",
       create_request(pod("strict", with_age({}, "5m"))),
       {},
       "pod-create allowed valid"},
      {"create_unknown_policy",
       create_request(pod("demo", asks_for("nope"))),
       {},
       "pod-create denied unknown-policy"},
      {"create_empty_policy",
       create_request(pod("demo", asks_for(""))),
       {},
       "pod-create denied unknown-policy"},
      {"create_invalid_policy",
       create_request(pod("demo", asks_for("broken"))),
       {},
       "pod-create denied invalid-policy"},
      {"create_bad_age",
       create_request(pod("demo", with_age(asks_for("confidential"), "soon"))),
       {},
       "pod-create denied bad-annotation"},
      {"create_zero_age",
       create_request(pod("demo", with_age(asks_for("confidential"), "0s"))),
       {},
       "pod-create denied bad-annotation"},
      {"create_misspelt",
       create_request(pod("demo", {{"nodeproof.dev/polcy", "confidential"}})),
       {},
       "pod-create denied bad-annotation"},
      {"create_in_plain_namespace",
       create_request(pod("plain", asks_for("confidential"))),
       {},
       "pod-create denied namespace-not-enrolled"},
      {"create_in_unknown_namespace",
       create_request(pod("nowhere", {})),
       {},
       "pod-create denied namespace-not-enrolled"},
      {"create_with_odd_label", create_request(pod("odd", {})), {}, "pod-create denied bad-enforce-label"},

      {"on_node",
       create_request(pod("demo", asks_for("confidential"), "cvm-1")),
       {},
       "pod-on-node allowed met"},
      {"on_node_unmarked",
       create_request(pod("demo", {}, "plain-1")),
       {},
       "pod-on-node allowed not-sensitive"},
      {"on_plain_node",
       create_request(pod("demo", asks_for("confidential"), "plain-1")),
       {},
       "pod-on-node denied no-tpm"},
      {"on_plain_node_all_pods",
       create_request(pod("vault", {}, "plain-1")),
       {},
       "pod-on-node denied no-tpm"},
      {"on_unknown_node",
       create_request(pod("demo", asks_for("confidential"), "ghost")),
       {},
       "pod-on-node denied unknown-node"},
      {"on_new_node",
       create_request(pod("demo", asks_for("confidential"), "new-1")),
       {},
       "pod-on-node denied not-verified"},
      {"on_node_floor_not_met",
       create_request(pod("strict", asks_for("confidential"), "cvm-1")),
       {},
       "pod-on-node denied policy"},
      {"on_node_own_not_met",
       create_request(pod("vault", asks_for("genoa"), "cvm-1")),
       {},
       "pod-on-node denied policy"},
      {"on_node_warn",
       create_request(pod("demo", asks_for("warn"), "cvm-1")),
       {},
       "pod-on-node allowed policy"},
      {"on_node_dry_run",
       create_request(pod("demo", asks_for("dry-run"), "plain-1")),
       {},
       "pod-on-node allowed no-tpm"},
      {"on_node_warn_floor_own_denies",
       create_request(pod("warned", asks_for("genoa"), "cvm-1")),
       {},
       "pod-on-node denied policy"},
      {"without_a_name", no_name, {}, "pod-on-node denied no-tpm"},
  };
}

std::vector<Row> update_rows() {
  const wire::Pod marked = pod("demo", with_age(asks_for("confidential"), "5m"));
  const wire::Pod bound = pod("demo", with_age(asks_for("confidential"), "5m"), "cvm-1");
  const wire::Pod bound_plain = pod("demo", {}, "plain-1");
  const auto change = [](wire::Pod of, Annotations to) {
    of.meta.annotations = std::move(to);
    return of;
  };
  return {
      {"update_nothing", update_request(marked, marked), {}, "pod-update allowed unchanged"},
      {"update_other_annotation",
       update_request(pod("demo", asks_for("confidential")),
                      pod("demo", {{std::string(wire::kPolicyAnnotation), "confidential"}, {"x", "y"}})),
       {},
       "pod-update allowed unchanged"},
      {"update_nothing_on_lost_node",
       update_request(bound_plain, bound_plain),
       {},
       "pod-update allowed unchanged"},
      {"update_removes_policy",
       update_request(marked, change(marked, with_age({}, "5m"))),
       {},
       "pod-update denied marker-loosened"},
      {"update_removes_all",
       update_request(marked, change(marked, {})),
       {},
       "pod-update denied marker-loosened"},
      {"status_removes_all",
       update_request(bound, change(bound, {}), "status"),
       {},
       "pod-update denied marker-loosened"},
      {"update_removes_age",
       update_request(marked, change(marked, asks_for("confidential"))),
       {},
       "pod-update denied marker-loosened"},
      {"update_raises_age",
       update_request(marked, change(marked, with_age(asks_for("confidential"), "6m"))),
       {},
       "pod-update denied marker-loosened"},
      {"update_swaps_policy",
       update_request(marked, change(marked, with_age(asks_for("short"), "5m"))),
       {},
       "pod-update denied marker-loosened"},
      {"update_lowers_age",
       update_request(marked, change(marked, with_age(asks_for("confidential"), "1m"))),
       {},
       "pod-update allowed valid"},
      {"update_lowers_age_bound",
       update_request(bound, change(bound, with_age(asks_for("confidential"), "1m"))),
       {},
       "pod-update allowed met"},
      {"update_breaks_age",
       update_request(marked, change(marked, with_age(asks_for("confidential"), "x"))),
       {},
       "pod-update denied bad-annotation"},
      {"update_adds_unbound", update_request(pod("demo", {}), marked), {}, "pod-update allowed valid"},
      {"update_adds_bound",
       update_request(bound_plain, change(bound_plain, asks_for("confidential"))),
       {},
       "pod-update denied no-tpm"},
      {"status_adds_bound",
       update_request(bound_plain, change(bound_plain, asks_for("confidential")), "status"),
       {},
       "pod-update denied no-tpm"},
      {"ephemeral",
       update_request(bound, bound, "ephemeralcontainers"),
       {},
       "ephemeral-containers allowed met"},
      {"ephemeral_on_plain_node",
       update_request(change(bound_plain, asks_for("confidential")), bound_plain, "ephemeralcontainers"),
       {},
       "ephemeral-containers denied no-tpm"},
      {"ephemeral_unmarked",
       update_request(bound_plain, bound_plain, "ephemeralcontainers"),
       {},
       "ephemeral-containers allowed not-sensitive"},
      {"ephemeral_not_bound",
       update_request(marked, marked, "ephemeralcontainers"),
       {},
       "ephemeral-containers allowed valid"},
  };
}

std::vector<Row> binding_rows() {
  const PodEntry marked = entry_of(pod("demo", asks_for("confidential")));
  const PodEntry unmarked = entry_of(pod("demo", {}));
  wire::AdmissionRequest legacy = binding_request("demo", "cvm-1");
  legacy.resource = "bindings";
  legacy.sub_resource.clear();
  legacy.binding->meta.uid.clear();
  wire::AdmissionRequest legacy_plain = legacy;
  legacy_plain.binding->target_name = "plain-1";
  const auto edited = [](const std::function<void(wire::Binding&)>& edit) {
    wire::AdmissionRequest out = binding_request("demo", "cvm-1");
    edit(*out.binding);
    return out;
  };
  PodEntry other = marked;
  other.uid = testing::kOtherUuid;
  PodEntry other_name = marked;
  other_name.name = "innocent";
  return {
      {"binding", binding_request("demo", "cvm-1"), marked, "binding allowed met"},
      {"binding_unmarked", binding_request("demo", "plain-1"), unmarked, "binding allowed not-sensitive"},
      {"binding_plain_node", binding_request("demo", "plain-1"), marked, "binding denied no-tpm"},
      {"binding_unknown_node", binding_request("demo", "ghost"), marked, "binding denied unknown-node"},
      {"binding_all_pods", binding_request("vault", "plain-1"), entry_of(pod("vault", {})),
       "binding denied no-tpm"},
      {"binding_policy_gone", binding_request("demo", "cvm-1"), entry_of(pod("demo", asks_for("gone"))),
       "binding denied unknown-policy"},
      {"binding_plain_namespace", binding_request("plain", "cvm-1"), entry_of(pod("plain", {})),
       "binding denied namespace-not-enrolled"},
      {"binding_warn", binding_request("demo", "plain-1"), entry_of(pod("demo", asks_for("warn"))),
       "binding allowed no-tpm"},
      {"legacy", legacy, marked, "binding allowed met"},
      {"legacy_plain_node", legacy_plain, marked, "binding denied no-tpm"},
      {"binding_without_uid", edited([](wire::Binding& b) { b.meta.uid.clear(); }), marked,
       "binding allowed met"},
      {"binding_without_kind", edited([](wire::Binding& b) { b.target_kind.clear(); }), marked,
       "binding allowed met"},
      {"binding_other_kind", edited([](wire::Binding& b) { b.target_kind = "Pod"; }), marked,
       "binding denied binding-target"},
      {"binding_no_target", edited([](wire::Binding& b) { b.target_name.clear(); }), unmarked,
       "binding denied binding-target"},
      {"binding_other_name", edited([](wire::Binding& b) { b.meta.name = "other"; }), unmarked,
       "binding denied binding-target"},
      {"binding_our_annotation",
       edited([](wire::Binding& b) { b.meta.annotations["nodeproof.dev/policy"] = "x"; }), unmarked,
       "binding denied binding-keys"},
      {"binding_our_label", edited([](wire::Binding& b) { b.meta.labels["nodeproof.dev/x"] = ""; }), unmarked,
       "binding denied binding-keys"},
      {"binding_zone_label",
       edited([](wire::Binding& b) { b.meta.labels["topology.kubernetes.io/zone"] = "1"; }), marked,
       "binding allowed met"},
      {"binding_pod_gone", binding_request("demo", "plain-1"), PodAbsent{}, "binding allowed no-such-pod"},
      {"binding_other_uid", binding_request("demo", "cvm-1"), other, "binding denied other-pod"},
      {"binding_uid_of_another_name", binding_request("demo", "cvm-1"), other_name,
       "binding denied other-pod"},
      {"binding_pod_unavailable", binding_request("demo", "cvm-1"), PodUnavailable{"timeout"},
       "binding denied pod-unavailable"},
  };
}

std::vector<Row> odd_rows() {
  const wire::Pod marked = pod("demo", asks_for("confidential"), "cvm-1");
  const auto edited = [&](const std::function<void(wire::AdmissionRequest&)>& edit) {
    wire::AdmissionRequest out = create_request(marked);
    edit(out);
    return out;
  };
  wire::Pod mirror = pod("vault", {{std::string(wire::kMirrorAnnotation), "x"}}, "plain-1");
  wire::AdmissionRequest by_node = create_request(mirror);
  by_node.user = {"system:node:plain-1", {"system:nodes", "system:authenticated"}};
  wire::AdmissionRequest by_other = by_node;
  by_other.user.username = "system:node:cvm-1";
  wire::AdmissionRequest no_group = by_node;
  no_group.user.groups = {"system:authenticated"};
  wire::AdmissionRequest not_bound = by_node;
  not_bound.pod->node_name.clear();
  not_bound.user.username = "system:node:";
  wire::AdmissionRequest no_annotation = by_node;
  no_annotation.pod->meta.annotations.clear();
  return {
      {"mirror", by_node, {}, "mirror-pod allowed mirror-pod"},
      {"mirror_by_other_node", by_other, {}, "pod-on-node denied no-tpm"},
      {"mirror_by_user", create_request(mirror), {}, "pod-on-node denied no-tpm"},
      {"mirror_without_group", no_group, {}, "pod-on-node denied no-tpm"},
      {"mirror_not_bound", not_bound, {}, "pod-create allowed valid"},
      {"mirror_without_annotation", no_annotation, {}, "pod-on-node denied no-tpm"},
      {"delete", edited([](auto& r) { r.operation = "DELETE"; }), {}, "unknown denied not-understood"},
      {"connect",
       edited([](auto& r) {
         r.operation = "CONNECT";
         r.sub_resource = "exec";
       }),
       {},
       "unknown denied not-understood"},
      {"other_sub_resource",
       edited([](auto& r) { r.sub_resource = "eviction"; }),
       {},
       "unknown denied not-understood"},
      {"other_resource", edited([](auto& r) { r.resource = "nodes"; }), {}, "unknown denied not-understood"},
      {"no_object", edited([](auto& r) { r.pod.reset(); }), {}, "unknown denied not-understood"},
      {"update_without_old",
       edited([](auto& r) { r.operation = "UPDATE"; }),
       {},
       "unknown denied not-understood"},
      {"binding_without_object",
       edited([](auto& r) {
         r.sub_resource = "binding";
         r.pod.reset();
       }),
       {},
       "unknown denied not-understood"},
      {"resize",
       edited([](auto& r) {
         r.operation = "UPDATE";
         r.sub_resource = "resize";
         r.old_pod = r.pod;
       }),
       {},
       "unknown denied not-understood"},
  };
}

std::vector<Row> all_rows() {
  std::vector<Row> out;
  for (auto rows : {pod_rows(), update_rows(), binding_rows(), odd_rows()}) {
    out.insert(out.end(), rows.begin(), rows.end());
  }
  return out;
}

class Decide : public ::testing::TestWithParam<Row> {};

TEST_P(Decide, FollowsTheRules) {
  const AdmissionDecision decision = decide_now(GetParam().request, GetParam().lookup);
  EXPECT_EQ(summary(decision), GetParam().want) << decision.message;
  EXPECT_EQ(decision.message.empty(), decision.allowed);
  EXPECT_LE(decision.message.size(), kMaxMessage);
  EXPECT_EQ(decision.audit.contains("denied"), !decision.allowed);
  EXPECT_EQ(needs_pod(GetParam().request), decision.rule == Rule::kBinding);
}

TEST_P(Decide, DeniesEverythingWhileStarting) {
  Snapshot snapshot = picture();
  snapshot.complete = false;
  const AdmissionDecision decision =
      decide(GetParam().request, snapshot, GetParam().lookup, kNow, std::nullopt);
  EXPECT_FALSE(decision.allowed);
  EXPECT_EQ(decision.reason, "starting");
}

// Whatever was decided by what a node proves is refused instead; what needs no proof is decided as ever.
TEST_P(Decide, RefusesSensitivePodsFromAnUnfitView) {
  const AdmissionDecision fit = decide_now(GetParam().request, GetParam().lookup);
  const bool by_proof = fit.reason == "met" || fit.reason == "valid" || fit.audit.contains("policy-unmet");
  const Refusal unfit{"view-too-old", "nothing was heard of nodes for 31s, the limit is 30s", "see the log"};
  const AdmissionDecision decision = decide(GetParam().request, picture(), GetParam().lookup, kNow, unfit);
  EXPECT_EQ(decision.allowed, fit.allowed && !by_proof);
  EXPECT_EQ(decision.reason, by_proof ? unfit.reason : fit.reason);
  if (!by_proof) return;
  EXPECT_THAT(decision.message, ::testing::HasSubstr(unfit.what + "; remedy: " + unfit.remedy));
  EXPECT_EQ(decision.audit.at("denied"), unfit.reason);
}

INSTANTIATE_TEST_SUITE_P(All, Decide, ::testing::ValuesIn(all_rows()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace nodeproof::webhook
