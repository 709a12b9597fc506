// Residency by EK activation, against a real TPM in software: its EK, its AK, and a key that lives in none.
#include "agent/activator.hpp"

#include <gtest/gtest.h>

#include "agent/esys_tpm.hpp"
#include "agent/quoter.hpp"
#include "attest/tpm_quote.hpp"
#include "tests/emulator/firmware.hpp"
#include "tests/emulator/tpm_commands.hpp"
#include "tests/support/forge_node.hpp"
#include "tests/support/swtpm_process.hpp"
#include "tests/unit/agent/fakes.hpp"
#include "webhook/activation_keeper.hpp"
#include "webhook/node_trust.hpp"

namespace nodeproof::agent {
namespace {

constexpr Seconds kEpochLength{30};
const std::uint64_t kEpoch = attest::epoch_at(forge::kNow, kEpochLength);
const std::string kAttestation = "/apis/nodeproof.dev/v1alpha1/nodeattestations/node-1";

webhook::Generations keys() {
  wire::EpochKeyGeneration out;
  out.kid = "0123456789abcdef";
  out.key.fill(9);
  out.first = kEpoch - 100;
  out.last = kEpoch + 100;
  return {out};
}

// As the leader writes it.
std::string offered(const attest::ActivationTarget& target, const std::string& uid = kNodeUid) {
  const auto offer = webhook::make_offer(target, uid, keys(), kEpoch, webhook::random_seeds()).value();
  auto object = web::json::value::parse(wire::activation_patch(offer));
  object["metadata"]["name"] = web::json::value::string("node-1");
  object["spec"]["nodeUID"] = web::json::value::string(uid);
  return object.serialize();
}

ByteArray<32> expected_secret(const attest::ActivationTarget& target) {
  return attest::activation_secret(keys().front().key, attest::with_name_alg(target.ak), target.ek_digest(),
                                   kNodeUid);
}

// What a paravisor signs of these keys.
wire::NodeEvidence evidence_of(ByteView ek_modulus, const forge::World& world = forge::shared_world()) {
  forge::BootOptions options;
  options.with_ak_certificate = false;
  options.claims.ek_modulus = to_bytes(ek_modulus);
  wire::NodeEvidence out = forge::make_node_evidence(options, world);
  out.name = "node-1";
  out.boot = kBoot;
  out.collected = {keys().front().kid, kEpoch - 3};
  return out;
}

attest::ActivationTarget target_of(ByteView ak_modulus, ByteView ek_modulus) {
  return {attest::ak_name_digest(ak_modulus), to_bytes(ek_modulus)};
}

// ---- The agent's part, with a TPM that opens anything ---------------------------------------------

class ActivatorTest : public testing::Test {
 protected:
  FakeApi api_;
  FakeTpm tpm_;
  Activator activator_{api_, tpm_};
  Bytes ek_ = forge::shared_world().other_ak.rsa_modulus();
  wire::NodeEvidence evidence_ = evidence_of(ek_);
  attest::ActivationTarget target_ = target_of(forge::shared_world().ak.rsa_modulus(), ek_);
};

TEST_F(ActivatorTest, IsWantedOnlyWithAnEkAndWithoutACertificate) {
  EXPECT_TRUE(Activator::is_wanted(evidence_));
  EXPECT_FALSE(Activator::is_wanted(evidence_of({})));
  wire::NodeEvidence certified = evidence_;
  certified.ak_certificate = {1};
  EXPECT_FALSE(Activator::is_wanted(certified));
  wire::NodeEvidence trusted_launch = evidence_;
  trusted_launch.platform = wire::kPlatformTrustedLaunch;
  EXPECT_FALSE(Activator::is_wanted(trusted_launch));
}

TEST_F(ActivatorTest, AnswersAnOfferForItsKeysOnce) {
  EXPECT_FALSE(activator_.answer(evidence_)) << "there is no object";
  api_.objects[kAttestation] = R"({"metadata":{"name":"node-1"},"spec":{"nodeUID":")" + kNodeUid + R"("}})";
  EXPECT_FALSE(activator_.answer(evidence_)) << "nothing is offered";
  api_.objects[kAttestation] = offered(target_, kBootId);
  EXPECT_FALSE(activator_.answer(evidence_)) << "to an earlier Node of this name";
  api_.objects[kAttestation] = offered(target_of(ek_, ek_));
  EXPECT_FALSE(activator_.answer(evidence_)) << "for another AK";
  api_.objects[kAttestation] = R"({"spec":{"nodeUID":")" + kNodeUid + R"("},"status":{"activation":{}}})";
  EXPECT_THROW(activator_.answer(evidence_), std::runtime_error) << "unreadable";
  EXPECT_EQ(tpm_.activations, 0);

  api_.objects[kAttestation] = offered(target_);
  EXPECT_TRUE(activator_.answer(evidence_));
  EXPECT_EQ(evidence_.activation, (wire::ActivationAnswer{keys().front().kid, *tpm_.held}));
  EXPECT_FALSE(activator_.answer(evidence_)) << "that offer is answered";
  EXPECT_EQ(tpm_.activations, 1);
}

TEST_F(ActivatorTest, KeepsItsAnswerForEvidenceOfTheSameKeys) {
  api_.objects[kAttestation] = offered(target_);
  ASSERT_TRUE(activator_.answer(evidence_));
  wire::NodeEvidence anew = evidence_of(ek_);
  activator_.carry_over(anew);
  EXPECT_EQ(anew.activation, evidence_.activation);
  wire::NodeEvidence other = evidence_of(forge::PrivateKey::rsa(2048).rsa_modulus());
  activator_.carry_over(other);
  EXPECT_FALSE(other.activation);
}

TEST_F(ActivatorTest, WhatTheTpmDoesNotOpenIsNoAnswer) {
  api_.objects[kAttestation] = offered(target_);
  tpm_.held.reset();
  EXPECT_THROW(activator_.answer(evidence_), TpmError);
  EXPECT_FALSE(evidence_.activation);
}

// ---- A real TPM ----------------------------------------------------------------------------------

class ActivationOnSwtpm : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::SwtpmProcess::installed()) GTEST_SKIP() << "swtpm is not installed: this test checked nothing";
    swtpm_ = std::make_unique<test::SwtpmProcess>();
    emulator::TpmCommands raw([this](ByteView command) { return swtpm_->transmit(command); });
    raw.make_ak(kAkHandle, Bytes(256));
    ak_ = raw.rsa_modulus(kAkHandle).value();
    ek_ = raw.ek_modulus();
    tpm_ = std::make_unique<EsysTpm>(swtpm_->tcti());
  }

  ByteArray<32> activate(const attest::ActivationTarget& target) {
    const auto offer = webhook::make_offer(target, kNodeUid, keys(), kEpoch, webhook::random_seeds());
    return tpm_->activate(offer->credential);
  }

  std::unique_ptr<test::SwtpmProcess> swtpm_;
  std::unique_ptr<EsysTpm> tpm_;
  Bytes ak_;
  Bytes ek_;
};

TEST_F(ActivationOnSwtpm, OpensACredentialForItsAk) {
  const attest::ActivationTarget target = target_of(ak_, ek_);
  EXPECT_EQ(activate(target), expected_secret(target));
  EXPECT_EQ(activate(target), expected_secret(target)) << "nothing is left behind that stands in the way";
}

// However root goes about it: the TPM holds no object of a software key's Name, for that Name says that the
// key never leaves the TPM.
TEST_F(ActivationOnSwtpm, DoesNotOpenWhatIsForAnotherKey) {
  const Bytes software = forge::shared_world().ak.rsa_modulus();
  EXPECT_THROW(activate(target_of(software, ek_)), TpmError);
  EXPECT_THROW(activate(target_of(ak_, software)), TpmError) << "another machine's EK";
  const attest::ActivationTarget target = target_of(ak_, ek_);
  EXPECT_EQ(activate(target), expected_secret(target)) << "and goes on working";
}

TEST_F(ActivationOnSwtpm, DoesNotOpenWhatWasAltered) {
  auto offer = webhook::make_offer(target_of(ak_, ek_), kNodeUid, keys(), kEpoch, webhook::random_seeds());
  attest::Credential altered = offer->credential;
  altered.id_object.back() ^= 1U;
  EXPECT_THROW(tpm_->activate(altered), TpmError);
  altered = offer->credential;
  altered.encrypted_seed.back() ^= 1U;
  EXPECT_THROW(tpm_->activate(altered), TpmError);
  altered.id_object.resize(2000);
  EXPECT_THROW(tpm_->activate(altered), TpmError);
}

// From evidence without a certificate to a verdict, with the AK and EK of swtpm in the injected report.
class ResidencyOnSwtpm : public ActivationOnSwtpm {
 protected:
  void SetUp() override {
    ActivationOnSwtpm::SetUp();
    if (IsSkipped()) return;
    tpm_.reset();
    emulator::TpmCommands raw([this](ByteView command) { return swtpm_->transmit(command); });
    log_ = emulator::measure_boot(raw, std::string(forge::kVmId), {});
    tpm_ = std::make_unique<EsysTpm>(swtpm_->tcti());
  }

  wire::NodeEvidence evidence(ByteView ak_modulus) const {
    forge::BootOptions options;
    options.with_ak_certificate = false;
    options.claims.ak_modulus = to_bytes(ak_modulus);
    options.claims.ek_modulus = ek_;
    options.event_log = log_;
    wire::NodeEvidence out = forge::make_node_evidence(options);
    out.name = "node-1";
    out.boot = kBoot;
    out.collected = {keys().front().kid, kEpoch - 3};
    return out;
  }

  static wire::PublishedEpoch epoch() {
    return {{keys().front().kid, kEpoch}, attest::epoch_nonce(keys().front().key, kEpoch), {}};
  }

  // As a replica of the webhook judges.
  static webhook::NodeTrust judged(const wire::NodeEvidence& evidence, const wire::NodeQuote& quote) {
    webhook::TrustParameters parameters;
    parameters.anchors = forge::trust_anchors_of(forge::shared_world());
    parameters.reference_values = forge::reference_values_of(forge::shared_world());
    const auto boot = webhook::verify_evidence(evidence, 0, nullptr, keys(), parameters, forge::kNow);
    const Result<wire::EvidenceSummary> summary(wire::summary_of(evidence));
    const Result<wire::NodeQuote> received(quote);
    const webhook::Generations generations = keys();
    webhook::NodeView view;
    view.node = kBoot;
    view.system_uuid = forge::kVmId;
    view.evidence = &summary;
    view.quote = &received;
    view.boot = boot.get();
    view.generations = generations;
    return webhook::judge(view, parameters, forge::kNow);
  }

  Bytes log_;
};

TEST_F(ResidencyOnSwtpm, IsProvenByTheAnswerAndTheQuoteStands) {
  wire::NodeEvidence mine = evidence(ak_);
  const wire::NodeQuote quote = make_quote(*tpm_, mine, epoch());
  const webhook::NodeTrust before = judged(mine, quote);
  EXPECT_EQ(before.phase, wire::Phase::kPending);
  EXPECT_EQ(before.code, "ak-residency") << before.detail;
  ASSERT_TRUE(before.activation) << "the leader knows whom to make a credential for";

  FakeApi api;
  api.objects[kAttestation] = offered(*before.activation);
  Activator activator(api, *tpm_);
  ASSERT_TRUE(activator.answer(mine));
  const webhook::NodeTrust after = judged(mine, quote);
  EXPECT_EQ(after.phase, wire::Phase::kVerified) << after.code << ": " << after.detail;
  ASSERT_TRUE(after.claims);
  EXPECT_EQ(after.claims->boot.residency(), attest::Residency::kActivation);
}

// Root has put a software key into the AK's place, so that the paravisor of this very machine reports it, and
// makes TPMS_ATTESTs of his own: magic, qualifiedSigner, qualifyingData and signature are right, PCRs as he
// likes.
TEST_F(ResidencyOnSwtpm, CannotBeShownForASoftwareKey) {
  wire::NodeEvidence his = evidence(forge::shared_world().ak.rsa_modulus());
  forge::Answer answer{.epoch = epoch().epoch, .nonce = epoch().nonce};
  answer.quote.pcrs = forge::make_pcrs();
  const wire::NodeQuote quote = forge::make_node_quote(his, answer);
  const webhook::NodeTrust before = judged(his, quote);
  EXPECT_EQ(before.code, "ak-residency") << before.detail;
  ASSERT_TRUE(before.activation);

  FakeApi api;
  api.objects[kAttestation] = offered(*before.activation);
  Activator activator(api, *tpm_);
  EXPECT_THROW(activator.answer(his), TpmError) << "the vTPM holds no object of that Name";
  // Nor does the secret of a credential that it does open, for the AK that it has.
  his.activation = wire::ActivationAnswer{keys().front().kid, activate(target_of(ak_, ek_))};
  const webhook::NodeTrust after = judged(his, quote);
  EXPECT_EQ(after.phase, wire::Phase::kFailed);
  EXPECT_EQ(after.code, "ak-residency") << after.detail;
}

}  // namespace
}  // namespace nodeproof::agent
