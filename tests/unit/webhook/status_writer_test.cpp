#include "webhook/status_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/captured_log.hpp"
#include "tests/unit/webhook/cluster_picture.hpp"
#include "tests/unit/webhook/fake_cluster_api.hpp"
#include "tests/unit/webhook/json_objects.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNow;
using testing::kOtherUuid;

const std::string kNa = wire::kNodeAttestationsPath;
constexpr Seconds kHeartbeat{10};  // half of the shortest maxEvidenceAge of the picture

class Writer : public ::testing::Test {
 protected:
  Writer() {
    snapshot_ = testing::picture();
    keep_only({"cvm-1", "plain-1"});
    testing::replace(objects_.handler(), {});
  }

  void keep_only(const std::set<std::string>& names) {
    NodeMap kept;
    for (const NodeMap::Entry& node : *snapshot_.nodes) {
      if (names.contains(node->name)) kept.put(node);
    }
    snapshot_.nodes = std::make_shared<const NodeMap>(std::move(kept));
  }
  void edit_nodes(const std::function<void(NodeMap&)>& edit) {
    NodeMap nodes = *snapshot_.nodes;
    edit(nodes);
    snapshot_.nodes = std::make_shared<const NodeMap>(std::move(nodes));
  }
  // As the watches of nodes and NodeAttestations would tell after a pass.
  void settle() {
    settle_labels();
    for (const auto& [path, json] : api_.objects) testing::update(objects_.handler(), json);
  }
  void settle_labels() {
    edit_nodes([this](NodeMap& nodes) {
      for (const NodeMap::Entry& node : *snapshot_.nodes) {
        if (node->trust)
          nodes.put(testing::entry(node->name, node->uid(), node->trust,
                                   labels_of(status_of(*node, snapshot_, kNow))));
      }
    });
  }
  // What was written, without bodies.
  std::vector<std::string> pass(Seconds after = Seconds(0)) {
    api_.calls.clear();
    writer_.pass(snapshot_, kNow + after, [this] { return leading_; });
    std::vector<std::string> out;
    for (const auto& [call, body] : api_.calls) out.push_back(call);
    return out;
  }

  // The Events that were written, as reasons.
  std::vector<std::string> events() {
    testing::FakeClusterApi& api = event_api_;
    api.calls.clear();
    events_.write();
    std::vector<std::string> out;
    for (const auto& [call, body] : api.calls)
      out.push_back(web::json::value::parse(body).at("reason").as_string());
    return out;
  }
  void set_trust(const std::string& name, std::shared_ptr<const NodeTrust> trust) {
    edit_nodes([&](NodeMap& nodes) {
      nodes.put(testing::entry(name, nodes.at(name).uid(), std::move(trust), *nodes.at(name).labels));
    });
  }
  static std::shared_ptr<const NodeTrust> failed_trust() {
    return testing::trust_without([](testing::Scene& s) { (*s.quote)->signature.back() ^= 1; });
  }

  testing::FakeClusterApi api_;
  testing::FakeClusterApi event_api_;
  EventWriter events_{event_api_, EventsAbout::kNodes};
  NodeAttestations objects_;
  StatusWriter writer_{api_, events_, objects_};
  Snapshot snapshot_;
  bool leading_ = true;
};

TEST_F(Writer, WritesAllOnceAndThenNothing) {
  EXPECT_THAT(pass(), ElementsAre("patch /api/v1/nodes/cvm-1", "create " + kNa,
                                  "patch " + kNa + "/cvm-1/status", "patch /api/v1/nodes/plain-1",
                                  "create " + kNa, "patch " + kNa + "/plain-1/status"));
  settle();
  EXPECT_THAT(pass(), IsEmpty());
  EXPECT_THAT(pass(kHeartbeat - Seconds(1)), IsEmpty());
}

TEST_F(Writer, TellsOfUnprovenPodsWhenTheirNumberChanges) {
  pass();
  settle();
  UnprovenCounts counts;
  const auto pass_with = [&] {
    api_.calls.clear();
    writer_.pass(
        snapshot_, kNow, [] { return true; }, &counts);
    std::vector<std::string> out;
    for (const auto& [call, body] : api_.calls) out.push_back(call);
    return out;
  };
  EXPECT_THAT(pass_with(), ElementsAre("patch " + kNa + "/cvm-1/status", "patch " + kNa + "/plain-1/status"))
      << "now it is known that there are none";
  EXPECT_THAT(pass_with(), IsEmpty());
  counts.by_node["plain-1"] = 2;
  EXPECT_THAT(pass_with(), ElementsAre("patch " + kNa + "/plain-1/status"));
  EXPECT_THAT(api_.calls.back().second, HasSubstr("2 sensitive pods run here without proof"));
  EXPECT_THAT(pass_with(), IsEmpty());
}

TEST_F(Writer, GivesASignOfLifeEveryHalfOfTheShortestAge) {
  pass();
  settle();
  EXPECT_THAT(pass(kHeartbeat),
              ElementsAre("patch " + kNa + "/cvm-1/status", "patch " + kNa + "/plain-1/status"));
  EXPECT_THAT(pass(kHeartbeat + Seconds(1)), IsEmpty());
}

TEST_F(Writer, WritesANodeThatChanged) {
  pass();
  settle();
  set_trust("cvm-1", failed_trust());
  EXPECT_THAT(pass(Seconds(1)), ElementsAre("patch /api/v1/nodes/cvm-1", "patch " + kNa + "/cvm-1/status"));
  EXPECT_THAT(api_.calls[0].second, HasSubstr("\"failed\""));
  EXPECT_THAT(api_.calls[0].second, HasSubstr(testing::kNodeUid));
  EXPECT_THAT(api_.calls[1].second, HasSubstr("quote-signature"));
}

TEST_F(Writer, LeavesTheObjectOfAGoneNodeToGarbageCollection) {
  testing::update(objects_.handler(),
                  wire::new_node_attestation("cvm-1", "77777777-7777-4777-8777-777777777777"));
  testing::update(objects_.handler(), wire::new_node_attestation("gone-1", kOtherUuid));
  keep_only({"cvm-1"});
  EXPECT_THAT(pass(), ElementsAre("patch /api/v1/nodes/cvm-1"));
  settle_labels();
  testing::remove(objects_.handler(),
                  wire::new_node_attestation("cvm-1", "77777777-7777-4777-8777-777777777777"));
  EXPECT_THAT(pass(), ElementsAre("create " + kNa, "patch " + kNa + "/cvm-1/status"));
}

// A Node that cannot be read for a while counts as gone, too.
TEST_F(Writer, ForgetsWhatItWroteOfANodeThatIsGone) {
  pass();
  settle();
  const auto snapshot = std::exchange(snapshot_, Snapshot(snapshot_));
  keep_only({"plain-1"});
  EXPECT_THAT(pass(), IsEmpty());
  snapshot_ = snapshot;
  EXPECT_THAT(pass(), ElementsAre("patch " + kNa + "/cvm-1/status"));
}

TEST_F(Writer, MakesADeletedObjectAnew) {
  pass();
  settle();
  testing::remove(objects_.handler(), wire::new_node_attestation("cvm-1", testing::kNodeUid));
  api_.objects.erase(kNa + "/cvm-1");
  EXPECT_THAT(pass(), ElementsAre("create " + kNa, "patch " + kNa + "/cvm-1/status"));
}

TEST_F(Writer, TouchesNoNodeThatIsNotJudged) {
  keep_only({});
  edit_nodes([](NodeMap& nodes) { nodes.put(testing::entry("new-1", kOtherUuid, nullptr, {{"x", "y"}})); });
  EXPECT_THAT(pass(), IsEmpty());
}

TEST_F(Writer, WritesNothingWithoutTheLead) {
  leading_ = false;
  EXPECT_THAT(pass(), IsEmpty());
}

TEST_F(Writer, StopsInTheMiddleWhenTheLeadIsLost) {
  api_.before = [this](const std::string& call) {
    if (call == "patch " + kNa + "/cvm-1/status") leading_ = false;
  };
  EXPECT_EQ(pass().size(), 3U);
}

TEST_F(Writer, WritesAllAgainAfterTheLeadWasRegained) {
  pass();
  settle();
  writer_.forget();
  EXPECT_THAT(pass(), ElementsAre("patch " + kNa + "/cvm-1/status", "patch " + kNa + "/plain-1/status"));
}

TEST_F(Writer, ARefusedLabelHoldsUpNeitherTheStatusNorOtherNodes) {
  api_.before = [](const std::string& call) {
    if (call.ends_with("nodes/cvm-1")) throw kube::ApiError(422, "Invalid", "uid");
  };
  const auto calls = pass();
  EXPECT_EQ(calls.size(), 5U);
  EXPECT_THAT(calls, ::testing::Contains("patch " + kNa + "/cvm-1/status"));
  EXPECT_THAT(calls, ::testing::Contains("patch " + kNa + "/plain-1/status"));
  api_.before = [](const std::string&) { throw kube::ApiError(0, "Unreachable", "no answer"); };
  EXPECT_THAT(pass(), IsEmpty());
}

// A webhook that starts anew knows nothing of what was written, and a view that is not complete is not
// reported from at all (readiness_test, NotReady): what stands on the Nodes stays.
TEST_F(Writer, ARestartStripsNothing) {
  pass();
  settle();
  NodeAttestations theirs;
  testing::replace(theirs.handler(), {});
  for (const auto& [path, json] : api_.objects) testing::update(theirs.handler(), json);
  StatusWriter anew(api_, events_, theirs);
  edit_nodes([](NodeMap& nodes) {
    nodes.put(testing::entry("cvm-1", testing::kNodeUid, nullptr, *nodes.at("cvm-1").labels));
  });
  api_.calls.clear();
  anew.pass(snapshot_, kNow, [] { return true; });
  for (const auto& [call, body] : api_.calls) {
    EXPECT_EQ(call, "patch " + kNa + "/plain-1/status") << "cvm-1 is not judged yet; labels stand";
  }
}

TEST_F(Writer, TellsOfAChangeOfPhaseOnce) {
  pass();
  EXPECT_THAT(events(), ElementsAre("AttestationVerified", "AttestationUnsupported"));
  settle();
  pass(Seconds(1));
  EXPECT_THAT(events(), IsEmpty());
  set_trust("cvm-1", failed_trust());
  pass(Seconds(2));
  EXPECT_THAT(events(), ElementsAre("AttestationFailed"));
  settle();
  pass(Seconds(3));
  EXPECT_THAT(events(), IsEmpty());
  EXPECT_THAT(pass(Seconds(2) + kHeartbeat),
              ElementsAre("patch " + kNa + "/cvm-1/status", "patch " + kNa + "/plain-1/status"));
  EXPECT_THAT(events(), IsEmpty()) << "a sign of life is no change";
}

TEST_F(Writer, ASuccessorTellsOnlyWhatChangedSince) {
  pass();
  settle();
  events();
  EventWriter others(event_api_, EventsAbout::kNodes);
  NodeAttestations theirs;
  testing::replace(theirs.handler(), {});
  for (const auto& [path, json] : api_.objects) testing::update(theirs.handler(), json);
  StatusWriter successor(api_, others, theirs);
  set_trust("cvm-1", failed_trust());
  event_api_.calls.clear();
  successor.pass(snapshot_, kNow + Seconds(1), [] { return true; });
  others.write();
  ASSERT_EQ(event_api_.calls.size(), 1U);
  EXPECT_THAT(event_api_.calls[0].second, HasSubstr("was Verified, is Failed (quote-signature)"));
}

TEST_F(Writer, ConditionsKeepTheirTimeAcrossASuccession) {
  pass();
  settle();
  NodeAttestations theirs;
  testing::replace(theirs.handler(), {});
  for (const auto& [path, json] : api_.objects) testing::update(theirs.handler(), json);
  StatusWriter successor(api_, events_, theirs);
  api_.calls.clear();
  successor.pass(snapshot_, kNow + Seconds(5), [] { return true; });
  ASSERT_FALSE(api_.calls.empty());
  EXPECT_THAT(api_.calls[0].second, HasSubstr("\"lastTransitionTime\":\"" + to_rfc3339(kNow) + "\""));
}

// A leader that was stopped in the middle of a write, and went on after it had lost the lead.
TEST_F(Writer, AStatusThatALateLeaderWroteIsPutRight) {
  pass();
  settle();
  auto late = web::json::value::parse(api_.objects.at(kNa + "/cvm-1"));
  late["status"]["phase"] = web::json::value::string("Pending");
  testing::update(objects_.handler(), late.serialize());
  EXPECT_THAT(pass(Seconds(1)), ElementsAre("patch " + kNa + "/cvm-1/status"));
  EXPECT_THAT(pass(Seconds(2)), IsEmpty()) << "the watch has not told of it yet";
}

TEST_F(Writer, AConflictIsTriedAgain) {
  int conflicts = 1;
  api_.before = [&](const std::string& call) {
    if (call.ends_with("nodes/cvm-1") && conflicts-- > 0) throw kube::ApiError(409, "Conflict", "busy");
  };
  EXPECT_EQ(pass().size(), 6U);
  EXPECT_EQ(conflicts, -1);
}

TEST_F(Writer, ForeignLabelsArePutRightAndToldOf) {
  pass();
  settle();
  events();
  ASSERT_THAT(pass(Seconds(1)), IsEmpty());
  const auto with = [this](const std::function<void(std::map<std::string, std::string>&)>& change) {
    edit_nodes([&](NodeMap& nodes) {
      auto labels = *nodes.at("plain-1").labels;
      change(labels);
      nodes.put(testing::entry("plain-1", nodes.at("plain-1").uid(), nodes.at("plain-1").trust, labels));
    });
  };
  const std::string own = std::string(wire::kNodeLabelPrefix) + "attestation";
  with([&](auto& labels) { labels[own] = "verified"; });
  EXPECT_THAT(pass(Seconds(2)), ElementsAre("patch /api/v1/nodes/plain-1"));
  EXPECT_THAT(api_.calls[0].second, HasSubstr("\"" + own + "\":\"unsupported\""));
  EXPECT_EQ(writer_.label_repairs(), 1U);
  EXPECT_THAT(events(), ElementsAre("LabelsPutRight"));
  EXPECT_THAT(event_api_.calls[0].second, HasSubstr("attestation was set to 'verified'"));

  settle();
  pass(Seconds(3));
  with([&](auto& labels) { labels.erase(own); });
  EXPECT_THAT(pass(Seconds(4)), ElementsAre("patch /api/v1/nodes/plain-1"));
  EXPECT_EQ(writer_.label_repairs(), 2U);
  EXPECT_THAT(events(), IsEmpty()) << "counted, and not told again so soon";
}

TEST_F(Writer, OurOwnChangesAreNobodyElses) {
  pass();
  settle();
  pass(Seconds(1));
  set_trust("cvm-1", failed_trust());
  EXPECT_FALSE(pass(Seconds(2)).empty());
  pass(Seconds(3));  // the watch has not shown it yet
  EXPECT_EQ(writer_.label_repairs(), 0U);
}

TEST_F(Writer, KeysUnderOurPrefixThatWeDoNotWriteGo) {
  edit_nodes([](NodeMap& nodes) {
    nodes.put(testing::entry("cvm-1", testing::kNodeUid, nodes.at("cvm-1").trust,
                             {{std::string(wire::kNodeLabelPrefix) + "approved", "yes"}}));
  });
  pass();
  EXPECT_THAT(api_.calls[0].second, HasSubstr("approved\":null"));
  EXPECT_EQ(writer_.label_repairs(), 1U);
  EXPECT_THAT(events(), ::testing::Contains("LabelsPutRight"));
}

TEST_F(Writer, LogsAChangeThatTimeMakesAndNothingWhileNothingChanges) {
  pass();
  settle();
  test::CapturedLog log;
  for (int i = 0; i < 15; ++i) pass(Seconds(i));
  EXPECT_THAT(log.lines(), IsEmpty()) << "passes and signs of life are not logged";
  pass(Seconds(21));
  EXPECT_THAT(log.lines(), ElementsAre(HasSubstr("node cvm-1: Stale evidence-age: the last quote is older")));
  settle();
  pass(Seconds(22));
  EXPECT_THAT(log.lines(), IsEmpty());
}

TEST_F(Writer, LogsAFailureThatGoesOnOnce) {
  api_.before = [](const std::string&) { throw kube::ApiError(403, "Forbidden", "not allowed"); };
  test::CapturedLog log;
  for (int i = 0; i < 5; ++i) pass(Seconds(i));
  EXPECT_THAT(
      log.lines(),
      ElementsAre(HasSubstr(
          "writing the status of nodes failed for 2 of them and is tried again, first node cvm-1: ")));
  api_.before = nullptr;
  pass(Seconds(6));
  EXPECT_THAT(log.lines(), ElementsAre(HasSubstr("writing the status of nodes works again")));
}

}  // namespace
}  // namespace nodeproof::webhook
