#include "webhook/node_status.hpp"

#include <cpprest/json.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::kNow;
using ::testing::Pair;
using wire::NodeAttestationStatus;
using wire::Phase;

const std::string kAttestation = "nodeproof.node-restriction.kubernetes.io/attestation";
const std::string kTee = "nodeproof.node-restriction.kubernetes.io/tee";

// Labels but for those of policies and of the boot, which have tests of their own.
std::map<std::string, std::string> main_labels(const NodeAttestationStatus& status) {
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : labels_of(status)) {
    if (key == kAttestation || key == kTee) out.emplace(key, value);
  }
  return out;
}

NodeEntry node_with(std::shared_ptr<const NodeTrust> trust) {
  return {"cvm-1", testing::kNodeUid, std::move(trust), {}};
}

NodeAttestationStatus verified(Seconds after = Seconds(0)) {
  static const Snapshot snapshot = testing::picture();
  return status_of(node_with(testing::verified_trust()), snapshot, kNow + after);
}

NodeAttestationStatus changed(const std::function<void(testing::Scene&)>& change) {
  return status_of(node_with(testing::trust_without(change)), testing::picture(), kNow);
}

TEST(StatusOf, DescribesAVerifiedNode) {
  const NodeAttestationStatus status = verified();
  EXPECT_EQ(status.phase, Phase::kVerified);
  EXPECT_EQ(status.code, "");
  EXPECT_EQ(status.tee, "sev-snp");
  EXPECT_EQ(status.product, "Milan");
  EXPECT_EQ(status.tcb, "bootloader 4, tee 0, snp 24, microcode 219");
  EXPECT_EQ(status.vm_id, forge::kVmId);
  EXPECT_EQ(status.secure_boot, "enabled");
  EXPECT_EQ(status.measured_boot, "verified");
  EXPECT_EQ(status.trusted_launch, "verified");
  EXPECT_EQ(status.vtpm, "verified");
  EXPECT_EQ(status.measurement.size(), 96U);
  EXPECT_EQ(status.chip_id.size(), 128U);
  EXPECT_EQ(status.evidence_digest.size(), 64U);
  EXPECT_EQ(status.verified_at, to_rfc3339(kNow));
  EXPECT_EQ(status.expires_at, to_rfc3339(kNow + Seconds(20))) << "the shortest maxEvidenceAge";
  EXPECT_FALSE(status.coverage.empty());
  for (const auto& finding : status.findings) EXPECT_NE(finding.outcome, attest::Outcome::kPassed);
  std::map<std::string, std::string> unmet;
  for (const auto& policy : status.policies) {
    if (!policy.met) unmet[policy.policy] = policy.code;
  }
  EXPECT_THAT(unmet, ElementsAre(Pair("broken", "invalid-policy"), Pair("dry-run", "policy"),
                                 Pair("genoa", "policy"), Pair("warn", "policy")));
}

TEST(StatusOf, TurnsStaleWithTheShortestPolicy) {
  EXPECT_EQ(verified(Seconds(20)).phase, Phase::kVerified);
  const NodeAttestationStatus stale = verified(Seconds(21));
  EXPECT_EQ(stale.phase, Phase::kStale);
  EXPECT_EQ(stale.code, "evidence-age");
  EXPECT_EQ(stale.detail, "the last quote is older than the shortest maxEvidenceAge, 20s");
  EXPECT_EQ(stale.tee, "sev-snp");
}

TEST(StatusOf, SaysNothingOfAPlatformThatIsNotProven) {
  const NodeAttestationStatus failed = changed([](testing::Scene& s) { (*s.quote)->signature.back() ^= 1; });
  EXPECT_EQ(failed.phase, Phase::kFailed);
  EXPECT_EQ(failed.tee, "none");
  EXPECT_EQ(failed.verified_at, "");
  EXPECT_EQ(failed.vm_id, "");
  const NodeAttestationStatus no_residency = status_of(
      node_with(testing::trust_without([](testing::Scene& s) {
        s.evidence = Result<wire::NodeEvidence>(testing::make_evidence({.with_ak_certificate = false}));
        s.quote = Result<wire::NodeQuote>(testing::make_quote(**s.evidence));
      })),
      {}, kNow);
  EXPECT_EQ(no_residency.phase, Phase::kPending);
  EXPECT_EQ(no_residency.code, "ak-residency");
  EXPECT_EQ(no_residency.tee, "none");
}

TEST(StatusOf, RemembersCountersWithoutBeingWrittenForThem) {
  const NodeAttestationStatus status = verified();
  ASSERT_TRUE(status.counters);
  EXPECT_EQ(status.counters->clock, 60000U);
  NodeAttestationStatus later = status;
  ++later.counters->clock;
  EXPECT_FALSE(differs(status, later));
}

TEST(LabelsOf, TellTheBootAndEachMetPolicy) {
  const std::string prefix = "nodeproof.node-restriction.kubernetes.io/";
  const std::string policy = "policy.nodeproof.node-restriction.kubernetes.io/";
  EXPECT_THAT(labels_of(verified()),
              ElementsAre(Pair(kAttestation, "verified"), Pair(prefix + "measured-boot", "verified"),
                          Pair(prefix + "secure-boot", "enabled"), Pair(kTee, "sev-snp"),
                          Pair(prefix + "trusted-launch", "verified"), Pair(prefix + "vtpm", "verified"),
                          Pair(policy + "confidential", "met"), Pair(policy + "short", "met")));
  EXPECT_FALSE(labels_of(verified(Seconds(60))).contains(policy + "short")) << "the proof is too old for it";
  EXPECT_TRUE(labels_of(verified(Seconds(60))).contains(policy + "confidential"));
}

TEST(LabelsOf, FollowThePhase) {
  EXPECT_THAT(main_labels(verified()), ElementsAre(Pair(kAttestation, "verified"), Pair(kTee, "sev-snp")));
  EXPECT_THAT(main_labels(verified(Seconds(60))),
              ElementsAre(Pair(kAttestation, "stale"), Pair(kTee, "sev-snp")));
  const auto failed = changed([](testing::Scene& s) { (*s.quote)->signature.back() ^= 1; });
  EXPECT_THAT(main_labels(failed), ElementsAre(Pair(kAttestation, "failed")));
  const auto pending = changed([](testing::Scene& s) { s.evidence.reset(); });
  EXPECT_THAT(main_labels(pending), ElementsAre(Pair(kAttestation, "pending")));
  const auto unsupported = changed([](testing::Scene& s) {
    (*s.evidence)->platform = "none";
    (*s.evidence)->collection.code = "no-tpm";
  });
  EXPECT_THAT(main_labels(unsupported), ElementsAre(Pair(kAttestation, "unsupported"), Pair(kTee, "none")));
}

std::string patch_for(std::map<std::string, std::string> have,
                      const std::map<std::string, std::string>& want) {
  NodeEntry node = node_with(nullptr);
  node.labels = std::move(have);
  return label_patch(node, want).value_or("");
}

TEST(LabelPatch, WritesOnlyWhatDiffers) {
  const std::string head = std::string(R"({"metadata":{"labels":{)");
  const std::string tail = std::string(R"(},"uid":")") + testing::kNodeUid + R"("}})";
  EXPECT_EQ(patch_for({{kAttestation, "verified"}, {kTee, "sev-snp"}},
                      {{kAttestation, "verified"}, {kTee, "sev-snp"}}),
            "");
  EXPECT_EQ(patch_for({}, {{kAttestation, "pending"}}), head + "\"" + kAttestation + "\":\"pending\"" + tail);
  EXPECT_EQ(patch_for({{kAttestation, "verified"}, {kTee, "sev-snp"}}, {{kAttestation, "failed"}}),
            head + "\"" + kAttestation + "\":\"failed\",\"" + kTee + "\":null" + tail);
  const std::string met = std::string(wire::kPolicyLabelPrefix) + "gone";
  EXPECT_EQ(patch_for({{kAttestation, "stale"}, {met, "met"}}, {{kAttestation, "stale"}}),
            head + "\"" + met + "\":null" + tail);
  EXPECT_EQ(patch_for({{kAttestation, "pending"}, {std::string(wire::kNodeLabelPrefix) + "later", "x"}},
                      {{kAttestation, "pending"}}),
            "")
      << "what this version does not write is left alone";
}

TEST(Differs, OnlyByWhatAReaderActsOn) {
  const NodeAttestationStatus have = verified();
  EXPECT_FALSE(differs(have, have));
  EXPECT_FALSE(differs(have, verified(Seconds(5)))) << "time passes without a write";

  NodeAttestationStatus later = have;
  later.verified_at = to_rfc3339(kNow + Seconds(5));
  later.expires_at = to_rfc3339(kNow + Seconds(25));
  later.detail = "other words";
  later.policies[0].detail = "other words";
  EXPECT_FALSE(differs(have, later));

  const std::vector<std::function<void(NodeAttestationStatus&)>> changes{
      [](auto& s) { s.phase = Phase::kStale; },
      [](auto& s) { s.code = "x"; },
      [](auto& s) { s.tee = "none"; },
      [](auto& s) { s.measurement = "x"; },
      [](auto& s) { s.tcb = "x"; },
      [](auto& s) { s.secure_boot = "disabled"; },
      [](auto& s) { s.evidence_digest = "x"; },
      [](auto& s) { s.policies[0].met = !s.policies[0].met; },
      [](auto& s) { s.policies.pop_back(); },
      [](auto& s) {
        s.findings.push_back({attest::Check::kVmId, attest::Outcome::kFailed, "c", "d", "r"});
      },
      [](auto& s) { s.coverage.clear(); }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    NodeAttestationStatus other = have;
    changes[i](other);
    EXPECT_TRUE(differs(have, other)) << i;
  }
}

}  // namespace
}  // namespace nodeproof::webhook
