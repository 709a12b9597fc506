#include "webhook/node_attestations.hpp"

#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"
#include "tests/unit/webhook/json_objects.hpp"

namespace nodeproof::webhook {
namespace {

using testing::kNodeUid;
using testing::kNow;
using testing::kOtherUuid;

std::vector<wire::StatusCondition> conditions(UnixTime since) {
  return {{"Verified", "True", "Verified", "it is", since},
          {"UnprovenPods", "False", "NoneFound", "", since}};
}

wire::NodeAttestationStatus status() {
  wire::NodeAttestationStatus out;
  out.phase = wire::Phase::kVerified;
  out.counters = *testing::Scene().judge().mark;
  return out;
}

std::string attestation(const std::string& name, const std::string& uid, const std::string& patch) {
  return R"({"metadata":{"name":")" + name + R"("},"spec":{"nodeUID":")" + uid + R"("},)" + patch.substr(1);
}
std::string attestation(const std::string& name, UnixTime since = kNow) {
  return attestation(name, kNodeUid, wire::status_patch(status(), conditions(since)));
}

TEST(NodeAttestations, TellPhaseConditionsAndCounters) {
  NodeAttestations objects;
  EXPECT_FALSE(objects.find("cvm-1"));
  testing::replace(objects.handler(), {attestation("cvm-1"), attestation("cvm-2", kNow + Seconds(5))});
  const auto found = objects.find("cvm-1");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->node, hash_of_uid(kNodeUid));
  EXPECT_EQ(found->status.phase(), "Verified");
  EXPECT_EQ(found->status.code(), "");
  EXPECT_EQ(found->status.conditions(), conditions(kNow));
  EXPECT_FALSE(found->offer);

  const auto second = objects.find("cvm-2");
  EXPECT_EQ(second->status.conditions(), conditions(kNow + Seconds(5))) << "times are of each node";
  EXPECT_EQ(&second->status.code(), &found->status.code()) << "words are shared";

  ASSERT_TRUE(objects.counters_of("cvm-1", kNodeUid));
  EXPECT_EQ(*objects.counters_of("cvm-1", kNodeUid), *status().counters);
  EXPECT_FALSE(objects.counters_of("cvm-1", kOtherUuid)) << "of an earlier Node";
  EXPECT_FALSE(objects.counters_of("gone-1", kNodeUid));
}

TEST(NodeAttestations, WhatCannotBeReadIsOfNoNode) {
  NodeAttestations objects;
  testing::update(objects.handler(), attestation("cvm-1", kNodeUid, R"({"status":{"phase":7}})"));
  ASSERT_TRUE(objects.find("cvm-1"));
  EXPECT_EQ(objects.find("cvm-1")->node, 0U);

  testing::update(objects.handler(), attestation("cvm-1", kNodeUid, R"({"status":{"counters":{}}})"));
  EXPECT_EQ(objects.find("cvm-1")->node, hash_of_uid(kNodeUid)) << "only what it remembers cannot";
  EXPECT_FALSE(objects.counters_of("cvm-1", kNodeUid));
}

TEST(NodeAttestations, KnowWhatTheLeaderWroteUntilTheWatchTells) {
  NodeAttestations objects;
  testing::update(objects.handler(), attestation("cvm-1"));
  EXPECT_TRUE(objects.find("cvm-1")->since_written);
  objects.note_status_written("cvm-1");
  EXPECT_FALSE(objects.find("cvm-1")->since_written);
  objects.note_offer_written("cvm-1", {"kid", {}, {}});
  EXPECT_EQ(objects.find("cvm-1")->offer->kid, "kid");
  testing::update(objects.handler(), attestation("cvm-1"));
  EXPECT_TRUE(objects.find("cvm-1")->since_written);
  EXPECT_FALSE(objects.find("cvm-1")->offer) << "the object offers nothing";

  objects.note_status_written("gone-1");
  EXPECT_FALSE(objects.find("gone-1"));
  testing::remove(objects.handler(), attestation("cvm-1"));
  EXPECT_FALSE(objects.find("cvm-1"));
}

}  // namespace
}  // namespace nodeproof::webhook
