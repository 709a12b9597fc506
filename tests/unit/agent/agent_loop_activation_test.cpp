// Residency without a certificate: the loop answers a credential that the webhook made for the node's AK.
#include "tests/unit/agent/agent_loop_scene.hpp"

namespace nodeproof::agent {
namespace {

class Activation : public AgentLoopTest {
 protected:
  static constexpr const char* kAttestation = "/apis/nodeproof.dev/v1alpha1/nodeattestations/node-1";
  Activation() { tpm_.ek_modulus = forge::shared_world().other_ak.rsa_modulus(); }
  void offer(const std::string& kid) {
    wire::ActivationOffer out;
    out.kid = kid;
    out.ak = attest::ak_name_digest(forge::shared_world().ak.rsa_modulus());
    out.ek = attest::sha256(tpm_.ek_modulus);
    out.credential = {{1}, {2}};
    auto object = web::json::value::parse(wire::activation_patch(out));
    object["spec"]["nodeUID"] = web::json::value::string(kNodeUid);
    api_.objects[kAttestation] = object.serialize();
  }
  std::size_t asked() const { return api_.count(std::string("GET ") + kAttestation); }
};

TEST_F(Activation, AnOfferIsAnsweredBetweenRefreshesAndKeepsTheQuote) {
  run(2, [this](int waits) {
    if (waits != 1) return;
    EXPECT_FALSE(evidence().activation) << "what there is was published without it";
    offer("k1");
  });
  EXPECT_EQ(tpm_.quotes, 1);
  EXPECT_EQ(evidence().activation, (wire::ActivationAnswer{"k1", *tpm_.held}));
  EXPECT_EQ(quote().evidence_digest, evidence().digest());
}

TEST_F(Activation, AnAnswerIsNotAskedForAgainUntilEvidenceIsCollectedAnew) {
  offer("k1");
  run(3);
  EXPECT_EQ(asked(), 1U);
  EXPECT_EQ(tpm_.activations, 1);
}

TEST_F(Activation, NewEvidenceCarriesTheAnswerAndAsksForANewerOffer) {
  offer("k1");
  EXPECT_TRUE(once());
  set_boot_id(kNodeUid);  // a boot of the same machine
  offer("k2");
  EXPECT_TRUE(once());
  EXPECT_EQ(evidence().activation->kid, "k2");
  EXPECT_EQ(tpm_.activations, 2);
  api_.objects.erase(kAttestation);
  set_boot_id(kBootId);
  EXPECT_TRUE(once());
  EXPECT_EQ(evidence().activation->kid, "k2") << "residency stays proven";
}

TEST_F(Activation, WhatTheTpmDoesNotOpenHoldsUpNothing) {
  offer("k1");
  tpm_.held.reset();
  EXPECT_TRUE(once());
  EXPECT_FALSE(evidence().activation);
  EXPECT_EQ(tpm_.quotes, 1);
}

// Helm does not upgrade CustomResourceDefinitions: one try for each refresh, and the quote goes on meanwhile.
TEST_F(Activation, AnOlderDefinitionLosesTheAnswerUntilItIsApplied) {
  offer("k1");
  api_.pruned = {"activation", "efi"};
  run(5, [this](int waits) {
    if (waits == 4) api_.pruned.clear();
    api_.set_epoch(static_cast<std::uint64_t>(waits) + 7);
    if (waits <= 4) {
      EXPECT_FALSE(evidence().activation);
      EXPECT_EQ(api_.count(kPutEvidence), static_cast<std::size_t>(waits) - 1);
      EXPECT_EQ(quote().evidence_digest, evidence().digest());
      EXPECT_EQ(quote().epoch.number, static_cast<std::uint64_t>(waits) + 6);
    }
  });
  EXPECT_EQ(evidence().activation, (wire::ActivationAnswer{"k1", *tpm_.held}));
  EXPECT_EQ(tpm_.activations, 1);
}

TEST_F(Activation, IsNotAskedForWithACertificate) {
  offer("k1");
  tpm_.ak_certificate = Bytes{0x30, 0x00};
  EXPECT_TRUE(once());
  EXPECT_EQ(asked(), 0U);
}

}  // namespace
}  // namespace nodeproof::agent
