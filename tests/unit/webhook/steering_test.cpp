#include "webhook/steering.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"

namespace nodeproof::webhook {
namespace {

using testing::asks_for;
using testing::create_request;
using testing::pod;
using testing::update_request;
using testing::with_age;

const std::string kMetConfidential = "policy.nodeproof.node-restriction.kubernetes.io/confidential";
const std::string kMetGenoa = "policy.nodeproof.node-restriction.kubernetes.io/genoa";

// The usual picture, and policies that steer by a pool, by two labels, and not at all.
Snapshot steered_picture() {
  Snapshot out = testing::picture();
  PolicyMap policies = *out.policies;
  const auto add = [&policies](const std::string& name, attest::PlacementPolicy placement) {
    attest::AppraisalPolicy item = testing::policy(name);
    item.placement = std::move(placement);
    policies.emplace(name, item);
  };
  add("pool", {true, {{"agentpool", "cvm"}}});
  add("pools", {false, {{"agentpool", "other"}, {"example.com/zone", "1"}}});
  add("nowhere", {false, {}});
  attest::AppraisalPolicy warn = testing::policy("warn-pool");
  warn.enforcement_action = attest::EnforcementAction::kWarn;
  warn.placement.node_selector = {{"agentpool", "cvm"}};
  policies.emplace(warn.name, warn);
  out.policies = std::make_shared<const PolicyMap>(std::move(policies));
  NamespaceMap namespaces = *out.namespaces;
  namespaces["pooled"] = {"annotated-pods", "pool"};
  out.namespaces = std::make_shared<const NamespaceMap>(std::move(namespaces));
  return out;
}

Steering steer_now(const wire::AdmissionRequest& request) {
  static const Snapshot snapshot = steered_picture();
  return steer(request, snapshot);
}

struct Row {
  std::string name;
  wire::Pod pod;
  NodeSelector added;
  std::string reason;
};

wire::Pod selecting(wire::Pod of, NodeSelector selector) {
  of.node_selector = std::move(selector);
  return of;
}

std::vector<Row> rows() {
  return {
      {"annotated", pod("demo", asks_for("confidential")), {{kMetConfidential, "met"}}, "steered"},
      {"unmarked", pod("demo", {{"other", "x"}}), {}, "not-sensitive"},
      {"all_pods", pod("vault", {}), {{kMetConfidential, "met"}}, "steered"},
      {"floor_and_own",
       pod("vault", asks_for("genoa")),
       {{kMetConfidential, "met"}, {kMetGenoa, "met"}},
       "steered"},
      {"age_alone_under_a_floor", pod("strict", with_age({}, "5m")), {{kMetGenoa, "met"}}, "steered"},
      {"with_a_node_name",
       pod("demo", asks_for("confidential"), "cvm-1"),
       {{kMetConfidential, "met"}},
       "steered"},
      {"warn", pod("demo", asks_for("warn")), {}, "unchanged"},
      {"dry_run", pod("demo", asks_for("dry-run")), {}, "unchanged"},
      {"warn_with_a_pool", pod("demo", asks_for("warn-pool")), {}, "unchanged"},
      {"warn_floor_and_own", pod("warned", asks_for("genoa")), {{kMetGenoa, "met"}}, "steered"},
      {"pool", pod("demo", asks_for("pool")), {{"agentpool", "cvm"}}, "steered"},
      {"pools",
       pod("demo", asks_for("pools")),
       {{"agentpool", "other"}, {"example.com/zone", "1"}},
       "steered"},
      // Both cannot be had; the floor's comes first, and the ValidatingAdmissionPolicy refuses the pod.
      {"pool_of_the_floor_first",
       pod("pooled", asks_for("pools")),
       {{"agentpool", "cvm"}, {"example.com/zone", "1"}},
       "steered"},
      {"nowhere", pod("demo", asks_for("nowhere")), {}, "unchanged"},
      {"keeps_others",
       selecting(pod("demo", asks_for("confidential")), {{"disk", "ssd"}}),
       {{kMetConfidential, "met"}},
       "steered"},
      {"empty_selector",
       selecting(pod("demo", asks_for("confidential")), {}),
       {{kMetConfidential, "met"}},
       "steered"},
      {"has_it_already",
       selecting(pod("demo", asks_for("confidential")), {{kMetConfidential, "met"}}),
       {},
       "unchanged"},
      {"never_overwrites",
       selecting(pod("demo", asks_for("confidential")), {{kMetConfidential, "unmet"}}),
       {},
       "unchanged"},
  };
}

TEST(Steering, Table) {
  for (const Row& row : rows()) {
    const Steering steering = steer_now(create_request(row.pod));
    EXPECT_TRUE(steering.decision.allowed) << row.name << ": " << steering.decision.message;
    EXPECT_EQ(steering.decision.reason, row.reason) << row.name;
    EXPECT_EQ(steering.added, row.added) << row.name;
    EXPECT_EQ(to_string(steering.decision.rule), "steering");
  }
}

// What was added is asked for again by nobody, and what the pod asked for before it still asks for.
TEST(Steering, IsIdempotentAndWidensNothing) {
  for (const Row& row : rows()) {
    wire::Pod steered = row.pod;
    NodeSelector all = row.pod.node_selector.value_or(NodeSelector());
    const Steering first = steer_now(create_request(row.pod));
    for (const auto& [key, value] : first.added) EXPECT_TRUE(all.emplace(key, value).second) << row.name;
    steered.node_selector = all;
    EXPECT_TRUE(steer_now(create_request(steered)).added.empty()) << row.name;
  }
}

TEST(Steering, RefusesInTheWordsOfTheGate) {
  static const Snapshot snapshot = steered_picture();
  const wire::Pod cases[] = {pod("demo", asks_for("nope")),
                             pod("demo", asks_for("broken")),
                             pod("demo", with_age({}, "soon")),
                             pod("demo", {{"nodeproof.dev/polcy", "x"}}),
                             pod("bare", {}),
                             pod("odd", {}),
                             pod("plain", asks_for("pool")),
                             pod("nowhere", {})};
  for (const wire::Pod& item : cases) {
    const auto request = create_request(item);
    const Steering steering = steer(request, snapshot);
    const AdmissionDecision gate = decide(request, snapshot, PodAbsent{}, testing::kNow, std::nullopt);
    EXPECT_FALSE(steering.decision.allowed) << item.meta.ns;
    EXPECT_TRUE(steering.added.empty());
    EXPECT_EQ(steering.decision.message, gate.message);
    EXPECT_EQ(steering.decision.reason, gate.reason);
    EXPECT_EQ(steering.decision.audit.at("denied"), gate.reason);
  }
}

TEST(Steering, KnowsNothingBeforeTheSnapshotIsComplete) {
  Snapshot starting = steered_picture();
  starting.complete = false;
  const Steering steering = steer(create_request(pod("demo", asks_for("confidential"))), starting);
  EXPECT_FALSE(steering.decision.allowed);
  EXPECT_EQ(steering.decision.reason, "starting");
}

TEST(Steering, LeavesMirrorPodsAloneAndOnlyThem) {
  wire::AdmissionRequest mirror = create_request(pod(
      "demo",
      {{std::string(wire::kMirrorAnnotation), "x"}, {std::string(wire::kPolicyAnnotation), "confidential"}},
      "cvm-1"));
  EXPECT_EQ(steer_now(mirror).added.size(), 1U) << "of a user";
  mirror.user = {"system:node:cvm-1", {"system:nodes"}};
  EXPECT_EQ(steer_now(mirror).decision.reason, "mirror-pod");
  EXPECT_TRUE(steer_now(mirror).added.empty());
}

TEST(Steering, TouchesNothingButPodsThatAreCreated) {
  const wire::Pod marked = pod("demo", asks_for("confidential"));
  wire::AdmissionRequest ephemeral = update_request(marked, marked, "ephemeralcontainers");
  for (const auto& request :
       {update_request(marked, marked), ephemeral, testing::binding_request("demo", "cvm-1")}) {
    const Steering steering = steer_now(request);
    EXPECT_TRUE(steering.decision.allowed);
    EXPECT_TRUE(steering.added.empty());
    EXPECT_EQ(steering.decision.reason, "not-understood");
  }
}

}  // namespace
}  // namespace nodeproof::webhook
