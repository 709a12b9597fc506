#include "webhook/node_trust.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/forge_event_log.hpp"
#include "tests/unit/webhook/forged_node.hpp"

namespace nodeproof::webhook {
namespace {

using testing::kBootId;
using testing::kEpoch;
using testing::kNodeUid;
using testing::kNow;
using testing::kOtherUuid;
using testing::make_evidence;
using testing::make_quote;
using testing::QuoteChoice;
using testing::Scene;
using wire::Phase;

TEST(NodeTrust, VerifiesAGenuinePair) {
  const Scene scene;
  const NodeTrust trust = scene.judge();
  EXPECT_EQ(trust.phase, Phase::kVerified) << trust.code << ": " << trust.detail;
  EXPECT_EQ(trust.code, "");
  ASSERT_TRUE(trust.claims);
  EXPECT_EQ(trust.claims->quoted_since, attest::epoch_start(kEpoch, testing::kEpochLength));
  EXPECT_EQ(trust.boot, testing::boot_identity());
  EXPECT_EQ(trust.evidence_digest, (*scene.evidence)->digest());
  EXPECT_EQ(attest::find(trust.findings, attest::Check::kQualifyingData), nullptr)
      << "only what did not pass";
}

// One row per way to be wrong: what becomes of the node, and which code people see.
struct Wrong {
  std::string name;
  std::function<void(Scene&)> change;
  Phase phase;
  std::string code;
};

void set_evidence(Scene& scene, wire::NodeEvidence evidence) {
  scene.quote = Result<wire::NodeQuote>(make_quote(evidence));
  scene.evidence = Result<wire::NodeEvidence>(std::move(evidence));
}
void set_evidence(Scene& scene, const forge::BootOptions& options) {
  set_evidence(scene, make_evidence(options));
}
void set_quote(Scene& scene, const QuoteChoice& choice) {
  scene.quote = Result<wire::NodeQuote>(make_quote(**scene.evidence, choice));
}
void set_collection(Scene& scene, const std::string& platform, const std::string& code) {
  (*scene.evidence)->platform = platform;
  (*scene.evidence)->collection.code = code;
}
Error some_error() {
  return {Errc::kUnknownField, "spec.x", "is not known"};
}

void set_list(Scene& scene, const forge::RevocationListOptions& options) {
  const Bytes der = forge::make_revocation_list(forge::shared_world().amd.ark, options);
  scene.revocation_lists = attest::parse_revocation_lists(der, "crl").value();
}

const std::vector<Wrong>& wrongs() {
  static const std::vector<Wrong> list{
      {"no_evidence", [](Scene& s) { s.evidence.reset(); }, Phase::kPending, "no-evidence"},
      {"no_quote", [](Scene& s) { s.quote.reset(); }, Phase::kPending, "no-quote"},
      {"node_has_no_boot_id", [](Scene& s) { s.node.boot_id.clear(); }, Phase::kPending, "boot-changed"},
      {"node_rebooted", [](Scene& s) { s.node.boot_id = kOtherUuid; }, Phase::kPending, "boot-changed"},
      {"node_recreated", [](Scene& s) { s.node.node_uid = kOtherUuid; }, Phase::kPending, "node-identity"},
      {"quote_of_other_boot", [](Scene& s) { (*s.quote)->boot.boot_id = kOtherUuid; }, Phase::kPending,
       "boot-changed"},
      {"quote_of_other_node", [](Scene& s) { (*s.quote)->boot.node_uid = kOtherUuid; }, Phase::kPending,
       "node-identity"},
      {"quote_over_other_evidence",
       [](Scene& s) { s.evidence = Result<wire::NodeEvidence>(make_evidence({}, kEpoch - 9)); },
       Phase::kPending, "evidence-binding"},
      {"unknown_kid", [](Scene& s) { s.keys.clear(); }, Phase::kPending, "qualifying-data"},
      {"outside_generation", [](Scene& s) { s.keys[0].last = kEpoch - 1; }, Phase::kPending,
       "qualifying-data"},
      {"other_key_under_this_kid", [](Scene& s) { s.keys[0].key.fill(8); }, Phase::kPending,
       "qualifying-data"},
      {"two_epochs_ahead", [](Scene& s) { set_quote(s, {.epoch = kEpoch + 2}); }, Phase::kPending,
       "epoch-future"},
      {"other_challenge", [](Scene& s) { set_quote(s, {.qualifying_data = Bytes(32, 1)}); }, Phase::kPending,
       "qualifying-data"},
      {"endorsements_unreachable",
       [](Scene& s) { set_collection(s, "azure-sev-snp", "endorsements-unreachable"); }, Phase::kPending,
       "endorsements-unreachable"},
      {"tpm_error", [](Scene& s) { set_collection(s, "none", "tpm-error"); }, Phase::kPending, "tpm-error"},
      {"owner_auth", [](Scene& s) { set_collection(s, "none", "owner-auth-set"); }, Phase::kPending,
       "owner-auth-set"},
      {"revocation_list_expired", [](Scene& s) { set_list(s, {.next_update = kNow - Seconds(1)}); },
       Phase::kPending, "certificate-chain"},
      {"no_tpm", [](Scene& s) { set_collection(s, "none", "no-tpm"); }, Phase::kUnsupported, "no-tpm"},
      {"no_hcl_report", [](Scene& s) { set_collection(s, "none", "no-hcl-report"); }, Phase::kUnsupported,
       "no-hcl-report"},
      {"no_ak_certificate", [](Scene& s) { set_evidence(s, {.with_ak_certificate = false}); },
       Phase::kPending, "ak-residency"},

      {"evidence_unreadable", [](Scene& s) { s.evidence = Result<wire::NodeEvidence>(some_error()); },
       Phase::kFailed, "evidence-binding"},
      {"quote_unreadable", [](Scene& s) { s.quote = Result<wire::NodeQuote>(some_error()); }, Phase::kFailed,
       "quote-format"},
      {"certificate_unreadable",
       [](Scene& s) {
         auto evidence = make_evidence();
         evidence.certificates[0].pop_back();
         set_evidence(s, std::move(evidence));
       },
       Phase::kFailed, "certificate-chain"},
      {"ak_certificate_unreadable",
       [](Scene& s) {
         auto evidence = make_evidence();
         evidence.ak_certificate.push_back(1);
         set_evidence(s, std::move(evidence));
       },
       Phase::kFailed, "ak-certificate"},
      {"hcl_report_gone",
       [](Scene& s) {
         auto evidence = make_evidence();
         evidence.hcl_report.clear();
         set_evidence(s, std::move(evidence));
       },
       Phase::kFailed, "hcl-frame"},
      {"hcl_report_of_tdx",
       [](Scene& s) {
         auto evidence = make_evidence();
         evidence.hcl_report.at(0x4c8) = 4;
         set_evidence(s, std::move(evidence));
       },
       Phase::kUnsupported, "hcl-frame"},
      {"report_of_a_later_version",
       [](Scene& s) {
         auto evidence = make_evidence();
         evidence.hcl_report.at(0x020) = 6;
         set_evidence(s, std::move(evidence));
       },
       Phase::kPending, "report-format"},
      {"hcl_report_of_a_later_version",
       [](Scene& s) {
         auto evidence = make_evidence();
         evidence.hcl_report.at(0x004) = 3;
         set_evidence(s, std::move(evidence));
       },
       Phase::kPending, "hcl-frame"},
      {"hcl_report_of_a_later_type_as_its_agent_publishes_it",
       [](Scene& s) {
         auto evidence = make_evidence();
         evidence.hcl_report.at(0x4c8) = 6;
         evidence.hcl_report.resize(2900);
         evidence.certificates.clear();
         set_evidence(s, std::move(evidence));
       },
       Phase::kPending, "hcl-frame"},
      {"report_without_its_vcek",
       [](Scene& s) {
         auto evidence = make_evidence();
         evidence.certificates.clear();
         set_evidence(s, std::move(evidence));
       },
       Phase::kPending, "certificate-chain"},
      {"report_with_half_of_its_chain",
       [](Scene& s) {
         auto evidence = make_evidence();
         evidence.certificates.pop_back();
         set_evidence(s, std::move(evidence));
       },
       Phase::kFailed, "certificate-chain"},
      {"report_that_nobody_signed",
       [](Scene& s) {
         auto evidence = make_evidence();
         evidence.hcl_report.at(0x020 + 0x048) = 7 << 2;
         set_evidence(s, std::move(evidence));
       },
       Phase::kPending, "report-format"},
      {"report_of_a_later_version_and_another_ak",
       [](Scene& s) {
         auto evidence = make_evidence({.certify_other_ak = true});
         evidence.hcl_report.at(0x020) = 6;
         set_evidence(s, std::move(evidence));
       },
       Phase::kFailed, "ak-certificate"},
      {"report_bent",
       [](Scene& s) {
         auto evidence = make_evidence();
         evidence.hcl_report.at(0x020 + 0x04c) = 1;
         set_evidence(s, std::move(evidence));
       },
       Phase::kFailed, "report-format"},
      {"cpu_of_a_later_generation",
       [](Scene& s) {
         set_evidence(s, {.edit_report = [](attest::SnpReport& r) {
                        r.version = 3;
                        r.cpuid = attest::CpuId{0x19, 0x60, 0};
                      }});
       },
       Phase::kPending, "product"},
      {"issuer_revoked",
       [](Scene& s) { set_list(s, {.revoked = {forge::shared_world().amd.ask.certificate}}); },
       Phase::kFailed, "certificate-chain"},
      {"report_by_stranger_and_list_expired",
       [](Scene& s) {
         set_evidence(s, {.report_by_stranger = true});
         set_list(s, {.next_update = kNow - Seconds(1)});
       },
       Phase::kFailed, "report-signature"},
      {"report_by_stranger", [](Scene& s) { set_evidence(s, {.report_by_stranger = true}); }, Phase::kFailed,
       "report-signature"},
      {"certificate_of_other_ak", [](Scene& s) { set_evidence(s, {.certify_other_ak = true}); },
       Phase::kFailed, "ak-certificate"},
      {"unknown_paravisor",
       [](Scene& s) {
         set_evidence(s, {.edit_report = [](attest::SnpReport& r) { r.id_key_digest.fill(1); }});
       },
       Phase::kFailed, "paravisor"},
      {"debug_allowed",
       [](Scene& s) {
         set_evidence(s, {.edit_report = [](attest::SnpReport& r) { r.policy |= 1U << 19U; }});
       },
       Phase::kFailed, "guest-policy"},
      // As when a vTPM is swapped: name and signature both fail, and the signature is what is named.
      {"quote_by_other_ak", [](Scene& s) { set_quote(s, {.other_ak = true}); }, Phase::kFailed,
       "quote-signature"},
      {"quote_names_other_signer",
       [](Scene& s) { set_quote(s, {.options = {.qualified_signer = Bytes(34, 1)}}); }, Phase::kFailed,
       "ak-name"},
      {"quote_bit_flipped", [](Scene& s) { (*s.quote)->attest.back() ^= 1; }, Phase::kFailed,
       "quote-signature"},
      {"pcr_value_changed", [](Scene& s) { (*s.quote)->pcrs[4][0] ^= 1; }, Phase::kFailed, "pcr-digest"},
      {"fewer_pcrs", [](Scene& s) { set_quote(s, {.options = {.selection = attest::kBootPcrs}}); },
       Phase::kFailed, "pcr-selection"},
      {"other_vm",
       [](Scene& s) {
         const auto other = forge::make_event_log({.vm_id = kOtherUuid});
         set_evidence(s, forge::BootOptions{.event_log = other.log});
         set_quote(s, {.options = {.pcrs = other.pcrs}});
       },
       Phase::kFailed, "vm-id"},
      {"other_system_uuid", [](Scene& s) { s.system_uuid = kOtherUuid; }, Phase::kFailed, "vm-id"},
      {"other_kernel",
       [](Scene& s) { set_quote(s, {.options = {.pcrs = forge::make_event_log({.kernel = "x"}).pcrs}}); },
       Phase::kFailed, "event-log-replay"},
      {"log_of_another_secure_boot",
       [](Scene& s) {
         const auto off = forge::make_event_log({.secure_boot = false});
         set_evidence(s, forge::BootOptions{.event_log = off.log});
         set_quote(s, {.options = {.pcrs = off.pcrs}});
       },
       Phase::kFailed, "secure-boot"},
  };
  return list;
}

class WrongNode : public ::testing::TestWithParam<std::size_t> {};

TEST_P(WrongNode, IsNamed) {
  const Wrong& wrong = wrongs()[GetParam()];
  Scene scene;
  wrong.change(scene);
  const NodeTrust trust = scene.judge();
  EXPECT_EQ(wire::to_string(trust.phase), wire::to_string(wrong.phase)) << trust.detail;
  EXPECT_EQ(trust.code, wrong.code) << trust.detail;
  EXPECT_FALSE(trust.detail.empty());
  EXPECT_FALSE(trust.remedy.empty());
  EXPECT_EQ(trust.claims != nullptr, wrong.name == "no_ak_certificate");
  // A reason that is a check's name is a finding too, and it has not passed.
  for (const attest::CheckInfo& info : attest::all_checks()) {
    if (info.name != trust.code) continue;
    ASSERT_NE(attest::find(trust.findings, info.check), nullptr);
    EXPECT_FALSE(attest::has_passed(trust.findings, info.check));
  }
}

// What ordering and outages can produce leaves a verified pair standing; a contradiction, another
// boot and another Node end it at once.
TEST_P(WrongNode, EndsAVerifiedPairOnlyByContradictionOrBoot) {
  const Wrong& wrong = wrongs()[GetParam()];
  Scene scene;
  scene.previous = scene.judge();
  ASSERT_TRUE(scene.previous->claims);
  wrong.change(scene);
  const bool moved = wrong.name.starts_with("node_");
  // Without the certificate this is newer evidence that verified, and it counts.
  const bool replaced = wrong.name == "no_ak_certificate";
  const NodeTrust trust = scene.judge();
  if (wrong.phase == Phase::kFailed || moved || replaced) {
    EXPECT_EQ(trust.code, wrong.code);
  } else {
    EXPECT_EQ(trust.phase, Phase::kVerified) << trust.code;
    EXPECT_EQ(trust.claims, scene.previous->claims);
  }
}

INSTANTIATE_TEST_SUITE_P(All, WrongNode, ::testing::Range<std::size_t>(0, wrongs().size()),
                         [](const auto& param) { return wrongs()[param.param].name; });

TEST(NodeTrust, SaysWhatTheAgentFoundAndItsOwnRemedy) {
  Scene scene;
  (*scene.evidence)->platform = "none";
  (*scene.evidence)->collection = {"no-tpm", "/dev/tpmrm0: No such file. Remedy: look here"};
  const NodeTrust trust = scene.judge();
  EXPECT_EQ(trust.detail, "/dev/tpmrm0: No such file");
  EXPECT_EQ(trust.remedy,
            "use a node pool of an AMD SEV-SNP confidential VM size, or one with Trusted Launch and a vTPM");
  (*scene.evidence)->collection.detail.clear();
  EXPECT_EQ(scene.judge().detail, "the agent reports no-tpm");
}

TEST(NodeTrust, EvidenceOfANewBootEndsTheOldPairBeforeTheNodeSaysSo) {
  Scene scene;
  scene.previous = scene.judge();
  (*scene.evidence)->boot.boot_id = kOtherUuid;
  const NodeTrust trust = scene.judge();
  EXPECT_EQ(trust.phase, Phase::kPending);
  EXPECT_EQ(trust.code, "boot-changed");
  EXPECT_FALSE(trust.claims);
}

TEST(NodeTrust, ReplacesAPairOnlyByANewerOne) {
  Scene scene;
  scene.previous = scene.judge();
  set_quote(scene, {.epoch = kEpoch - 1});
  EXPECT_EQ(scene.judge().claims, scene.previous->claims);
  set_quote(scene, {.epoch = kEpoch + 1});
  const NodeTrust newer = scene.judge();
  EXPECT_EQ(newer.phase, Phase::kVerified);
  EXPECT_GT(newer.claims->quoted_since, scene.previous->claims->quoted_since);
}

TEST(NodeTrust, BecomesStaleByTimeAlone) {
  const NodeTrust trust = Scene().judge();
  const UnixTime since = trust.claims->quoted_since;
  EXPECT_EQ(phase_at(trust, Seconds(20), since + Seconds(20)), Phase::kVerified);
  EXPECT_EQ(phase_at(trust, Seconds(20), since + Seconds(21)), Phase::kStale);
  EXPECT_EQ(phase_at(trust, Seconds(20), since - Seconds(30)), Phase::kVerified);
}

TEST(NodeTrust, ReportChallengeIsComparedWhileItsKeyIsKnown) {
  const auto nonce = attest::epoch_nonce(testing::generations().front().key, kEpoch - 3);
  forge::BootOptions options;
  options.claims.user_data = attest::report_challenge(testing::kKid, nonce, testing::boot_identity());
  Scene scene;
  set_evidence(scene, options);
  EXPECT_EQ(attest::find(scene.judge().findings, attest::Check::kReportFreshness), nullptr);

  scene.now = kNow + testing::parameters().max_report_age + Seconds(1);
  scene.keys[0].last += 100000;
  const NodeTrust later = scene.judge();
  EXPECT_EQ(later.phase, Phase::kVerified);
  EXPECT_EQ(attest::find(later.findings, attest::Check::kReportFreshness)->outcome,
            attest::Outcome::kNotChecked);
}

// From a verification of a while ago whose evidence was dropped since.
NodeTrust judge_later(UnixTime now) {
  const auto nonce = attest::epoch_nonce(testing::generations().front().key, kEpoch - 3);
  forge::BootOptions options;
  options.claims.user_data = attest::report_challenge(testing::kKid, nonce, testing::boot_identity());
  const wire::NodeEvidence evidence = make_evidence(options);
  Generations keys = testing::generations();
  keys[0].last += 100000000;
  const auto boot = verify_evidence(evidence, 0, nullptr, keys, testing::parameters(), kNow);
  EXPECT_TRUE(is_settled(*boot));
  const Result<wire::EvidenceSummary> summary(wire::summary_of(evidence));
  const Result<wire::NodeQuote> quote(
      make_quote(evidence, {.epoch = attest::epoch_at(now, testing::kEpochLength)}));
  NodeView view;
  view.node = testing::boot_identity();
  view.evidence = &summary;
  view.quote = &quote;
  view.boot = boot.get();
  view.system_uuid = forge::kVmId;
  view.generations = keys;
  return judge(view, testing::parameters(), now);
}

TEST(NodeTrust, AReportGrowsOldWithoutBeingVerifiedAgain) {
  const NodeTrust young = judge_later(kNow + Seconds(600));
  EXPECT_EQ(young.phase, Phase::kVerified);
  EXPECT_EQ(attest::find(young.findings, attest::Check::kReportFreshness), nullptr);
  const NodeTrust old = judge_later(kNow + testing::parameters().max_report_age);
  EXPECT_EQ(old.phase, Phase::kVerified);
  ASSERT_NE(attest::find(old.findings, attest::Check::kReportFreshness), nullptr);
  EXPECT_EQ(attest::find(old.findings, attest::Check::kReportFreshness)->code, "too-old");
}

TEST(NodeTrust, CertificatesEndWithoutBeingVerifiedAgain) {
  const NodeTrust ended = judge_later(kNow + std::chrono::hours(24 * 365 * 10));
  EXPECT_EQ(ended.phase, Phase::kPending);
  EXPECT_EQ(ended.code, "certificate-chain");
  EXPECT_THAT(ended.detail, ::testing::HasSubstr("ended at"));
  const NodeTrust early = judge_later(kNow - std::chrono::hours(24 * 365));
  EXPECT_EQ(early.phase, Phase::kPending);
  EXPECT_THAT(early.detail, ::testing::HasSubstr("begin at"));
}

TEST(VerifyEvidence, IsSettledWhenNothingCanBecomeKnown) {
  const auto with = testing::parameters();
  EXPECT_TRUE(is_settled(*verify_evidence(make_evidence(), 0, nullptr, testing::generations(), with, kNow)));
  EXPECT_FALSE(is_settled(*verify_evidence(make_evidence(), 0, nullptr, {}, with, kNow)))
      << "the key of its challenge may come";
  forge::BootOptions without;
  without.with_ak_certificate = false;
  EXPECT_FALSE(
      is_settled(*verify_evidence(make_evidence(without), 0, nullptr, testing::generations(), with, kNow)));
  forge::BootOptions stranger;
  stranger.report_by_stranger = true;
  EXPECT_FALSE(
      is_settled(*verify_evidence(make_evidence(stranger), 0, nullptr, testing::generations(), with, kNow)));
}

TEST(JudgeWithoutKey, TakesTheNonceAtItsWordAndNothingElse) {
  Scene scene;
  const NodeTrust with_key = scene.judge();
  scene.keys.clear();
  EXPECT_EQ(scene.judge().code, "qualifying-data");
  const NodeTrust trust = scene.judge(judge_without_key);
  EXPECT_EQ(trust.phase, wire::Phase::kVerified) << trust.detail;
  ASSERT_TRUE(trust.claims);
  EXPECT_EQ(trust.claims->quoted_since, with_key.claims->quoted_since);

  const auto outcome = [&](const std::function<void(Scene&)>& change) {
    Scene changed = scene;
    change(changed);
    const NodeTrust judged = changed.judge(judge_without_key);
    return std::string(wire::to_string(judged.phase)) + " " + judged.code;
  };
  EXPECT_EQ(outcome([](Scene& s) { s.quote = make_quote(**s.evidence, {.other_ak = true}); }),
            "Failed quote-signature");
  EXPECT_EQ(outcome([](Scene& s) { (*s.quote)->nonce[0] ^= 1U; }), "Pending qualifying-data");
  EXPECT_EQ(outcome([](Scene& s) { s.quote = make_quote(**s.evidence, {.epoch = kEpoch + 2}); }),
            "Pending epoch-future");
  EXPECT_EQ(outcome([](Scene& s) { s.node.boot_id = kOtherUuid; }), "Pending boot-changed");
  EXPECT_EQ(outcome([](Scene& s) { s.quote.reset(); }), "Pending no-quote");
}

TEST(VerifyEvidence, IsDoneOnceForTheSameContent) {
  const auto with = testing::parameters();
  const auto keys = testing::generations();
  const wire::NodeEvidence evidence = make_evidence();
  const auto first = verify_evidence(evidence, 0, nullptr, keys, with, kNow);
  EXPECT_EQ(verify_evidence(evidence, 0, first, keys, with, kNow + Seconds(60)), first);

  EXPECT_NE(verify_evidence(evidence, 0, first, keys, with, kNow + kVerificationLifetime + Seconds(1)),
            first);
  EXPECT_NE(verify_evidence(evidence, 0, first, {}, with, kNow), first)
      << "the challenge is not known any more";
  wire::NodeEvidence other = evidence;
  other.ak_certificate.clear();
  EXPECT_NE(verify_evidence(other, 0, first, keys, with, kNow), first);
  other = evidence;
  other.certificates.pop_back();
  EXPECT_NE(verify_evidence(other, 0, first, keys, with, kNow), first);
  other = evidence;
  other.collected.number -= 1;
  EXPECT_NE(verify_evidence(other, 0, first, keys, with, kNow), first);
  other = evidence;
  other.collected_at = "2026-08-25T00:00:00Z";
  EXPECT_EQ(verify_evidence(other, 0, first, keys, with, kNow), first) << "a hint changes nothing";
}

}  // namespace
}  // namespace nodeproof::webhook
