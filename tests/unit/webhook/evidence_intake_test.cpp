#include "webhook/evidence_intake.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "tests/support/captured_log.hpp"
#include "tests/unit/webhook/cluster_picture.hpp"
#include "tests/unit/webhook/json_objects.hpp"
#include "wire/epoch.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kBootId;
using testing::kEpoch;
using testing::kNodeUid;
using testing::kOtherUuid;
using testing::remove;
using testing::replace;
using testing::update;
using wire::Phase;

class FixedClock final : public Clock {
 public:
  UnixTime now() const override { return testing::kNow; }
};

std::string node_json(const std::string& name, const std::string& uid = kNodeUid,
                      const std::string& boot = kBootId, const std::string& label = {}) {
  return R"({"metadata":{"name":")" + name + R"(","uid":")" + uid + R"(","labels":{"other":"x")" +
         (label.empty() ? ""
                        : R"(,"nodeproof.node-restriction.kubernetes.io/attestation":")" + label + "\"") +
         R"(}},"status":{"nodeInfo":{"bootID":")" + boot + R"("}}})";
}

class Intake : public ::testing::Test {
 protected:
  Intake() { intake_.start(); }

  static std::string secret_of(const Generations& generations) {
    return wire::epoch_secret(generations, "np", "1");
  }
  static std::string secret() { return secret_of(testing::generations()); }

  // As a first list of every collection brings it.
  void list_all() {
    replace(intake_.nodes(), {node_json("cvm-1")});
    replace(intake_.evidences(), {wire::to_json(evidence_)});
    replace(intake_.quotes(), {wire::to_json(testing::make_quote(evidence_))});
    replace(intake_.policies(), {});
    replace(intake_.namespaces(), {});
    replace(intake_.inventories(), {});
    replace(intake_.epoch_secret(), {secret()});
  }
  // As at the next refresh.
  void quote_again() { update(intake_.quotes(), wire::to_json(testing::make_quote(evidence_))); }

  // Waits until the snapshot is as wanted; the last one when it never becomes so.
  std::shared_ptr<const Snapshot> until(const std::function<bool(const Snapshot&)>& wanted) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    auto snapshot = intake_.snapshot();
    while (!wanted(*snapshot) && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      snapshot = intake_.snapshot();
    }
    EXPECT_TRUE(wanted(*snapshot));
    return snapshot;
  }
  std::shared_ptr<const Snapshot> until_phase(Phase phase, const std::string& name = "cvm-1") {
    return until([&](const Snapshot& snapshot) {
      const NodeEntry* node = snapshot.nodes->find(name);
      return node != nullptr && node->trust && node->trust->phase == phase;
    });
  }

  FixedClock clock_;
  wire::NodeEvidence evidence_ = testing::make_evidence();
  std::atomic<int> judged_{0};
  NodeAttestations remembered_;
  EvidenceIntake intake_{testing::parameters(), clock_, remembered_,
                         [this](const NodeTrust&, auto) { ++judged_; }};
};

TEST_F(Intake, JudgesWhatTheWatchesTell) {
  list_all();
  const auto snapshot = until_phase(Phase::kVerified);
  EXPECT_EQ(snapshot->nodes->at("cvm-1").uid(), kNodeUid);
  EXPECT_TRUE(until([](const Snapshot& s) { return s.complete; })->complete);
}

TEST_F(Intake, IsCompleteOnlyWhenEveryCollectionIsListedAndEveryNodeJudged) {
  replace(intake_.nodes(), {node_json("cvm-1")});
  replace(intake_.evidences(), {});
  replace(intake_.quotes(), {});
  replace(intake_.policies(), {});
  replace(intake_.namespaces(), {});
  replace(intake_.inventories(), {});
  EXPECT_FALSE(until_phase(Phase::kPending)->complete);
  replace(intake_.epoch_secret(), {});
  until([](const Snapshot& s) { return s.complete; });
}

TEST_F(Intake, AnyOrderGivesTheSameConclusion) {
  update(intake_.quotes(), wire::to_json(testing::make_quote(evidence_)));
  update(intake_.nodes(), node_json("cvm-1"));
  until_phase(Phase::kPending);
  update(intake_.evidences(), wire::to_json(evidence_));
  EXPECT_EQ(until([](const Snapshot& s) {
              return s.nodes->contains("cvm-1") && s.nodes->at("cvm-1").trust &&
                     s.nodes->at("cvm-1").trust->code == "qualifying-data";
            })
                ->nodes->at("cvm-1")
                .trust->phase,
            Phase::kPending);
  update(intake_.epoch_secret(), secret());
  until_phase(Phase::kVerified);
}

TEST_F(Intake, IsNotCompleteBeforeTheEvidenceAtHandIsVerified) {
  list_all();
  const auto snapshot = until([](const Snapshot& s) { return s.complete; });
  EXPECT_EQ(snapshot->nodes->at("cvm-1").trust->phase, Phase::kVerified);
}

TEST_F(Intake, TellsOnceWhatCannotBeRead) {
  const std::string broken_node =
      R"({"metadata":{"name":"cvm-1","uid":"?"},"status":{"nodeInfo":{"bootID":7}}})";
  const std::string broken = R"({"metadata":{"name":"cvm-1"},"spec":7})";
  test::CapturedLog log;
  for (int refresh = 0; refresh < 3; ++refresh) {
    update(intake_.nodes(), broken_node);
    update(intake_.evidences(), broken);
    update(intake_.quotes(), broken);
  }
  EXPECT_THAT(log.lines(), ElementsAre(HasSubstr("Node cvm-1 cannot be read, it counts as gone: "),
                                       HasSubstr("the evidence of node cvm-1 cannot be read: "),
                                       HasSubstr("the quote of node cvm-1 cannot be read: ")));
  update(intake_.evidences(), wire::to_json(evidence_));
  update(intake_.quotes(), wire::to_json(testing::make_quote(evidence_)));
  EXPECT_THAT(log.lines(), ElementsAre(HasSubstr("the evidence of node cvm-1 can be read again"),
                                       HasSubstr("the quote of node cvm-1 can be read again")));
  update(intake_.nodes(), node_json("cvm-1"));
  EXPECT_THAT(log.text(), HasSubstr("Node cvm-1 can be read again"));
  until_phase(Phase::kPending);
}

// Evidence and quote are dropped once nothing reads them any more.
TEST_F(Intake, WhatWasDroppedIsNotMissed) {
  list_all();
  until_phase(Phase::kVerified);
  const int judged = judged_;
  update(intake_.epoch_secret(), secret());
  while (judged_ == judged) std::this_thread::yield();
  EXPECT_EQ(intake_.snapshot()->nodes->at("cvm-1").trust->phase, Phase::kVerified);
  const auto next = [this] { return wire::to_json(testing::make_quote(evidence_, {.epoch = kEpoch + 1})); };
  update(intake_.quotes(), next());
  until([](const Snapshot& s) {
    return s.nodes->at("cvm-1").trust->claims->quoted_since ==
           attest::epoch_start(kEpoch + 1, testing::kEpochLength);
  });
  replace(intake_.evidences(), {wire::to_json(evidence_)});
  replace(intake_.quotes(), {next()});
  until_phase(Phase::kVerified);
  replace(intake_.evidences(), {});
  update(intake_.quotes(), wire::to_json(testing::make_quote(evidence_, {.other_ak = true})));
  EXPECT_EQ(until_phase(Phase::kVerified)->nodes->at("cvm-1").trust->phase, Phase::kVerified)
      << "without its evidence a quote contradicts nothing";
}

// However often two verifiers meet at one node, the last objects count.
TEST_F(Intake, ManyNodesAtOnceComeOutRight) {
  list_all();
  std::vector<std::string> nodes, evidences, quotes;
  const std::vector<forge::PrivateKey> aks = forge::PrivateKey::rsa_grid(8, 5);
  for (std::size_t i = 0; i < 40; ++i) {
    const forge::World world = forge::with_ak(forge::shared_world(), aks[i].share());
    wire::NodeEvidence evidence = testing::make_evidence({}, kEpoch - 3, world);
    evidence.name = "node-" + std::to_string(i);
    nodes.push_back(node_json(evidence.name));
    evidences.push_back(wire::to_json(evidence));
    quotes.push_back(wire::to_json(testing::make_quote(evidence, {.other_ak = i % 2 == 1}, world)));
  }
  for (std::size_t i = 0; i < 40; ++i) {
    update(intake_.quotes(), quotes[i]);
    update(intake_.nodes(), nodes[i]);
    update(intake_.evidences(), evidences[i]);
  }
  for (std::size_t i = 0; i < 40; ++i) {
    until_phase(i % 2 == 1 ? Phase::kFailed : Phase::kVerified, "node-" + std::to_string(i));
  }
}

TEST_F(Intake, AContradictionFailsTheNodeAndAGoodQuoteMendsIt) {
  list_all();
  until_phase(Phase::kVerified);
  update(intake_.quotes(), wire::to_json(testing::make_quote(evidence_, {.other_ak = true})));
  const auto failed = until_phase(Phase::kFailed);
  EXPECT_EQ(failed->nodes->at("cvm-1").trust->code, "quote-signature");
  update(intake_.quotes(), wire::to_json(testing::make_quote(evidence_)));
  until_phase(Phase::kVerified);
}

TEST_F(Intake, AnUnreadableObjectFailsItsNodeOnly) {
  list_all();
  update(intake_.nodes(), node_json("other", kOtherUuid));
  until_phase(Phase::kVerified);
  update(intake_.evidences(), R"({"metadata":{"name":"other"},"spec":{"surprise":1}})");
  const auto snapshot = until_phase(Phase::kFailed, "other");
  EXPECT_EQ(snapshot->nodes->at("cvm-1").trust->phase, Phase::kVerified);
}

TEST_F(Intake, ANewBootOrANewNodeEndsTheClaimsAtOnce) {
  list_all();
  until_phase(Phase::kVerified);
  update(intake_.nodes(), node_json("cvm-1", kNodeUid, kOtherUuid));
  EXPECT_FALSE(until_phase(Phase::kPending)->nodes->at("cvm-1").trust->claims);
  update(intake_.nodes(), node_json("cvm-1"));
  quote_again();
  until_phase(Phase::kVerified);
  update(intake_.nodes(), node_json("cvm-1", kOtherUuid));
  EXPECT_EQ(until_phase(Phase::kPending)->nodes->at("cvm-1").uid(), kOtherUuid);
}

TEST_F(Intake, ANodeThatIsGoneIsGone) {
  list_all();
  until_phase(Phase::kVerified);
  remove(intake_.nodes(), node_json("cvm-1"));
  until([](const Snapshot& s) { return s.nodes->empty(); });
  update(intake_.nodes(), node_json("cvm-1"));
  quote_again();
  until_phase(Phase::kVerified);
  replace(intake_.nodes(), {node_json("other", kOtherUuid)});
  until([](const Snapshot& s) { return s.nodes->size() == 1 && s.nodes->contains("other"); });
}

// Garbage collection takes the objects after their Node: then nothing of it is kept.
TEST_F(Intake, NothingIsKeptOfANodeThatIsGone) {
  list_all();
  until_phase(Phase::kVerified);
  EXPECT_EQ(intake_.remembered(), 1U);
  remove(intake_.nodes(), node_json("cvm-1"));
  EXPECT_EQ(intake_.remembered(), 1U) << "its objects are still there";
  remove(intake_.evidences(), wire::to_json(evidence_));
  remove(intake_.quotes(), wire::to_json(testing::make_quote(evidence_)));
  EXPECT_EQ(intake_.remembered(), 0U);
}

TEST_F(Intake, AListReplacesWhatWasThere) {
  list_all();
  const auto before = until_phase(Phase::kVerified);
  replace(intake_.quotes(), {});
  replace(intake_.evidences(), {});
  const int judged = judged_;
  update(intake_.epoch_secret(), secret());
  while (judged_ == judged) std::this_thread::yield();
  EXPECT_EQ(intake_.snapshot()->nodes->at("cvm-1").trust->claims, before->nodes->at("cvm-1").trust->claims)
      << "a lost object is no contradiction: the pair lives until its age ends it";
}

TEST_F(Intake, KeepsTheKeysWhenTheSecretIsLostOrUnreadable) {
  list_all();
  until_phase(Phase::kVerified);
  update(intake_.epoch_secret(), R"({"metadata":{"name":"nodeproof-epoch-key"},"data":{}})");
  remove(intake_.epoch_secret(), secret());
  replace(intake_.epoch_secret(), {});
  update(intake_.quotes(), wire::to_json(testing::make_quote(evidence_, {.epoch = kEpoch + 1})));
  until([](const Snapshot& s) {
    return s.nodes->at("cvm-1").trust->claims && s.nodes->at("cvm-1").trust->claims->quoted_since ==
                                                     attest::epoch_start(kEpoch + 1, testing::kEpochLength);
  });
}

// What may become of epochs and their key, one thing after the other: no node is ever Failed for it, and
// claims end only by their age or a revocation.
TEST_F(Intake, NothingThatBecomesOfEpochsFailsANode) {
  list_all();
  until_phase(Phase::kVerified);
  std::atomic<bool> done{false};
  std::atomic<bool> failed{false};
  std::thread watcher([&] {
    while (!done) {
      const auto snapshot = intake_.snapshot();
      const NodeEntry* node = snapshot->nodes->find("cvm-1");
      if (node != nullptr && node->trust && node->trust->phase == Phase::kFailed) failed = true;
      std::this_thread::yield();
    }
  });
  const auto settle = [this] {
    const int judged = judged_;
    update(intake_.epoch_secret(), secret_of(testing::generations()));
    while (judged_ == judged) std::this_thread::yield();
  };
  const auto still_verified = [this] {
    EXPECT_EQ(intake_.snapshot()->nodes->at("cvm-1").trust->phase, Phase::kVerified);
  };
  // Garbage in the ConfigMap, or an epoch that somebody made up: agents answer what they find there.
  wire::NodeQuote foreign = testing::make_quote(evidence_, {.qualifying_data = Bytes(32, 9)});
  update(intake_.quotes(), wire::to_json(foreign));
  settle();
  still_verified();
  // A leader whose clock is an hour ahead.
  update(intake_.quotes(), wire::to_json(testing::make_quote(evidence_, {.epoch = kEpoch + 90})));
  settle();
  still_verified();
  // A Secret that was lost and made anew: another kid, and quotes of it before its keys are known here.
  wire::NodeQuote unknown = testing::make_quote(evidence_);
  unknown.epoch.kid = "ffffffffffffffff";
  update(intake_.quotes(), wire::to_json(unknown));
  settle();
  still_verified();
  remove(intake_.epoch_secret(), secret());
  update(intake_.epoch_secret(), R"({"metadata":{"name":"nodeproof-epoch-key"},"data":{"generations":"?"}})");
  update(intake_.quotes(), wire::to_json(testing::make_quote(evidence_, {.epoch = kEpoch + 1})));
  until([](const Snapshot& s) {
    return s.nodes->at("cvm-1").trust->claims && s.nodes->at("cvm-1").trust->epoch == kEpoch + 1;
  });
  done = true;
  watcher.join();
  EXPECT_FALSE(failed);
}

TEST_F(Intake, ARevokedGenerationEndsTheProofAtOnceAndTheNextQuoteRenewsIt) {
  list_all();
  until_phase(Phase::kVerified);
  Generations keys = testing::generations();
  wire::EpochKeyGeneration next = keys.front();
  next.kid = "00000000000000ff";
  next.key.fill(8);
  keys = *with_revoked(keys, keys.front().kid);
  keys.push_back(next);
  update(intake_.epoch_secret(), secret_of(keys));
  const auto stale = until_phase(Phase::kStale);
  EXPECT_EQ(stale->nodes->at("cvm-1").trust->code, "qualifying-data");
  EXPECT_FALSE(stale->nodes->at("cvm-1").trust->claims);
  const attest::Finding* finding =
      attest::find(stale->nodes->at("cvm-1").trust->findings, attest::Check::kQualifyingData);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->outcome, attest::Outcome::kNotChecked);
  // The same quote again does not help, as at a restart of this replica.
  const int judged = judged_;
  update(intake_.quotes(), wire::to_json(testing::make_quote(evidence_)));
  while (judged_ == judged) std::this_thread::yield();
  until_phase(Phase::kStale);
  const wire::NodeQuote renewed = forge::make_node_quote(
      evidence_, {.epoch = {next.kid, kEpoch}, .nonce = attest::epoch_nonce(next.key, kEpoch)});
  update(intake_.quotes(), wire::to_json(renewed));
  EXPECT_EQ(until_phase(Phase::kVerified)->nodes->at("cvm-1").trust->kid, next.kid);
}

// Each verdict rests on one quote, of one generation or the other.
TEST_F(Intake, RotationUnderLoadLosesNoNode) {
  constexpr std::size_t kNodes = 30;
  list_all();
  until_phase(Phase::kVerified);
  Generations keys = testing::generations();
  const std::vector<forge::PrivateKey> aks = forge::PrivateKey::rsa_grid(6, 5);
  std::vector<forge::World> worlds;
  std::vector<wire::NodeEvidence> evidences;
  for (std::size_t i = 0; i < kNodes; ++i) {
    worlds.push_back(forge::with_ak(forge::shared_world(), aks[i].share()));
    wire::NodeEvidence evidence = testing::make_evidence({}, kEpoch - 3, worlds.back());
    evidence.name = "node-" + std::to_string(i);
    update(intake_.nodes(), node_json(evidence.name));
    update(intake_.evidences(), wire::to_json(evidence));
    evidences.push_back(std::move(evidence));
  }
  for (int round = 0; round < 3; ++round) {
    wire::EpochKeyGeneration next = keys.front();
    next.kid = "000000000000000" + std::to_string(round);
    next.key.fill(static_cast<std::uint8_t>(20 + round));
    keys.push_back(next);
    for (std::size_t i = 0; i < kNodes; ++i) {
      if (i == kNodes / 2) update(intake_.epoch_secret(), secret_of(keys));
      const wire::NodeQuote quote = forge::make_node_quote(
          evidences[i], {.epoch = {next.kid, kEpoch}, .nonce = attest::epoch_nonce(next.key, kEpoch)},
          worlds[i]);
      update(intake_.quotes(), wire::to_json(quote));
    }
    until([&](const Snapshot& s) {
      for (std::size_t i = 0; i < kNodes; ++i) {
        const NodeEntry* node = s.nodes->find("node-" + std::to_string(i));
        if (node == nullptr || !node->trust || node->trust->phase != Phase::kVerified ||
            node->trust->kid != next.kid)
          return false;
      }
      return true;
    });
  }
}

// ---- One AK, one Node ----------------------------------------------------------------------------

constexpr const char* kSecondUid = "22222222-2222-4333-8444-555555555555";

wire::NodeEvidence evidence_of_second(const std::string& uid = kSecondUid) {
  wire::NodeEvidence out = testing::make_evidence();
  out.name = "cvm-2";
  out.boot = {uid, kBootId};
  return out;
}

class Dispute : public Intake {
 protected:
  // A second Node, for which the AK of the first signs as well.
  void show_twice() {
    list_all();
    until_phase(Phase::kVerified);
    const wire::NodeEvidence second = evidence_of_second();
    update(intake_.nodes(), node_json("cvm-2", kSecondUid));
    update(intake_.evidences(), wire::to_json(second));
    update(intake_.quotes(), wire::to_json(testing::make_quote(second)));
  }
  // "Verified Failed": of the first and of the second.
  void until_they_are(const std::string& phases) {
    until([&](const Snapshot& s) { return phase_of(s, "cvm-1") + " " + phase_of(s, "cvm-2") == phases; });
  }
  static std::string phase_of(const Snapshot& snapshot, const std::string& name) {
    const NodeEntry* node = snapshot.nodes->find(name);
    if (node == nullptr) return "gone";
    return node->trust ? std::string(wire::to_string(node->trust->phase)) : "unknown";
  }
  static std::string inventory(const std::string& node, const std::string& vm) {
    return R"({"metadata":{"name":"pool"},"spec":{"nodes":[{"node":")" + node + R"(","vmId":")" + vm +
           R"("}]}})";
  }
};

TEST_F(Dispute, TwoNodesOfOneAkFailTogetherAndOneThatGoesFreesTheOther) {
  show_twice();
  until_they_are("Failed Failed");
  const auto snapshot = intake_.snapshot();
  EXPECT_EQ(snapshot->nodes->at("cvm-1").trust->code, "duplicate-identity");
  EXPECT_TRUE(is_dispute(*snapshot->nodes->at("cvm-2").trust));
  remove(intake_.nodes(), node_json("cvm-2", kSecondUid));
  until_they_are("Verified gone");
}

TEST_F(Dispute, IsSettledByAnInventoryAndOpenWithoutIt) {
  show_twice();
  until_they_are("Failed Failed");
  update(intake_.inventories(), inventory("cvm-1", std::string(forge::kVmId)));
  until_they_are("Verified Failed");
  update(intake_.inventories(), inventory("cvm-2", std::string(forge::kVmId)));
  until_they_are("Failed Verified");
  remove(intake_.inventories(), inventory("cvm-2", std::string(forge::kVmId)));
  until_they_are("Failed Failed");
}

TEST_F(Dispute, EndsWithTheOtherBoot) {
  show_twice();
  until_they_are("Failed Failed");
  update(intake_.nodes(), node_json("cvm-2", kSecondUid, kOtherUuid));
  until_they_are("Verified Pending");
}

// The copy has no quote of the AK's over it, so there is no dispute.
TEST_F(Dispute, ACopiedEvidenceFailsAlone) {
  list_all();
  until_phase(Phase::kVerified);
  wire::NodeEvidence copy = evidence_;
  copy.name = "cvm-2";
  wire::NodeQuote quote = testing::make_quote(evidence_);
  quote.name = "cvm-2";
  update(intake_.nodes(), node_json("cvm-2", kSecondUid));
  update(intake_.evidences(), wire::to_json(copy));
  update(intake_.quotes(), wire::to_json(quote));
  until([](const Snapshot& s) {
    const NodeEntry* node = s.nodes->find("cvm-2");
    return node != nullptr && node->trust && node->trust->code == "node-identity";
  });
  until_they_are("Verified Pending");
}

// ---- Counters across restarts --------------------------------------------------------------------

std::string attestation(const std::string& uid, std::uint64_t clock) {
  wire::NodeAttestationStatus status;
  status.counters = *testing::Scene().judge().mark;
  status.counters->clock = clock;
  status.counters->epoch = kEpoch - 8;
  return R"({"metadata":{"name":"cvm-1"},"spec":{"nodeUID":")" + uid + R"("},)" +
         wire::status_patch(status, {}).substr(1);
}

TEST_F(Intake, WhatTheLeaderRememberedRefusesAndNeverAdmits) {
  replace(remembered_.handler(), {attestation(kNodeUid, 60001)});
  list_all();
  const auto snapshot = until_phase(Phase::kFailed);
  EXPECT_EQ(snapshot->nodes->at("cvm-1").trust->code, "counters");
  EXPECT_TRUE(until([](const Snapshot& s) { return s.complete; })->complete);
}

TEST_F(Intake, WhatTheLeaderRememberedOfAnotherNodeOrForgotCountsForNothing) {
  replace(remembered_.handler(), {attestation(kOtherUuid, 60001)});
  list_all();
  until_phase(Phase::kVerified);
  update(remembered_.handler(), attestation(kNodeUid, 60001));
  remove(remembered_.handler(), attestation(kNodeUid, 60001));
  update(remembered_.handler(),
         R"({"metadata":{"name":"cvm-1"},"spec":{"nodeUID":"x"},"status":{"counters":{}}})");
  update(intake_.quotes(), wire::to_json(testing::make_quote(evidence_, {.epoch = kEpoch + 1})));
  until([](const Snapshot& s) { return s.nodes->at("cvm-1").trust->epoch == kEpoch + 1; });
}

TEST_F(Intake, AMarkOutlivesTheBootAndNotTheNode) {
  list_all();
  until_phase(Phase::kVerified);
  EXPECT_TRUE(intake_.snapshot()->nodes->at("cvm-1").trust->mark);
  update(intake_.nodes(), node_json("cvm-1", kNodeUid, kOtherUuid));
  EXPECT_TRUE(until_phase(Phase::kPending)->nodes->at("cvm-1").trust->mark);
  update(intake_.nodes(), node_json("cvm-1", kOtherUuid, kOtherUuid));
  until([](const Snapshot& s) {
    const auto& trust = s.nodes->at("cvm-1").trust;
    return trust && trust->code == "node-identity" && !trust->mark;
  });
}

TEST_F(Intake, LabelsOfOursReachTheSnapshotWithoutAJudgement) {
  list_all();
  until_phase(Phase::kVerified);
  const int judged = judged_;
  update(intake_.nodes(), node_json("cvm-1", kNodeUid, kBootId, "verified"));
  const auto snapshot = until([](const Snapshot& s) { return !s.nodes->at("cvm-1").labels->empty(); });
  EXPECT_EQ(snapshot->nodes->at("cvm-1").labels->size(), 1U);
  EXPECT_EQ(judged_, judged);
}

TEST_F(Intake, TaintsOfOursReachTheSnapshotWithoutAJudgement) {
  list_all();
  until_phase(Phase::kVerified);
  const int judged = judged_;
  std::string json = node_json("cvm-1", kNodeUid, kBootId);
  json.insert(1, R"("spec":{"taints":[{"key":"nodeproof.dev/failed","effect":"NoExecute"}]},)");
  update(intake_.nodes(), json);
  const auto snapshot = until([](const Snapshot& s) { return !s.nodes->at("cvm-1").taints->empty(); });
  EXPECT_EQ(snapshot->nodes->at("cvm-1").taints->size(), 1U);
  EXPECT_EQ(judged_, judged);
  update(intake_.nodes(), node_json("cvm-1", kNodeUid, kBootId));
  until([](const Snapshot& s) { return s.nodes->at("cvm-1").taints->empty(); });
}

TEST_F(Intake, PoliciesAndNamespacesAreParsedAndReplaced) {
  const std::string good = R"({"metadata":{"name":"good"},"spec":{"maxEvidenceAge":"1m"}})";
  const std::string bad = R"({"metadata":{"name":"bad"},"spec":{"surprise":1}})";
  replace(intake_.policies(), {good, bad});
  auto policies = intake_.snapshot()->policies;
  EXPECT_EQ(policies->at("good")->max_evidence_age, Seconds(60));
  EXPECT_FALSE(policies->at("bad"));
  remove(intake_.policies(), bad);
  update(intake_.policies(), R"({"metadata":{"name":"good"},"spec":{"maxEvidenceAge":"2m"}})");
  EXPECT_EQ(intake_.snapshot()->policies->size(), 1U);
  EXPECT_EQ(intake_.snapshot()->policies->at("good")->max_evidence_age, Seconds(120));

  const std::string ns = R"({"metadata":{"name":"demo","labels":{"nodeproof.dev/enforce":"all-pods"},)"
                         R"("annotations":{"nodeproof.dev/policy":"good"}}})";
  replace(intake_.namespaces(), {ns});
  EXPECT_EQ(intake_.snapshot()->namespaces->at("demo").enforce, "all-pods");
  EXPECT_EQ(intake_.snapshot()->namespaces->at("demo").policy, "good");
  update(intake_.namespaces(), R"({"metadata":{"name":"demo"}})");
  EXPECT_EQ(intake_.snapshot()->namespaces->at("demo").enforce, "");
  remove(intake_.namespaces(), ns);
  EXPECT_TRUE(intake_.snapshot()->namespaces->empty());
}

TEST_F(Intake, ALoopingNodeIsDelayedAndItsLastWordCounts) {
  list_all();
  until_phase(Phase::kVerified);
  const std::string good = wire::to_json(testing::make_quote(evidence_));
  const std::string bad = wire::to_json(testing::make_quote(evidence_, {.other_ak = true}));
  const int judged = judged_;
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) {
    update(intake_.quotes(), i % 2 == 0 ? bad : good);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  const int delayed = judged_ - judged;
  const auto intervals = (std::chrono::steady_clock::now() - began) / VerificationQueue::kInterval;
  EXPECT_LE(delayed, VerificationQueue::kBurst + 1 + static_cast<int>(intervals));
  until_phase(Phase::kVerified);
}

}  // namespace
}  // namespace nodeproof::webhook
