#include "webhook/activation_keeper.hpp"

#include <cpprest/json.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/captured_log.hpp"
#include "tests/unit/webhook/cluster_picture.hpp"
#include "tests/unit/webhook/fake_cluster_api.hpp"
#include "tests/unit/webhook/json_objects.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kEpoch;
using testing::kEpochLength;
using testing::kNodeUid;
using testing::kNow;
using testing::kOtherUuid;

SeedSource fixed_seeds() {
  return [] { return ByteArray<32>{7}; };
}

attest::ActivationTarget target() {
  return {Sha256Digest{1}, forge::shared_world().other_ak.rsa_modulus()};
}

std::string attestation(const std::string& uid = kNodeUid, const std::string& status = "{}") {
  return R"({"metadata":{"name":"cvm-1"},"spec":{"nodeUID":")" + uid + R"("},"status":)" + status + "}";
}

class CredentialOffers : public ::testing::Test {
 protected:
  CredentialOffers() {
    NodeTrust trust;
    trust.activation = std::make_shared<const attest::ActivationTarget>(target());
    set_trust(trust);
  }
  void set_trust(const NodeTrust& trust) {
    NodeMap nodes;
    nodes.put(testing::entry("cvm-1", kNodeUid, std::make_shared<const NodeTrust>(trust)));
    snapshot_.nodes = std::make_shared<const NodeMap>(std::move(nodes));
  }
  std::size_t writes() {
    keeper_.pass(snapshot_, keys_, kNow, [this] { return leads_; });
    return api_.calls.size();
  }
  // What was written, as the watch brings it back.
  std::string written() const {
    return attestation(kNodeUid, web::json::value::parse(api_.calls.back().second)["status"].serialize());
  }

  Snapshot snapshot_;
  Generations keys_ = testing::generations();
  bool leads_ = true;
  testing::FakeClusterApi api_;
  NodeAttestations objects_;
  ActivationKeeper keeper_{api_, objects_, kEpochLength, fixed_seeds()};
};

TEST_F(CredentialOffers, OffersOnceForTheKeysOfTheMoment) {
  EXPECT_EQ(writes(), 0U) << "no object to write to yet";
  testing::replace(objects_.handler(), {attestation()});
  EXPECT_EQ(writes(), 1U);
  EXPECT_EQ(api_.calls.back().first, "patch /apis/nodeproof.dev/v1alpha1/nodeattestations/cvm-1/status");
  EXPECT_EQ(writes(), 1U) << "before the watch tells of it";
  const std::string stored = written();
  testing::update(objects_.handler(), stored);
  EXPECT_EQ(writes(), 1U);

  const testing::JsonObject object(stored);
  const auto offer = wire::parse_activation_offer(object.value(), kNodeUid);
  ASSERT_TRUE(offer && *offer);
  EXPECT_EQ((*offer)->kid, testing::kKid);
  EXPECT_EQ((*offer)->ak, target().ak);
  EXPECT_EQ((*offer)->ek, target().ek_digest());
  EXPECT_FALSE(*wire::parse_activation_offer(object.value(), kOtherUuid)) << "of another Node";
}

TEST_F(CredentialOffers, OffersAnewWhenKeysChange) {
  testing::replace(objects_.handler(), {attestation()});
  EXPECT_EQ(writes(), 1U);
  wire::EpochKeyGeneration next = keys_.front();
  next.kid = "fedcba9876543210";
  keys_.push_back(next);
  EXPECT_EQ(writes(), 2U) << "another generation";
  NodeTrust trust;
  attest::ActivationTarget other = target();
  other.ak = Sha256Digest{2};
  trust.activation = std::make_shared<const attest::ActivationTarget>(other);
  set_trust(trust);
  EXPECT_EQ(writes(), 3U) << "another AK";
  testing::replace(objects_.handler(), {attestation(kNodeUid, R"({"activation":{"kid":"?"}})")});
  EXPECT_EQ(writes(), 4U) << "what stands there cannot be read";
}

TEST_F(CredentialOffers, OffersNothingWhere) {
  testing::replace(objects_.handler(), {attestation(kOtherUuid)});
  EXPECT_EQ(writes(), 0U) << "the object is of an earlier Node";
  testing::replace(objects_.handler(), {attestation()});
  testing::remove(objects_.handler(), attestation());
  EXPECT_EQ(writes(), 0U) << "it is gone";
  testing::replace(objects_.handler(), {attestation()});
  leads_ = false;
  EXPECT_EQ(writes(), 0U) << "another replica leads";
  leads_ = true;
  const Generations keys = std::exchange(keys_, {});
  EXPECT_EQ(writes(), 0U) << "there is no key";
  keys_ = keys;
  set_trust(*testing::verified_trust());
  EXPECT_EQ(writes(), 0U) << "a certificate shows residency";
}

TEST_F(CredentialOffers, AFailedWriteIsTriedAgain) {
  testing::replace(objects_.handler(), {attestation()});
  api_.before = [](const std::string&) { throw kube::ApiError(500, "InternalError", "not now"); };
  test::CapturedLog log;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(writes(), 0U);
  EXPECT_THAT(
      log.lines(),
      ElementsAre(HasSubstr("offering credentials to nodes failed and is tried again: node cvm-1: ")));
  api_.before = nullptr;
  EXPECT_EQ(writes(), 1U);
  EXPECT_THAT(log.lines(), ElementsAre(HasSubstr("offered a credential"), HasSubstr("works again")));
}

}  // namespace
}  // namespace nodeproof::webhook
