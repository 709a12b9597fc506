#include "webhook/inventory.hpp"

#include <gtest/gtest.h>

#include "base/uuid.hpp"
#include "tests/unit/webhook/cluster_picture.hpp"
#include "webhook/demands.hpp"

namespace nodeproof::webhook {
namespace {

using attest::Outcome;

const std::string kVm(forge::kVmId);
constexpr const char* kOtherVm = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

Inventory naming(const std::string& node, const std::string& vm) {
  Inventory out;
  out.put("pool", wire::NodeInventory{"pool", {{node, vm}}});
  return out;
}

attest::Finding judged(const Inventory& inventory) {
  return inventory.judge("cvm-1", *testing::verified_trust()->claims);
}

std::string code_of(const Inventory& inventory) {
  const attest::Finding finding = judged(inventory);
  return finding.outcome == Outcome::kNotChecked ? finding.code : "checked: " + finding.code;
}

TEST(Inventory, NamesTheVmInEitherByteOrder) {
  EXPECT_EQ(judged(naming("cvm-1", kVm)).outcome, Outcome::kPassed);
  EXPECT_EQ(judged(naming("cvm-1", swapped_uuid(kVm))).outcome, Outcome::kPassed);
}

// A plain node that publishes the evidence of somebody's genuine confidential VM.
TEST(Inventory, RefusesTheEvidenceOfAnotherVm) {
  const attest::Finding finding = judged(naming("cvm-1", kOtherVm));
  EXPECT_EQ(finding.outcome, Outcome::kFailed);
  EXPECT_EQ(finding.code, "other-vm");
  EXPECT_NE(finding.detail.find(kOtherVm), std::string::npos) << finding.detail;
}

TEST(Inventory, WhatItDoesNotSayIsNotChecked) {
  EXPECT_EQ(code_of(Inventory()), "no-inventory");
  EXPECT_EQ(code_of(naming("cvm-2", kVm)), "not-listed");
  Inventory broken = naming("cvm-2", kOtherVm);
  broken.put("bad", Error{Errc::kMissing, "NodeInventory.spec", "is missing"});
  EXPECT_EQ(code_of(broken), "unreadable");
  broken.erase("bad");
  EXPECT_EQ(code_of(broken), "not-listed");
  broken.erase("pool");
  EXPECT_EQ(code_of(broken), "no-inventory");
}

TEST(Inventory, ObjectsThatDisagreeCountForNothing) {
  Inventory twice = naming("cvm-1", kVm);
  twice.put("zone-2", wire::NodeInventory{"zone-2", {{"cvm-1", kOtherVm}}});
  EXPECT_EQ(code_of(twice), "ambiguous");
  Inventory shared = naming("cvm-1", kVm);
  shared.put("zone-2", wire::NodeInventory{"zone-2", {{"cvm-2", swapped_uuid(kVm)}}});
  EXPECT_EQ(code_of(shared), "ambiguous");
  shared.erase("zone-2");
  EXPECT_EQ(judged(shared).outcome, Outcome::kPassed);
}

TEST(Inventory, AVmIdThatNothingProvesIsNotChecked) {
  const auto trust = testing::trust_without([](testing::Scene& scene) {
    scene.evidence = Result<wire::NodeEvidence>(testing::make_trusted_launch({.event_log = Bytes()}));
    scene.quote = Result<wire::NodeQuote>(testing::make_quote(**scene.evidence));
  });
  ASSERT_TRUE(trust->claims) << trust->detail;
  const attest::Finding finding = naming("cvm-1", kVm).judge("cvm-1", *trust->claims);
  EXPECT_EQ(finding.outcome, Outcome::kNotChecked);
  EXPECT_EQ(finding.code, "no-vm-id");
}

std::string verdict(attest::NodeIdentity identity, const Inventory& inventory) {
  attest::AppraisalPolicy policy = testing::policy("p");
  policy.node_identity = identity;
  const Snapshot snapshot = testing::picture();
  const auto unmet =
      evaluate({&policy, policy.max_evidence_age, &inventory}, snapshot.nodes->find("cvm-1"), testing::kNow);
  return unmet ? unmet->code : "met";
}

TEST(Inventory, OnlyAPolicyThatAsksForItNeedsIt) {
  using attest::NodeIdentity;
  EXPECT_EQ(verdict(NodeIdentity::kInventory, naming("cvm-1", kVm)), "met");
  EXPECT_EQ(verdict(NodeIdentity::kInventory, naming("cvm-1", kOtherVm)), "node-inventory");
  EXPECT_EQ(verdict(NodeIdentity::kInventory, naming("cvm-2", kVm)), "node-inventory");
  EXPECT_EQ(verdict(NodeIdentity::kInventory, Inventory()), "node-inventory");
  EXPECT_EQ(verdict(NodeIdentity::kSelfReported, naming("cvm-1", kOtherVm)), "met");
  EXPECT_EQ(verdict(NodeIdentity::kSelfReported, Inventory()), "met");
}

}  // namespace
}  // namespace nodeproof::webhook
