#include "webhook/serving_secret_feed.hpp"

#include <gmock/gmock.h>
#include <openssl/ssl.h>

#include "tests/unit/webhook/json_objects.hpp"
#include "tests/unit/webhook/own_certificates.hpp"
#include "tests/unit/webhook/serving_pair.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::HasSubstr;
using testing::kMade;
using testing::pki_made_at;
using testing::same;

class ServingSecretFeedTest : public ::testing::Test {
 protected:
  static std::string object(const ServingPki& pki) { return wire::serving_secret(to_secret(pki), "np", "1"); }
  bool serves(const ServingPki& pki) const {
    const X509* served = SSL_CTX_get0_certificate(tls_.current().get());
    return served != nullptr && X509_cmp(served, pki.certificate.handle()) == 0;
  }

  test::FixedClock clock_{kMade};
  TlsMaterial tls_{clock_};
  ServingSecretFeed feed_{tls_};
  const kube::WatchHandler handler_ = feed_.handler();
  const ServingPki pki_ = pki_made_at(kMade);
};

TEST_F(ServingSecretFeedTest, ServesWhatIsStored) {
  testing::replace(handler_, {});
  EXPECT_EQ(feed_.in_use(), nullptr);
  testing::update(handler_, object(pki_));
  EXPECT_TRUE(serves(pki_));
  EXPECT_TRUE(same(feed_.in_use()->certificate, pki_.certificate));
  const ServingPki next = testing::with(Renewal::kCertificate, pki_, kMade);
  testing::update(handler_, object(next));
  EXPECT_TRUE(serves(next));
}

// The next leader may have to tell which authorities there were.
TEST_F(ServingSecretFeedTest, NotesAnAuthorityThatServesNothingYet) {
  testing::update(handler_, object(pki_));
  const ServingPki next = testing::with(Renewal::kAuthority, pki_, kMade);
  testing::update(handler_, object(next));
  EXPECT_TRUE(serves(pki_));
  EXPECT_EQ(feed_.in_use()->authorities.size(), 2U);
}

TEST_F(ServingSecretFeedTest, KeepsWhatItHasWhenTheSecretIsGoneOrBad) {
  testing::update(handler_, object(pki_));
  testing::remove(handler_, object(pki_));
  EXPECT_TRUE(serves(pki_));
  testing::replace(handler_, {});
  EXPECT_TRUE(serves(pki_));
  testing::update(handler_,
                  R"({"metadata":{"name":"nodeproof-serving-certificate"},"data":{"tls.crt":"eA=="}})");
  EXPECT_TRUE(serves(pki_));
  EXPECT_THAT(tls_.last_error().value_or(""), HasSubstr("nodeproof-serving-certificate cannot be used"));
  EXPECT_EQ(tls_.reload_errors(), 1U);
  EXPECT_TRUE(same(feed_.in_use()->certificate, pki_.certificate));
}

TEST_F(ServingSecretFeedTest, DoesNotServeWhatHasExpired) {
  clock_.set(kMade + 91 * testing::kDay);
  testing::update(handler_, object(pki_));
  EXPECT_FALSE(serves(pki_));
  EXPECT_EQ(feed_.in_use(), nullptr);
}

}  // namespace
}  // namespace nodeproof::webhook
