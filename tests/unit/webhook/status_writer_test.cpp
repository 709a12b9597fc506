#include "webhook/status_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"
#include "tests/unit/webhook/fake_cluster_api.hpp"
#include "tests/unit/webhook/json_objects.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNow;
using testing::kOtherUuid;

const std::string kNa = StatusWriter::kPath;
constexpr Seconds kHeartbeat{10};  // half of the shortest maxEvidenceAge of the picture

class Writer : public ::testing::Test {
 protected:
  Writer() {
    snapshot_ = testing::picture();
    keep_only({"cvm-1", "plain-1"});
    testing::replace(writer_.handler(), {});
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
    edit_nodes([this](NodeMap& nodes) {
      for (const NodeMap::Entry& node : *snapshot_.nodes) {
        if (node->trust)
          nodes.put(testing::entry(node->name, node->uid, node->trust,
                                   labels_of(status_of(*node, snapshot_, kNow))));
      }
    });
    for (const auto& [path, json] : api_.objects) testing::update(writer_.handler(), json);
  }
  // What was written, without bodies.
  std::vector<std::string> pass(Seconds after = Seconds(0)) {
    api_.calls.clear();
    writer_.pass(snapshot_, kNow + after, [this] { return leading_; });
    std::vector<std::string> out;
    for (const auto& [call, body] : api_.calls) out.push_back(call);
    return out;
  }

  testing::FakeClusterApi api_;
  StatusWriter writer_{api_};
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
  edit_nodes([](NodeMap& nodes) {
    const auto failed = testing::trust_without([](testing::Scene& s) { (*s.quote)->signature.back() ^= 1; });
    nodes.put(testing::entry("cvm-1", testing::kNodeUid, failed, nodes.at("cvm-1").labels));
  });
  EXPECT_THAT(pass(Seconds(1)), ElementsAre("patch /api/v1/nodes/cvm-1", "patch " + kNa + "/cvm-1/status"));
  EXPECT_THAT(api_.calls[0].second, HasSubstr("\"failed\""));
  EXPECT_THAT(api_.calls[0].second, HasSubstr(testing::kNodeUid));
  EXPECT_THAT(api_.calls[1].second, HasSubstr("quote-signature"));
}

TEST_F(Writer, LeavesTheObjectOfAGoneNodeToGarbageCollection) {
  testing::update(writer_.handler(),
                  wire::new_node_attestation("cvm-1", "77777777-7777-4777-8777-777777777777"));
  testing::update(writer_.handler(), wire::new_node_attestation("gone-1", kOtherUuid));
  keep_only({"cvm-1"});
  EXPECT_THAT(pass(), ElementsAre("patch /api/v1/nodes/cvm-1"));
  testing::remove(writer_.handler(),
                  wire::new_node_attestation("cvm-1", "77777777-7777-4777-8777-777777777777"));
  EXPECT_THAT(pass(),
              ElementsAre("patch /api/v1/nodes/cvm-1", "create " + kNa, "patch " + kNa + "/cvm-1/status"));
}

TEST_F(Writer, MakesADeletedObjectAnew) {
  pass();
  settle();
  testing::remove(writer_.handler(), wire::new_node_attestation("cvm-1", testing::kNodeUid));
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

TEST_F(Writer, ARefusedNodeDoesNotHoldUpTheOthers) {
  api_.before = [](const std::string& call) {
    if (call.ends_with("nodes/cvm-1")) throw kube::ApiError(422, "Invalid", "uid");
  };
  EXPECT_EQ(pass().size(), 3U);
  api_.before = [](const std::string&) { throw kube::ApiError(0, "Unreachable", "no answer"); };
  EXPECT_THAT(pass(), IsEmpty());
}

}  // namespace
}  // namespace nodeproof::webhook
