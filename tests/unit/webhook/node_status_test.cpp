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
  return {"cvm-1", attest::BootIdentity{testing::kNodeUid, {}}, std::move(trust), {}};
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
  EXPECT_EQ(gist_of(status), gist_of(later));
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
  const std::string unknown = std::string(wire::kNodeLabelPrefix) + "later";
  EXPECT_EQ(patch_for({{kAttestation, "pending"}, {unknown, "x"}}, {{kAttestation, "pending"}}),
            head + "\"" + unknown + "\":null" + tail)
      << "the prefix is ours: nobody keeps true what this version does not write";
}

struct ConditionRow {
  Phase phase;
  const char* code;
  const char* status;
  const char* reason;
};

TEST(Conditions, VerifiedSaysPhaseAndReason) {
  const ConditionRow rows[] = {{Phase::kVerified, "", "True", "Verified"},
                               {Phase::kFailed, "quote-signature", "False", "QuoteSignature"},
                               {Phase::kUnsupported, "no-tpm", "False", "NoTpm"},
                               {Phase::kPending, "no-evidence", "Unknown", "NoEvidence"},
                               {Phase::kStale, "evidence-age", "Unknown", "EvidenceAge"},
                               // Words of an agent that are none of ours.
                               {Phase::kPending, "9 \"lives\"", "Unknown", "Lives"},
                               {Phase::kPending, "--", "Unknown", "Pending"}};
  for (const ConditionRow& row : rows) {
    NodeAttestationStatus status;
    status.phase = row.phase;
    status.code = row.code;
    status.detail = "d";
    status.remedy = "r";
    const auto conditions = conditions_of(status, {}, kNow);
    ASSERT_EQ(conditions.size(), 1U);
    EXPECT_EQ(conditions[0].type, "Verified");
    EXPECT_EQ(conditions[0].status, row.status) << row.code;
    EXPECT_EQ(conditions[0].reason, row.reason);
    EXPECT_EQ(conditions[0].since, kNow);
    EXPECT_EQ(conditions[0].message == "d; remedy: r", row.phase != Phase::kVerified);
  }
}

TEST(Conditions, ChangeTheirTimeWithTheirStatusAlone) {
  const auto first = conditions_of(verified(), {}, kNow);
  const auto again = conditions_of(verified(Seconds(5)), first, kNow + Seconds(5));
  EXPECT_EQ(again, first);
  const auto stale = conditions_of(verified(Seconds(21)), again, kNow + Seconds(21));
  EXPECT_EQ(stale[0].since, kNow + Seconds(21));
  NodeAttestationStatus pending;
  pending.code = "no-quote";
  const auto silent = conditions_of(pending, stale, kNow + Seconds(30));
  EXPECT_EQ(silent[0].reason, "NoQuote");
  EXPECT_EQ(silent[0].since, kNow + Seconds(21)) << "Unknown it was before";
}

TEST(Conditions, UnprovenPodsStaysAsItWasUntilPodsAreCounted) {
  NodeAttestationStatus status;
  status.unproven_pods = 2;
  const auto found = conditions_of(status, {}, kNow);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[1].type, "UnprovenPods");
  EXPECT_EQ(found[1].status, "True");
  EXPECT_EQ(found[1].message.substr(0, 41), "2 sensitive pods run here without proof; ");
  status.unproven_pods.reset();
  EXPECT_EQ(conditions_of(status, found, kNow + Seconds(9))[1], found[1]);
  status.unproven_pods = 0;
  const auto none = conditions_of(status, found, kNow + Seconds(9));
  EXPECT_EQ(none[1].status, "False");
  EXPECT_EQ(none[1].since, kNow + Seconds(9));
}

KeptStatus kept(const NodeAttestationStatus& status, UnixTime since) {
  KeptStatus::Pool words;
  return {std::string(wire::to_string(status.phase)), status.code, conditions_of(status, {}, since), words};
}

TEST(PhaseEvent, TellsOfEveryChangeWithReasonAndRemedy) {
  const NodeEntry node = node_with(testing::verified_trust());
  const KeptStatus good = kept(verified(), kNow);
  EXPECT_FALSE(phase_event(node, good, verified(Seconds(5))));
  const auto stale = phase_event(node, good, verified(Seconds(21)));
  ASSERT_TRUE(stale);
  EXPECT_TRUE(stale->warning);
  EXPECT_EQ(stale->reason, "AttestationStale");
  EXPECT_EQ(stale->about.kind, "Node");
  EXPECT_EQ(stale->about.uid, testing::kNodeUid);
  EXPECT_EQ(
      stale->note,
      "attestation was Verified, is Stale (evidence-age): the last quote is older than the shortest "
      "maxEvidenceAge, 20s; remedy: check that the nodeproof agent runs on the node and reaches the API "
      "server");
  const KeptStatus silent = kept(verified(Seconds(21)), kNow + Seconds(21));
  const auto back = phase_event(node, silent, verified());
  ASSERT_TRUE(back);
  EXPECT_FALSE(back->warning);
  EXPECT_EQ(back->note, "attestation was Stale, is Verified");
}

TEST(PhaseEvent, IsTheSameForTheSameChangeWhoeverTells) {
  const NodeEntry node = node_with(testing::verified_trust());
  const KeptStatus good = kept(verified(), kNow);
  const KeptStatus later = kept(verified(), kNow + Seconds(60));
  EXPECT_EQ(phase_event(node, good, verified(Seconds(21)))->occasion,
            phase_event(node, good, verified(Seconds(25)))->occasion);
  EXPECT_NE(phase_event(node, good, verified(Seconds(21)))->occasion,
            phase_event(node, later, verified(Seconds(21)))->occasion)
      << "another silence";
}

TEST(PhaseEvent, OfANewNodeOnlyOnceThereIsNews) {
  const NodeEntry node = node_with(testing::verified_trust());
  EXPECT_FALSE(phase_event(node, {}, NodeAttestationStatus{}));
  EXPECT_EQ(phase_event(node, {}, verified())->note, "attestation is Verified");
}

TEST(GistOf, IsWhatAReaderActsOn) {
  const NodeAttestationStatus have = verified();
  EXPECT_EQ(gist_of(have), gist_of(have));
  EXPECT_EQ(gist_of(have), gist_of(verified(Seconds(5)))) << "time passes without a write";

  NodeAttestationStatus later = have;
  later.verified_at = to_rfc3339(kNow + Seconds(5));
  later.expires_at = to_rfc3339(kNow + Seconds(25));
  later.detail = "other words";
  later.policies[0].detail = "other words";
  EXPECT_EQ(gist_of(have), gist_of(later));

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
    EXPECT_NE(gist_of(have), gist_of(other)) << i;
  }
}

}  // namespace
}  // namespace nodeproof::webhook
