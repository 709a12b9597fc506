#include "webhook/certificate_keeper.hpp"

#include <gmock/gmock.h>

#include "tests/unit/webhook/fake_cluster_api.hpp"
#include "tests/unit/webhook/json_objects.hpp"
#include "tests/unit/webhook/own_certificates.hpp"
#include "wire/webhook_configuration.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::ElementsAre;
using testing::FakeClusterApi;
using ::testing::IsEmpty;
using testing::JsonObject;
using testing::kDay;
using testing::kMade;
using testing::kNames;
using testing::kTimes;
using testing::pki_made_at;
using testing::same;

const std::string kSecrets = "/api/v1/namespaces/np/secrets";
const std::string kSecret = kSecrets + "/nodeproof-serving-certificate";
const std::string kValidating =
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/nodeproof";
const std::string kMutating = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/nodeproof";

class CertificateKeeperTest : public ::testing::Test {
 protected:
  CertificateKeeperTest() { put_configuration(kValidating, {"bindings", "all-pods"}); }

  void put_configuration(const std::string& path, const std::vector<std::string>& webhooks,
                         const Bytes& bundle = {}) {
    auto object = web::json::value::parse(R"({"metadata":{"name":"nodeproof"},"webhooks":[]})");
    std::size_t index = 0;
    for (const std::string& name : webhooks) {
      auto& webhook = object["webhooks"][index++];
      webhook["name"] = web::json::value::string(name);
      webhook["clientConfig"]["url"] = web::json::value::string("https://h/admit");
      if (!bundle.empty()) webhook["clientConfig"]["caBundle"] = web::json::value::string(to_base64(bundle));
    }
    api_.store(path, std::move(object));
  }
  void put_secret(const ServingPki& pki) {
    api_.store(kSecret, web::json::value::parse(wire::serving_secret(to_secret(pki), "np", "")));
  }

  // One step, and what it wrote: what alone. Patches take effect as the API server would have it.
  std::vector<std::string> step(UnixTime now) {
    return written([&] { keeper_.step(now); });
  }
  std::vector<std::string> introduce(UnixTime now) {
    return written([&] { keeper_.introduce(now); });
  }
  std::vector<std::string> written(const std::function<void()>& work) {
    api_.calls.clear();
    work();
    std::vector<std::string> out;
    for (const auto& [call, body] : api_.calls) {
      out.push_back(call);
      if (call.starts_with("patch ")) apply(call.substr(6), body);
    }
    return out;
  }
  void apply(const std::string& path, const std::string& patch) {
    auto object = web::json::value::parse(api_.objects.at(path));
    const auto change = web::json::value::parse(patch);
    EXPECT_EQ(change.at("metadata").at("resourceVersion"), object.at("metadata").at("resourceVersion"));
    object["webhooks"] = change.at("webhooks");
    api_.store(path, std::move(object));
  }

  ServingPki stored() const {
    const JsonObject object(api_.objects.at(kSecret));
    return read_serving_pki(wire::parse_serving_secret(object.value()).value()).value();
  }
  std::vector<Bytes> bundles(const std::string& path) const {
    const JsonObject object(api_.objects.at(path));
    std::vector<Bytes> out;
    const auto trusts = wire::parse_webhook_trust(object.value());
    for (const wire::WebhookTrust& trust : *trusts) out.push_back(trust.ca_bundle);
    return out;
  }

  FakeClusterApi api_;
  std::shared_ptr<const ServingPki> in_use_;
  CertificateKeeper keeper_{api_, "np", kNames, kTimes, [this] { return in_use_; }};
};

TEST_F(CertificateKeeperTest, BeginsWithNothing) {
  EXPECT_THAT(step(kMade), ElementsAre("create " + kSecrets, "patch " + kValidating));
  EXPECT_THAT(bundles(kValidating), ElementsAre(to_pem(stored().authorities), to_pem(stored().authorities)));
  EXPECT_TRUE(covers(stored().certificate, kNames));
  EXPECT_THAT(step(kMade + Seconds(2)), IsEmpty()) << "all is as it should be";
  EXPECT_EQ(keeper_.foreign_bundles(), 0U);
}

TEST_F(CertificateKeeperTest, TellsEveryWebhookThatThereIs) {
  put_secret(pki_made_at(kMade));
  step(kMade);
  put_configuration(kMutating, {"steer"});
  EXPECT_THAT(step(kMade + Seconds(2)), ElementsAre("patch " + kMutating));
  EXPECT_THAT(bundles(kMutating), ElementsAre(to_pem(stored().authorities)));
  api_.objects.erase(kValidating);
  api_.objects.erase(kMutating);
  EXPECT_THAT(step(kMade + Seconds(4)), IsEmpty()) << "nothing is installed";
}

// The order of an exchange of authorities, step by step.
TEST_F(CertificateKeeperTest, ServesANewAuthorityOnceItIsKnown) {
  const ServingPki first = pki_made_at(kMade);
  put_secret(first);
  const UnixTime due = kMade + 244 * kDay;
  const ServingPki before = testing::with(Renewal::kCertificate, first, due - kDay);
  put_secret(before);
  EXPECT_THAT(step(due), ElementsAre("replace " + kSecret, "patch " + kValidating));
  EXPECT_TRUE(same(stored().certificate, before.certificate));
  EXPECT_EQ(stored().authorities.size(), 2U);
  EXPECT_EQ(bundles(kValidating)[0], to_pem(stored().authorities));
  EXPECT_THAT(step(due + Seconds(2)), IsEmpty()) << "seen to be published from now on";
  EXPECT_THAT(step(due + Seconds(31)), IsEmpty());
  EXPECT_THAT(step(due + Seconds(32)), ElementsAre("replace " + kSecret));
  EXPECT_TRUE(same(stored().issuer(), stored().authorities.front()));
  EXPECT_THAT(step(due + Seconds(631)), IsEmpty()) << "replicas may still serve the old one";
  EXPECT_THAT(step(due + Seconds(632)), ElementsAre("patch " + kValidating));
  EXPECT_EQ(bundles(kValidating)[0], to_pem(std::vector{stored().authorities.front()}));
  EXPECT_EQ(keeper_.foreign_bundles(), 0U);
}

TEST_F(CertificateKeeperTest, WaitsAnewWhenSomebodyMeddledOrItDidNotLead) {
  const ServingPki first = pki_made_at(kMade);
  put_secret(testing::with(Renewal::kAuthority, first, kMade));
  step(kMade);
  step(kMade + Seconds(2));
  put_configuration(kValidating, {"bindings"}, to_pem(first.authorities));
  EXPECT_THAT(step(kMade + Seconds(20)), ElementsAre("patch " + kValidating));
  EXPECT_THAT(step(kMade + Seconds(40)), IsEmpty());
  EXPECT_THAT(step(kMade + Seconds(60)), IsEmpty()) << "published for 20 s";
  keeper_.forget();
  EXPECT_THAT(step(kMade + Seconds(80)), IsEmpty());
  EXPECT_THAT(step(kMade + Seconds(109)), IsEmpty());
  EXPECT_THAT(step(kMade + Seconds(110)), ElementsAre("replace " + kSecret));
}

TEST_F(CertificateKeeperTest, RenewsTheCertificateAlone) {
  put_secret(pki_made_at(kMade));
  step(kMade);
  const ServingPki before = stored();
  EXPECT_THAT(step(kMade + 60 * kDay), ElementsAre("replace " + kSecret)) << "no caBundle changes";
  EXPECT_FALSE(same(stored().certificate, before.certificate));
  EXPECT_EQ(to_pem(stored().authorities), to_pem(before.authorities));
}

TEST_F(CertificateKeeperTest, PutsAForeignBundleRight) {
  put_secret(pki_made_at(kMade));
  step(kMade);
  put_configuration(kValidating, {"bindings", "all-pods"}, to_pem(pki_made_at(kMade).authorities));
  EXPECT_THAT(step(kMade + Seconds(2)), ElementsAre("patch " + kValidating));
  EXPECT_EQ(bundles(kValidating)[1], to_pem(stored().authorities));
  EXPECT_EQ(keeper_.foreign_bundles(), 2U);
  EXPECT_THAT(step(kMade + Seconds(4)), IsEmpty());
  EXPECT_EQ(keeper_.foreign_bundles(), 2U);
}

TEST_F(CertificateKeeperTest, HealsADeletedSecretAndLosesNothing) {
  put_secret(pki_made_at(kMade));
  step(kMade);
  in_use_ = std::make_shared<const ServingPki>(stored());
  api_.objects.erase(kSecret);
  EXPECT_THAT(step(kMade + Seconds(2)), ElementsAre("create " + kSecrets, "patch " + kValidating));
  EXPECT_TRUE(same(stored().certificate, in_use_->certificate)) << "until the new authority is known";
  EXPECT_EQ(bundles(kValidating)[0], to_pem(stored().authorities));
  EXPECT_EQ(stored().authorities.size(), 2U);
  EXPECT_EQ(keeper_.foreign_bundles(), 0U);
}

TEST_F(CertificateKeeperTest, ReplacesASecretThatCannotBeUsed) {
  api_.store(kSecret,
             web::json::value::parse(
                 R"({"metadata":{"name":"nodeproof-serving-certificate"},"data":{"tls.key":"eA=="}})"));
  EXPECT_THAT(step(kMade), ElementsAre("replace " + kSecret, "patch " + kValidating));
  EXPECT_TRUE(same(stored().issuer(), stored().authorities.front()));
  EXPECT_THAT(step(kMade + Seconds(2)), IsEmpty());
}

// Where no leader does: it may be one of a mode in which the webhook makes none.
TEST_F(CertificateKeeperTest, ComesWithACertificateOfItsOwn) {
  EXPECT_THAT(introduce(kMade), ElementsAre("create " + kSecrets, "patch " + kValidating));
  EXPECT_EQ(bundles(kValidating)[0], to_pem(stored().authorities));
  api_.objects.erase(kSecret);
  EXPECT_THAT(introduce(kMade + Seconds(2)), IsEmpty()) << "once: the rest is the leader's";
}

TEST_F(CertificateKeeperTest, ComesToWhatTheLeaderMade) {
  put_secret(pki_made_at(kMade));
  step(kMade);
  EXPECT_THAT(introduce(kMade + Seconds(2)), IsEmpty());
}

TEST_F(CertificateKeeperTest, LeavesWhatReplicasOfAnotherModeServeUnderForTheOverlap) {
  const std::vector<attest::Certificate> others = pki_made_at(kMade).authorities;
  put_configuration(kValidating, {"bindings", "all-pods"}, to_pem(others));
  put_configuration(kMutating, {"steer"});
  EXPECT_THAT(introduce(kMade),
              ElementsAre("create " + kSecrets, "patch " + kValidating, "patch " + kMutating));
  const Bytes both = to_pem(std::vector{stored().authorities.front(), others.front()});
  EXPECT_THAT(bundles(kValidating), ElementsAre(both, both));
  EXPECT_THAT(bundles(kMutating), ElementsAre(both));
  EXPECT_THAT(step(kMade + Seconds(599)), IsEmpty());
  EXPECT_THAT(step(kMade + Seconds(600)), ElementsAre("patch " + kValidating, "patch " + kMutating));
  EXPECT_THAT(bundles(kMutating), ElementsAre(to_pem(stored().authorities)));
  EXPECT_EQ(keeper_.foreign_bundles(), 0U) << "nobody meddled";
  step(kMade + Seconds(602));
  put_configuration(kMutating, {"steer"}, to_pem(others));
  EXPECT_THAT(step(kMade + Seconds(604)), ElementsAre("patch " + kMutating));
  EXPECT_EQ(keeper_.foreign_bundles(), 1U) << "that time is over";
}

// Only who was trusted before it came.
TEST_F(CertificateKeeperTest, PutsAForeignBundleRightDuringTheOverlap) {
  put_configuration(kValidating, {"bindings"}, to_pem(pki_made_at(kMade).authorities));
  introduce(kMade);
  const std::vector<Bytes> before = bundles(kValidating);
  put_configuration(kValidating, {"bindings"}, to_pem(pki_made_at(kMade).authorities));
  EXPECT_THAT(step(kMade + Seconds(2)), ElementsAre("patch " + kValidating));
  EXPECT_EQ(bundles(kValidating), before);
  EXPECT_EQ(keeper_.foreign_bundles(), 1U);
}

TEST_F(CertificateKeeperTest, ABundleThatCannotBeReadIsReplaced) {
  put_configuration(kValidating, {"bindings"}, to_bytes(as_bytes("no PEM")));
  EXPECT_THAT(introduce(kMade), ElementsAre("create " + kSecrets, "patch " + kValidating));
  EXPECT_EQ(bundles(kValidating)[0], to_pem(stored().authorities));
}

// It tries again, as if it had just come.
TEST_F(CertificateKeeperTest, IsNotIntroducedBeforeAllIsWritten) {
  put_configuration(kValidating, {"bindings"}, to_pem(pki_made_at(kMade).authorities));
  api_.before = [&](const std::string& call) {
    if (call.starts_with("patch ")) throw kube::ApiError(409, "Conflict", "changed meanwhile");
  };
  EXPECT_THROW(introduce(kMade), kube::ApiError);
  api_.before = {};
  EXPECT_THAT(introduce(kMade + Seconds(2)), ElementsAre("patch " + kValidating));
}

// Another replica that led meanwhile made one first: what it made is used.
TEST_F(CertificateKeeperTest, LosingTheRaceIsMendedByTheNextStep) {
  const ServingPki rival = pki_made_at(kMade);
  api_.before = [&](const std::string& call) {
    if (call == "create " + kSecrets && !api_.objects.contains(kSecret)) put_secret(rival);
  };
  EXPECT_THROW(step(kMade), kube::ApiError);
  EXPECT_THAT(step(kMade + Seconds(2)), ElementsAre("patch " + kValidating));
  EXPECT_TRUE(same(stored().certificate, rival.certificate));
}

}  // namespace
}  // namespace nodeproof::webhook
