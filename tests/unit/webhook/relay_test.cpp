// Relays (DESIGN 3.2): evidence and quotes of one machine, boot or moment shown as those of another. Each is
// refused with a finding of its own, and harms nobody else; each has honest neighbours that pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/forge_event_log.hpp"
#include "tests/unit/webhook/cluster_picture.hpp"
#include "webhook/ak_holders.hpp"
#include "webhook/node_status.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using testing::kEpoch;
using testing::kEpochLength;
using testing::kNow;
using testing::make_quote;
using testing::QuoteChoice;
using testing::Scene;
using wire::Phase;

constexpr const char* kUidA = testing::kNodeUid;
constexpr const char* kUidB = "22222222-2222-4333-8444-555555555555";
constexpr const char* kUidC = "33333333-2222-4333-8444-555555555555";
constexpr const char* kBootA = testing::kBootId;
constexpr const char* kBootB = "bbbbbbbb-bbbb-4ccc-8ddd-eeeeeeeeeeee";
constexpr const char* kBootC = "cccccccc-bbbb-4ccc-8ddd-eeeeeeeeeeee";
constexpr const char* kVmB = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
// Of a quote that may be held against an earlier one: four epochs make a refresh.
constexpr std::uint64_t kRefresh = 4;

const forge::World& world_b() {
  static const forge::World world = forge::with_ak(forge::shared_world(), forge::PrivateKey::rsa(2048));
  return world;
}

// A confidential VM that somebody runs.
struct Machine {
  const forge::World& world;
  std::string vm_id;

  wire::NodeEvidence evidence(const attest::BootIdentity& as, std::uint64_t epoch = kEpoch - 3) const {
    forge::BootOptions options;
    options.claims.vm_id = vm_id;
    wire::NodeEvidence out = testing::make_evidence(options, epoch, world);
    out.boot = as;
    return out;
  }
  wire::NodeQuote quote(const wire::NodeEvidence& over, QuoteChoice choice = {}) const {
    choice.options.pcrs = forge::make_pcrs(vm_id);
    return make_quote(over, choice, world);
  }
  Scene scene(const attest::BootIdentity& as) const {
    Scene out;
    out.node = as;
    out.system_uuid = vm_id;
    out.evidence = Result<wire::NodeEvidence>(evidence(as));
    out.quote = Result<wire::NodeQuote>(quote(**out.evidence));
    return out;
  }
};

Machine machine_a() {
  return {forge::shared_world(), std::string(forge::kVmId)};
}
Machine machine_b() {
  return {world_b(), kVmB};
}

// Two honest nodes, each on its own machine.
struct Cluster {
  Scene a = machine_a().scene({kUidA, kBootA});
  Scene b = machine_b().scene({kUidB, kBootB});
  Inventory inventory;

  // As EvidenceIntake concludes: each node for itself, then who shares an AK.
  std::map<std::string, NodeTrust> judged() const {
    std::map<std::string, NodeTrust> out{{"a", a.judge()}, {"b", b.judge()}};
    AkHolders holders;
    for (const auto& [name, trust] : out) holders.put(name, &trust);
    const auto trust_of = [&out](const std::string& name) {
      return std::make_shared<const NodeTrust>(out.at(name));
    };
    for (auto& [name, trust] : disputed(holders, trust_of, inventory, Seconds(600), kNow))
      out.insert_or_assign(name, std::move(trust));
    return out;
  }
};

std::string told(const NodeTrust& trust) {
  return std::string(wire::to_string(trust.phase)) + (trust.code.empty() ? "" : " " + trust.code);
}

void set(Scene& scene, wire::NodeEvidence evidence, wire::NodeQuote quote) {
  scene.evidence = Result<wire::NodeEvidence>(std::move(evidence));
  scene.quote = Result<wire::NodeQuote>(std::move(quote));
}

// Filed as if it were of this node, this boot and this evidence.
wire::NodeQuote refiled(wire::NodeQuote quote, const Scene& as) {
  quote.boot = as.node;
  quote.evidence_digest = (**as.evidence).digest();
  return quote;
}

struct Relay {
  std::string name;
  std::function<void(Cluster&)> change;  // what b, or who is root on it, does
  std::string b;
  std::string a = "Verified";
};

void show_a_on_both(Cluster& c) {
  const wire::NodeEvidence evidence = machine_a().evidence(c.b.node);
  set(c.b, evidence, machine_a().quote(evidence));
  c.b.system_uuid = c.a.system_uuid;  // the kubelet's own word
}

const std::vector<Relay>& relays() {
  static const std::vector<Relay> list{
      {"nothing_wrong", [](Cluster&) {}, "Verified"},
      {"quote_of_another_node", [](Cluster& c) { c.b.quote = c.a.quote; }, "Pending node-identity"},
      {"quote_of_another_node_refiled", [](Cluster& c) { c.b.quote = refiled(**c.a.quote, c.b); },
       "Failed quote-signature"},
      {"evidence_of_another_node_with_own_quote",
       [](Cluster& c) {
         const wire::NodeEvidence evidence = machine_a().evidence(c.b.node);
         set(c.b, evidence, machine_b().quote(evidence));
       },
       "Failed quote-signature"},
      {"copied_evidence_and_quote", [](Cluster& c) { set(c.b, **c.a.evidence, **c.a.quote); },
       "Pending node-identity"},
      // The holder keeps its verdict: its AK signed nothing for the copy.
      {"copied_evidence_refiled",
       [](Cluster& c) {
         c.b.evidence = Result<wire::NodeEvidence>(machine_a().evidence(c.b.node));
         c.b.quote = refiled(**c.a.quote, c.b);
         c.b.system_uuid = c.a.system_uuid;
       },
       "Pending qualifying-data"},
      {"one_ak_on_two_nodes", show_a_on_both, "Failed duplicate-identity", "Failed duplicate-identity"},
      {"one_ak_on_two_nodes_and_an_inventory",
       [](Cluster& c) {
         show_a_on_both(c);
         c.inventory.put("pool", wire::NodeInventory{"pool", {{"a", machine_a().vm_id}, {"b", kVmB}}});
       },
       "Failed duplicate-identity"},
      {"vm_of_another_node", [](Cluster& c) { c.b.system_uuid = c.a.system_uuid; }, "Failed vm-id"},
      {"evidence_of_the_previous_boot", [](Cluster& c) { c.b.node.boot_id = kBootC; },
       "Pending boot-changed"},
      {"reimaged_under_the_same_name", [](Cluster& c) { c.b.node.node_uid = kUidC; },
       "Pending node-identity"},
      {"quote_of_another_epoch",
       [](Cluster& c) {
         wire::NodeQuote quote = machine_b().quote(**c.b.evidence, {.epoch = kEpoch - 9});
         quote.epoch.number = kEpoch;
         c.b.quote = Result<wire::NodeQuote>(std::move(quote));
       },
       "Pending qualifying-data"},
      {"quote_of_a_future_epoch",
       [](Cluster& c) { c.b.quote = machine_b().quote(**c.b.evidence, {.epoch = kEpoch + 2}); },
       "Pending epoch-future"},
      {"quote_of_the_epoch_that_begins",
       [](Cluster& c) { c.b.quote = machine_b().quote(**c.b.evidence, {.epoch = kEpoch + 1}); }, "Verified"},
  };
  return list;
}

class Relays : public ::testing::TestWithParam<std::size_t> {};

TEST_P(Relays, AreRefusedAloneAndEachByItsOwnFinding) {
  const Relay& relay = relays()[GetParam()];
  Cluster cluster;
  relay.change(cluster);
  const auto judged = cluster.judged();
  EXPECT_EQ(told(judged.at("b")), relay.b) << judged.at("b").detail;
  EXPECT_EQ(told(judged.at("a")), relay.a) << judged.at("a").detail;
  EXPECT_EQ(judged.at("b").claims != nullptr, relay.b == "Verified");
}

INSTANTIATE_TEST_SUITE_P(All, Relays, ::testing::Range<std::size_t>(0, relays().size()),
                         [](const auto& param) { return relays()[param.param].name; });

// ---- Older than the age -------------------------------------------------------------------------

std::string verdict(const NodeTrust& trust, const attest::AppraisalPolicy& policy,
                    const Inventory& inventory = Inventory(), UnixTime now = kNow) {
  const auto node = testing::entry("b", kUidB, std::make_shared<const NodeTrust>(trust));
  const auto unmet = evaluate({&policy, policy.max_evidence_age, &inventory}, node.get(), now);
  return unmet ? unmet->code : "met";
}

TEST(OldQuotes, MeetNoPolicyWhoseAgeTheyExceed) {
  Cluster cluster;
  cluster.b.quote = machine_b().quote(**cluster.b.evidence, {.epoch = kEpoch - 20});
  const NodeTrust trust = cluster.judged().at("b");
  const Seconds age = kNow - attest::epoch_start(kEpoch - 20, kEpochLength);
  EXPECT_EQ(verdict(trust, testing::policy("p", age)), "met");
  EXPECT_EQ(verdict(trust, testing::policy("p", age - Seconds(1))), "evidence-age");
  EXPECT_EQ(phase_at(trust, age - Seconds(1), kNow), Phase::kStale);
}

// ---- One machine in the course of time ----------------------------------------------------------

// What a node shows after it was verified once, with resetCount 5, restartCount 0 and clock 60,000.
struct Later {
  std::string name;
  std::uint32_t reset_count = 5;
  std::uint64_t clock = 180000;
  std::string boot_id = kBootB;
  std::string uid = kUidB;
  bool new_evidence = false;
  bool new_machine = false;
  std::string collected_at = {};  // by the node's clock
  std::string told = "Verified";
};

class InTheCourseOfTime : public ::testing::TestWithParam<Later> {};

TEST_P(InTheCourseOfTime, ATpmOnlyGoesForward) {
  const Later& later = GetParam();
  Scene scene = machine_b().scene({kUidB, kBootB});
  scene.quote = machine_b().quote(**scene.evidence, {.options = {.reset_count = 5}});
  const NodeTrust first = scene.judge();
  ASSERT_EQ(told(first), "Verified") << first.detail;

  // As EvidenceIntake keeps things: another boot or Node ends the proof, only another Node the mark.
  const attest::BootIdentity now{later.uid, later.boot_id};
  if (now == scene.node) scene.previous = first;
  if (later.uid == kUidB && first.mark) scene.mark = *first.mark;
  scene.node = now;
  scene.now = kNow + kRefresh * kEpochLength;
  const Machine machine = later.new_machine ? machine_a() : machine_b();
  scene.system_uuid = machine.vm_id;
  const bool anew = later.new_evidence || now != attest::BootIdentity{kUidB, kBootB};
  wire::NodeEvidence evidence = machine.evidence(now, anew ? kEpoch + 1 : kEpoch - 3);
  evidence.collected_at = later.collected_at;
  const QuoteChoice choice{.epoch = kEpoch + kRefresh,
                           .options = {.clock = later.clock, .reset_count = later.reset_count}};
  set(scene, evidence, machine.quote(evidence, choice));
  const NodeTrust trust = scene.judge();
  EXPECT_EQ(told(trust), later.told) << trust.detail;
  EXPECT_EQ(trust.claims != nullptr, later.told == "Verified");
}

INSTANTIATE_TEST_SUITE_P(
    All, InTheCourseOfTime,
    ::testing::Values(
        Later{.name = "next_refresh"},
        Later{.name = "clock_back_within_one_boot", .clock = 59999, .told = "Failed counters"},
        Later{.name = "reset_count_back", .reset_count = 4, .boot_id = kBootC, .told = "Failed counters"},
        // Root boots anew and has the kubelet report the old boot ID.
        Later{.name = "reset_under_the_same_boot_id",
              .reset_count = 6,
              .clock = 1000,
              .told = "Pending boot-changed"},
        Later{.name = "reset_under_the_same_boot_id_with_new_evidence",
              .reset_count = 6,
              .clock = 1000,
              .new_evidence = true,
              .told = "Pending boot-changed"},
        Later{.name = "clean_reboot", .reset_count = 6, .boot_id = kBootC},
        Later{.name = "crash", .reset_count = 6, .clock = 1000, .boot_id = kBootC},
        Later{.name = "reimage",
              .reset_count = 0,
              .clock = 1000,
              .boot_id = kBootC,
              .uid = kUidC,
              .new_machine = true},
        // The same machine registers anew: its TPM goes on, or was reset from outside.
        Later{.name = "node_deleted_and_registered_anew", .reset_count = 6, .boot_id = kBootC, .uid = kUidC},
        Later{.name = "node_replaced",
              .reset_count = 1,
              .clock = 1000,
              .boot_id = kBootC,
              .uid = kUidC,
              .new_machine = true},
        // A vTPM that Azure made anew under the same Node.
        Later{.name = "another_ak_after_a_reboot",
              .reset_count = 0,
              .clock = 1000,
              .boot_id = kBootC,
              .new_machine = true},
        Later{.name = "agent_upgrade", .new_evidence = true},
        Later{.name = "kubelet_restart", .clock = 180001},
        Later{.name = "clock_of_the_node_nine_hours_ahead",
              .new_evidence = true,
              .collected_at = "2026-08-25T09:00:00Z"},
        Later{.name = "clock_of_the_node_nine_hours_behind",
              .new_evidence = true,
              .collected_at = "2026-08-24T15:00:00Z"},
        Later{.name = "clock_of_the_node_at_its_first_second",
              .new_evidence = true,
              .collected_at = "1970-01-01T00:00:00Z"}),
    [](const auto& param) { return param.param.name; });

// ---- A key of the attacker's own ----------------------------------------------------------------

// Guest root put a software key where the AK is looked for, and makes TPMS_ATTESTs by hand: magic, type,
// qualifiedSigner and qualifyingData are right, the signature too.
Scene software_ak(std::optional<wire::ActivationAnswer> answer) {
  Scene out;
  forge::BootOptions options;
  options.with_ak_certificate = false;
  options.claims.ek_modulus = forge::shared_world().other_ak.rsa_modulus();  // the vTPM's, whose AK it is not
  wire::NodeEvidence evidence = testing::make_evidence(options);
  evidence.activation = std::move(answer);
  const wire::NodeQuote quote = make_quote(evidence);
  set(out, std::move(evidence), quote);
  return out;
}

TEST(SoftwareAk, IsRefusedForWantOfResidency) {
  const NodeTrust silent = software_ak(std::nullopt).judge();
  EXPECT_EQ(told(silent), "Pending ak-residency") << silent.detail;
  EXPECT_EQ(verdict(silent, testing::policy("p")), "ak-residency");

  ByteArray<32> guess{};
  guess.fill(0x5a);
  const NodeTrust guessed = software_ak(wire::ActivationAnswer{testing::kKid, guess}).judge();
  EXPECT_EQ(told(guessed), "Failed ak-residency") << guessed.detail;
  EXPECT_EQ(verdict(guessed, testing::policy("p")), "ak-residency");

  // Under a key that nobody holds, nothing was contradicted.
  const NodeTrust unknown = software_ak(wire::ActivationAnswer{"fedcba9876543210", guess}).judge();
  EXPECT_EQ(told(unknown), "Pending ak-residency") << unknown.detail;
}

// The neighbour that passes: the secret that only the vTPM of that EK reads, and only while the AK is in it.
TEST(SoftwareAk, ThatLivesInTheTpmIsNone) {
  const forge::World& world = forge::shared_world();
  const wire::EpochKeyGeneration key = testing::generations().front();
  const auto secret =
      attest::activation_secret(key.key, attest::ak_name(world.ak.rsa_modulus()),
                                attest::sha256(world.other_ak.rsa_modulus()), testing::kNodeUid);
  Scene scene = software_ak(wire::ActivationAnswer{key.kid, secret});
  const NodeTrust trust = scene.judge();
  EXPECT_EQ(told(trust), "Verified") << trust.detail;
  ASSERT_TRUE(trust.claims);
  EXPECT_EQ(trust.claims->boot.residency(), attest::Residency::kActivation);
  attest::AppraisalPolicy policy = testing::policy("p");
  EXPECT_EQ(verdict(trust, policy), "met");
  policy.ak_certificate = attest::Requirement::kRequired;
  EXPECT_EQ(verdict(trust, policy), "ak-certificate") << "it has none";
  const auto findings = attest::appraise(*trust.claims, policy, policy.max_evidence_age, kNow).findings;
  EXPECT_EQ(attest::first_failed(findings), attest::find(findings, attest::Check::kAkCertificate));

  // Of no other node.
  Scene moved = scene;
  wire::NodeEvidence evidence = **scene.evidence;
  evidence.boot.node_uid = kUidC;
  moved.node = evidence.boot;
  set(moved, evidence, make_quote(evidence));
  EXPECT_EQ(told(moved.judge()), "Failed ak-residency");
}

TEST(SoftwareAk, CannotBeVouchedForByAParavisorThatNobodyKnows) {
  const wire::EpochKeyGeneration key = testing::generations().front();
  forge::BootOptions options;
  options.with_ak_certificate = false;
  options.claims.ek_modulus = forge::shared_world().other_ak.rsa_modulus();
  options.edit_report = [](attest::SnpReport& report) { report.id_key_digest.fill(1); };
  wire::NodeEvidence evidence = testing::make_evidence(options);
  evidence.activation = wire::ActivationAnswer{
      key.kid, attest::activation_secret(key.key, attest::ak_name(forge::shared_world().ak.rsa_modulus()),
                                         attest::sha256(options.claims.ek_modulus), testing::kNodeUid)};
  Scene scene;
  set(scene, evidence, make_quote(evidence));
  const auto boot = scene.verified_boot();
  ASSERT_TRUE(boot->verification.claims);
  EXPECT_FALSE(boot->verification.claims->ak_resident());
  EXPECT_FALSE(boot->verification.activation) << "no credential is offered for its EK";
}

TEST(Activation, CountsWhileTheKeyOfItsCredentialIsKnown) {
  const wire::EpochKeyGeneration key = testing::generations().front();
  const auto secret = attest::activation_secret(
      key.key, attest::ak_name(forge::shared_world().ak.rsa_modulus()),
      attest::sha256(forge::shared_world().other_ak.rsa_modulus()), testing::kNodeUid);
  Scene scene = software_ak(wire::ActivationAnswer{key.kid, secret});
  const auto boot = scene.verified_boot();
  EXPECT_EQ(boot->activation_kid, key.kid);
  const Result<wire::EvidenceSummary> summary(wire::summary_of(**scene.evidence));
  const Result<wire::NodeQuote> quote(**scene.quote);
  NodeView view;
  view.node = scene.node;
  view.system_uuid = scene.system_uuid;
  view.evidence = &summary;
  view.quote = &quote;
  view.boot = boot.get();
  view.generations = scene.keys;
  EXPECT_EQ(told(judge(view, testing::parameters(), kNow)), "Verified");
  Generations others = scene.keys;
  others.front().kid = "fedcba9876543210";
  view.generations = others;
  const NodeTrust ended = judge(view, testing::parameters(), kNow);
  EXPECT_EQ(told(ended), "Pending ak-residency");
  const attest::Finding* finding = attest::find(ended.findings, attest::Check::kAkResidency);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->outcome, attest::Outcome::kNotChecked);
  EXPECT_EQ(finding->code, "activation-ended");
  Generations revoked = scene.keys;
  revoked.front().revoked = true;
  view.generations = revoked;
  EXPECT_EQ(told(judge(view, testing::parameters(), kNow)), "Pending ak-residency");
}

// ---- Somebody's genuine machine -----------------------------------------------------------------

// Root on a plain node also owns a confidential VM elsewhere, whose AK signs what he likes. Nothing but the
// inventory tells that VM from one of this cluster.
TEST(ColludingVm, IsRefusedUnderInventoryAndNamedInCoverageWithoutIt) {
  const NodeTrust trust = machine_a().scene({kUidB, kBootB}).judge();
  ASSERT_EQ(told(trust), "Verified") << trust.detail;
  attest::AppraisalPolicy policy = testing::policy("p");
  EXPECT_EQ(verdict(trust, policy), "met");

  Snapshot snapshot;
  const auto node = testing::entry("b", kUidB, std::make_shared<const NodeTrust>(trust));
  EXPECT_THAT(status_of(*node, snapshot, kNow).coverage,
              Contains(HasSubstr("nothing ties this VM to this cluster")));

  policy.node_identity = attest::NodeIdentity::kInventory;
  EXPECT_EQ(verdict(trust, policy), "node-inventory") << "without any inventory too";
  Inventory inventory;
  inventory.put("pool", wire::NodeInventory{"pool", {{"b", kVmB}}});
  EXPECT_EQ(verdict(trust, policy, inventory), "node-inventory");
  inventory.put("pool", wire::NodeInventory{"pool", {{"b", machine_a().vm_id}}});
  EXPECT_EQ(verdict(trust, policy, inventory), "met");
}

}  // namespace
}  // namespace nodeproof::webhook
