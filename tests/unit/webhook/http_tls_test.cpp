// The edge's side of TLS.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/webhook/edge_client.hpp"
#include "tests/unit/webhook/serving_pair.hpp"
#include "webhook/http_server.hpp"

namespace nodeproof::webhook {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::EdgeClient;
using test::eventually;
using test::get;

class HttpTlsTest : public ::testing::Test {
 protected:
  void start(HttpLimits limits = {}) {
    limits.deadline_tick = 10ms;
    server_ = std::make_unique<HttpServer>(HttpServer::Options{.limits = limits, .tls = tls_},
                                           [](const HttpRequest& request, auto) {
                                             return HttpResponse{200, "text/plain", request.path};
                                           });
    server_->start();
  }
  EdgeClient connect() const { return EdgeClient(server_->port()); }
  void expect_service() const {
    EdgeClient client = connect();
    ASSERT_TRUE(client.start_tls());
    client.send(get("/"));
    EXPECT_EQ(client.status(), 200);
  }

  const forge::PrivateKey key_ = forge::PrivateKey::ec_p384();
  const test::PairFiles files_{test::make_serving_pair(key_, 1)};
  test::FixedClock clock_;
  std::shared_ptr<TlsMaterial> tls_ = std::make_shared<TlsMaterial>(files_.files(), clock_, 1h);
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpTlsTest, SpeaksTls13AndHttp11ByAlpn) {
  start();
  EdgeClient client = connect();
  ASSERT_TRUE(client.start_tls("\x02h2\x08http/1.1"));
  EXPECT_EQ(SSL_version(client.ssl()), TLS1_3_VERSION);
  EXPECT_EQ(client.alpn(), "http/1.1");
}

TEST_F(HttpTlsTest, SpeaksTls12) {
  start();
  EdgeClient client = connect();
  ASSERT_TRUE(client.start_tls("", TLS1_2_VERSION));
  EXPECT_EQ(SSL_version(client.ssl()), TLS1_2_VERSION);
  EXPECT_EQ(client.alpn(), "");
  client.send(get("/"));
  EXPECT_EQ(client.status(), 200);
}

TEST_F(HttpTlsTest, RefusesHandshakesWhileThereIsNoCertificate) {
  tls_ = std::make_shared<TlsMaterial>(clock_);
  start();
  EXPECT_FALSE(connect().start_tls());
  EXPECT_TRUE(eventually([&] { return server_->stats().handshake_failures == 1; }));
  const test::ServingPair pair = test::make_serving_pair(key_, 2);
  ASSERT_TRUE(tls_->offer({pair.certificate, pair.key}));
  expect_service();
}

TEST_F(HttpTlsTest, RefusesTls11) {
  start();
  EXPECT_FALSE(connect().start_tls("", TLS1_1_VERSION));
  EXPECT_TRUE(eventually([&] { return server_->stats().handshake_failures == 1; }));
}

TEST_F(HttpTlsTest, RefusesClientsWithoutHttp11) {
  start();
  EXPECT_FALSE(connect().start_tls("\x02h2"));
  EXPECT_TRUE(eventually([&] { return server_->stats().handshake_failures == 1; }));
}

TEST_F(HttpTlsTest, RefusesRenegotiation) {
  start();
  EdgeClient client = connect();
  ASSERT_TRUE(client.start_tls("", TLS1_2_VERSION));
  SSL_renegotiate(client.ssl());
  EXPECT_NE(SSL_do_handshake(client.ssl()), 1);
  expect_service();
}

TEST_F(HttpTlsTest, RefusesGarbage) {
  start();
  const std::vector<std::string> garbage = {get("/"), std::string(100'000, '\xff'), std::string(1000, '\0'),
                                            "\x16\x03\x01\xff\xff\x01\xff\xff\xff"s};
  for (const std::string& bytes : garbage) {
    EdgeClient client = connect();
    client.send(bytes);
    client.finish_sending();
  }
  EXPECT_TRUE(eventually([&] { return server_->stats().handshake_failures == garbage.size(); }));
  EXPECT_TRUE(eventually([&] { return server_->stats().open == 0; }));
  EXPECT_EQ(server_->stats().handshaking, 0u);
  expect_service();
}

TEST_F(HttpTlsTest, GivesUpHalfOpenHandshakes) {
  HttpLimits limits;
  limits.handshake_time = 1s;
  start(limits);
  EdgeClient silent = connect();
  EdgeClient halfway = connect();
  halfway.send("\x16\x03\x01\x02\x00\x01\x00"s);  // the beginning of a ClientHello
  EXPECT_TRUE(eventually([&] { return server_->stats().handshaking == 2; }));
  EXPECT_TRUE(silent.ended());
  EXPECT_TRUE(halfway.ended());
  EXPECT_EQ(server_->stats().handshake_timeouts, 2u);
  EXPECT_TRUE(eventually([&] { return server_->stats().open == 0; }));
  EXPECT_EQ(server_->stats().handshaking, 0u);
}

TEST_F(HttpTlsTest, DropsSlowHandshakesToLetOthersIn) {
  HttpLimits limits;
  limits.handshakes = 3;
  limits.pressed_handshake_time = 250ms;
  limits.handshake_time = 1h;
  start(limits);
  std::vector<EdgeClient> silent;
  for (int i = 0; i < 9; ++i) silent.push_back(connect());
  expect_service();
  EXPECT_GE(server_->stats().handshake_timeouts, 7u);
  EXPECT_TRUE(silent.front().ended());
}

TEST_F(HttpTlsTest, SaysCloseNotifyWhenIdleForTooLong) {
  HttpLimits limits;
  limits.idle_time = 200ms;
  start(limits);
  EdgeClient client = connect();
  ASSERT_TRUE(client.start_tls());
  EXPECT_TRUE(client.ended());
  EXPECT_TRUE(client.got_close_notify());
}

TEST_F(HttpTlsTest, AnswersCloseNotify) {
  start();
  EdgeClient client = connect();
  ASSERT_TRUE(client.start_tls());
  EXPECT_EQ(SSL_shutdown(client.ssl()), 0);
  EXPECT_EQ(SSL_shutdown(client.ssl()), 1);
  EXPECT_TRUE(eventually([&] { return server_->stats().open == 0; }));
}

TEST_F(HttpTlsTest, ServesANewPairToNewConnections) {
  start();
  EdgeClient before = connect();
  ASSERT_TRUE(before.start_tls());
  EXPECT_EQ(before.server_serial(), 1);

  files_.write(test::make_serving_pair(forge::PrivateKey::ec_p384(), 2));
  ASSERT_TRUE(tls_->poll());
  EdgeClient after = connect();
  ASSERT_TRUE(after.start_tls());
  EXPECT_EQ(after.server_serial(), 2);
  before.send(get("/"));
  EXPECT_EQ(before.status(), 200) << "the old connection goes on";

  files_.write_key(forge::PrivateKey::ec_p384().to_pem());
  ASSERT_FALSE(tls_->poll());
  EdgeClient mismatched = connect();
  ASSERT_TRUE(mismatched.start_tls());
  EXPECT_EQ(mismatched.server_serial(), 2);
}

TEST_F(HttpTlsTest, ManyClientsAtOnce) {
  start();
  std::vector<std::thread> threads;
  std::atomic<int> served = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int connection = 0; connection < 5; ++connection) {
        EdgeClient client = connect();
        if (!client.start_tls()) continue;
        for (int request = 0; request < 20; ++request) {
          client.send(test::post("/", std::string(20'000, 'x')));
          if (client.status() == 200) ++served;
        }
      }
    });
  }
  while (served < 300) tls_->poll();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(served, 800);
  EXPECT_TRUE(eventually([&] { return server_->stats().open == 0; }));
}

}  // namespace
}  // namespace nodeproof::webhook
