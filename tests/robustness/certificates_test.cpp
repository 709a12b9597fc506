// The serving pair of the real program is exchanged under load, well and badly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.hpp"
#include "tests/robustness/load.hpp"
#include "tests/robustness/webhook_process.hpp"

namespace nodeproof::test {
namespace {

using ::testing::HasSubstr;
using webhook::test::EdgeClient;
using webhook::test::eventually;
using webhook::test::get;
using webhook::test::ServingPair;

constexpr const char* kErrors = "nodeproof_serving_certificate_reload_errors_total";
constexpr const char* kExpiry = "nodeproof_serving_certificate_expiry_time_seconds";

class Certificates : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(eventually([this] { return webhook_.is_ready(); })) << webhook_.log();
    load_.add(0, webhook_.port(), webhook_.health_port());
    ASSERT_TRUE(eventually([this] { return load_.answered() > 0; }));
  }
  // Of the certificate that a new connection meets; 0 when there is no connection.
  long serial() const {
    EdgeClient client(webhook_.port());
    return client.start_tls() ? client.server_serial() : 0;
  }
  // The files are bad now; the pair in use stays, and that is told.
  void expect_refused(long in_use) {
    const double before = webhook_.metric(kErrors);
    ASSERT_TRUE(eventually([&] { return webhook_.metric(kErrors) > before; }));
    EXPECT_EQ(serial(), in_use);
    EXPECT_TRUE(answers_honestly(webhook_.port()));
  }

  SmallApiServer api_;
  WebhookProcess webhook_{api_};
  Load load_;
};

TEST_F(Certificates, AreExchangedUnderLoadAndOnlyForAWholePair) {
  const webhook::test::PairFiles& files = webhook_.certificate_files();
  EdgeClient kept(webhook_.port());
  ASSERT_TRUE(kept.start_tls());
  EXPECT_EQ(SSL_version(kept.ssl()), TLS1_3_VERSION);
  ASSERT_EQ(kept.server_serial(), 1);

  const ServingPair second = current_pair(2);
  files.write_certificate(ByteView(second.certificate).first(second.certificate.size() / 2));
  expect_refused(1);
  EXPECT_THAT(webhook_.log(), HasSubstr("the serving certificate stays as it is"));

  files.write_certificate(second.certificate);  // the key is still the first one's
  expect_refused(1);
  EXPECT_THAT(webhook_.log(), HasSubstr("is not that of the certificate"));

  files.write_key(second.key);
  EXPECT_TRUE(eventually([this] { return serial() == 2; }));
  EXPECT_THAT(webhook_.log(), HasSubstr("new serving certificate, valid until"));
  EXPECT_GT(webhook_.metric(kExpiry), static_cast<double>(to_unix(SystemClock().now())));
  EXPECT_LE(webhook_.metric(kExpiry),
            static_cast<double>(to_unix(SystemClock().now() + std::chrono::hours(24))));

  kept.send(get("/"));
  EXPECT_EQ(kept.status(), 404) << "a connection keeps the pair it began with";
  load_.stop();
  EXPECT_THAT(load_.failures(), ::testing::IsEmpty());
}

}  // namespace
}  // namespace nodeproof::test
