// Whom the client trusts and what it shows of itself, over real TLS on loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/clock.hpp"
#include "kube/api_client.hpp"
#include "tests/support/scripted_http_server.hpp"
#include "tests/unit/attest/test_certificate.hpp"
#include "tests/unit/kube/test_connection.hpp"

namespace nodeproof::kube {
namespace {

namespace certificates = testing_certificates;
using attest::Certificate;
using certificates::Key;
using test::ScriptedConnection;
using test::ScriptedHttpServer;
using test::ScriptedRequest;

// subjectAltName (RFC 5280 4.2.1.6) with one IPv4 address.
certificates::RawExtension ip_name(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return {"2.5.29.17", {0x30, 0x06, 0x87, 0x04, a, b, c, d}};
}

void make_current(certificates::Spec& spec) {
  spec.from = SystemClock().now() - std::chrono::hours(1);
  spec.until = SystemClock().now() + std::chrono::hours(1);
}

std::string to_pem(const Certificate& certificate) {
  const std::string base64 = to_base64(certificate.der());
  std::string out = "-----BEGIN CERTIFICATE-----\n";
  for (std::size_t at = 0; at < base64.size(); at += 64) out += base64.substr(at, 64) + "\n";
  return out + "-----END CERTIFICATE-----\n";
}

std::string to_pem(const Key& key) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

struct Authority {
  explicit Authority(std::string with_name)
      : name(std::move(with_name)), key(certificates::make_key()), pem() {
    certificates::Spec spec = certificates::ca(name, name);
    make_current(spec);
    pem = to_pem(certificates::make(spec, key, key));
  }
  Certificate issue(certificates::Spec spec, const Key& subject_key) const {
    spec.issuer = name;
    return certificates::make(spec, subject_key, key);
  }
  std::string name;
  Key key;
  std::string pem;
};

using Context = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;

// New connections meet a certificate of `authority` from now on.
void present(SSL_CTX* context, const Authority& authority, certificates::Spec spec) {
  const Key key = certificates::make_key();
  const Certificate certificate = authority.issue(std::move(spec), key);
  const unsigned char* der = certificate.der().data();
  const std::unique_ptr<X509, void (*)(X509*)> x509(
      d2i_X509(nullptr, &der, static_cast<long>(certificate.der().size())), X509_free);
  SSL_CTX_use_certificate(context, x509.get());
  SSL_CTX_use_PrivateKey(context, key.get());
}

Context server_context(const Authority& authority, certificates::Spec spec) {
  Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  present(context.get(), authority, std::move(spec));
  // Asks for a client certificate and takes any: the test looks at what came.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  return context;
}

certificates::Spec loopback_server() {
  certificates::Spec spec;
  spec.name = "kube-apiserver";
  spec.raw = {ip_name(127, 0, 0, 1)};
  make_current(spec);
  return spec;
}

void answer_with_client(const ScriptedRequest&, ScriptedConnection& to) {
  to.reply(200, "client:" + to.peer_certificate_subject());
}

TEST(ApiClientTls, TheClustersCaIsTrusted) {
  const Authority authority("Cluster CA");
  const Context context = server_context(authority, loopback_server());
  ScriptedHttpServer server(answer_with_client, context.get());
  Connection connection = connection_to(server.url());
  connection.ca_pem = authority.pem;
  ApiClient client(connection, "test");
  EXPECT_EQ(client.get("/api"), "client:");
  EXPECT_EQ(server.requests().at(0).header("authorization"), "Bearer t0ken");
}

TEST(ApiClientTls, OthersAreNotAndGetNoToken) {
  const Authority authority("Cluster CA");
  const Authority namesake("Cluster CA");
  certificates::Spec elsewhere = loopback_server();
  elsewhere.raw = {ip_name(10, 0, 0, 1)};
  certificates::Spec expired = loopback_server();
  expired.from -= std::chrono::hours(10);
  expired.until -= std::chrono::hours(10);

  struct Case {
    const char* name;
    Context context;
  };
  Case cases[] = {{"another CA of the same name", server_context(namesake, loopback_server())},
                  {"a certificate for another address", server_context(authority, elsewhere)},
                  {"an expired certificate", server_context(authority, expired)}};
  for (const Case& c : cases) {
    ScriptedHttpServer server(answer_with_client, c.context.get());
    Connection connection = connection_to(server.url());
    connection.ca_pem = authority.pem;
    ApiClient client(connection, "test", Seconds(5));
    try {
      client.get("/api");
      ADD_FAILURE() << c.name << " was trusted";
    } catch (const ApiError& error) {
      EXPECT_EQ(error.status(), 0) << c.name;
    }
    EXPECT_TRUE(server.requests().empty()) << c.name;
  }
}

// cpprest loads the system's CAs before it asks us; they must not count.
TEST(ApiClientTls, SystemCasAreNotTrusted) {
  const TemporaryFolder folder;
  const Authority system_ca("Some public CA");
  ::setenv("SSL_CERT_FILE", folder.write("system.pem", system_ca.pem).c_str(), 1);
  const Authority authority("Cluster CA");
  const Context context = server_context(system_ca, loopback_server());
  ScriptedHttpServer server(answer_with_client, context.get());
  Connection connection = connection_to(server.url());
  connection.ca_pem = authority.pem;
  EXPECT_THROW(ApiClient(connection, "test", Seconds(5)).get("/api"), ApiError);
  ::unsetenv("SSL_CERT_FILE");
}

// The server's certificate is of a new CA a while before the CA file says so.
TEST(ApiClientTls, ANewCaIsTrustedAsSoonAsItsFileHasIt) {
  const TemporaryFolder folder;
  const Authority before("Cluster CA");
  const Authority after("Next cluster CA");
  const Context context = server_context(before, loopback_server());
  const ScriptedHttpServer server(
      [](const ScriptedRequest&, ScriptedConnection& to) {
        to.reply(200, "{}", {"Connection: close"});
        to.cut();
      },
      context.get());
  Connection connection = connection_to(server.url());
  connection.ca_file = folder.write("ca.pem", before.pem);
  ApiClient client(connection, "test", Seconds(5));
  EXPECT_EQ(client.get("/api"), "{}");

  present(context.get(), after, loopback_server());
  EXPECT_THROW(client.get("/api"), ApiError);
  EXPECT_EQ(server.requests().size(), 1U) << "the token went to a server that is not trusted";
  folder.write("ca.pem", "half a fi");
  EXPECT_THROW(client.get("/api"), ApiError);
  folder.write("ca.pem", before.pem + after.pem);
  EXPECT_THROW(client.get("/api"), ApiError) << "this failure makes it read the file";
  EXPECT_EQ(client.get("/api"), "{}");
}

TEST(ApiClientTls, TheClientCertificateIsShown) {
  const Authority authority("Cluster CA");
  const Context context = server_context(authority, loopback_server());
  ScriptedHttpServer server(answer_with_client, context.get());
  const Key key = certificates::make_key();
  certificates::Spec spec;
  spec.name = "system:node:a";
  make_current(spec);
  const TemporaryFolder folder;
  Connection connection;
  connection.server = server.url();
  connection.ca_file = folder.write("ca.pem", authority.pem);
  connection.client_cert_file = folder.write("cert.pem", to_pem(authority.issue(spec, key)));
  connection.client_key_file = folder.write("key.pem", to_pem(key));
  EXPECT_EQ(ApiClient(connection, "test").get("/api"), "client:/CN=system:node:a");
}

TEST(ApiClientTls, UnusableCredentialsAreNamedAtOnce) {
  const Authority authority("Cluster CA");
  const Key key = certificates::make_key();
  certificates::Spec spec;
  make_current(spec);
  Connection good;
  good.server = "https://127.0.0.1:1";
  good.ca_pem = authority.pem;
  good.client_cert_pem = to_pem(authority.issue(spec, key));
  good.client_key_pem = to_pem(key);
  ASSERT_NO_THROW(ApiClient(good, "test"));

  struct Case {
    std::function<void(Connection&)> edit;
    std::string sentence;
  };
  const Case cases[] = {
      {[](Connection& c) { c.ca_pem.clear(); }, "system CAs are never trusted"},
      {[](Connection& c) { c.ca_pem = "junk"; }, "CA file holds no PEM certificate"},
      {[](Connection& c) { c.ca_file = "/nonexistent/ca.pem"; }, "/nonexistent/ca.pem"},
      {[](Connection& c) { c.client_cert_pem = "junk"; }, "client certificate file holds no PEM"},
      {[](Connection& c) { c.client_cert_pem.clear(); }, "client certificate file holds no PEM"},
      {[](Connection& c) { c.client_key_pem.clear(); }, "client key file holds no usable"},
      {[](Connection& c) { c.client_key_pem = to_pem(certificates::make_key()); }, "do not match"},
      {[](Connection& c) { c.token_file = "/nonexistent/token"; }, "/nonexistent/token"},
  };
  for (const Case& c : cases) {
    Connection connection = good;
    c.edit(connection);
    try {
      const ApiClient client(connection, "test");
      ADD_FAILURE() << "accepted; expected: " << c.sentence;
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(c.sentence));
    }
  }
}

}  // namespace
}  // namespace nodeproof::kube
