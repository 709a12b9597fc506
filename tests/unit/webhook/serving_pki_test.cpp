#include "webhook/serving_pki.hpp"

#include <gmock/gmock.h>
#include <openssl/ec.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <functional>

#include "base/unique_handle.hpp"
#include "tests/unit/webhook/own_certificates.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::HasSubstr;
using testing::kDay;
using testing::kMade;
using testing::kNames;
using testing::pki_made_at;

// As a TLS client verifies: chain, validity, purpose and name; OpenSSL's words when it refuses.
std::string verify(const attest::Certificate& certificate, const attest::Certificate& authority,
                   const std::string& host, UnixTime at) {
  const UniqueHandle<X509_STORE, X509_STORE_free> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), authority.handle());
  const UniqueHandle<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), certificate.handle(), nullptr);
  X509_VERIFY_PARAM* how = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_flags(how, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_purpose(how, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_time(how, to_unix(at));
  if (host == "127.0.0.1") {
    X509_VERIFY_PARAM_set1_ip_asc(how, host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(how, host.c_str(), host.size());
  }
  X509_verify_cert(context.get());
  return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

struct Client {
  const char* name;
  std::string host;
  Seconds after;  // it was made
  std::string answer;
};

class AClient : public ::testing::TestWithParam<Client> {};

TEST_P(AClient, VerifiesWhatWasMade) {
  const ServingPki pki = pki_made_at(kMade);
  EXPECT_EQ(verify(pki.certificate, pki.issuer(), GetParam().host, kMade + GetParam().after),
            GetParam().answer);
}

INSTANTIATE_TEST_SUITE_P(
    All, AClient,
    ::testing::Values(
        Client{"At_once", kNames[0], Seconds(0), "ok"}, Client{"By_address", "127.0.0.1", Seconds(0), "ok"},
        Client{"With_a_clock_behind", kNames[0], -kBackdate, "ok"},
        Client{"With_a_clock_far_behind", kNames[0], -kBackdate - Seconds(1), "certificate is not yet valid"},
        Client{"Near_its_end", kNames[0], 90 * kDay - Seconds(1), "ok"},
        Client{"At_its_end", kNames[0], 90 * kDay, "certificate has expired"},
        Client{"By_another_name", "nodeproof-webhook.other.svc", Seconds(0), "hostname mismatch"}),
    [](const auto& test) { return test.param.name; });

TEST(ServingPki, IsOnP256AndForServersAlone) {
  const ServingPki pki = pki_made_at(kMade);
  char group[16] = {};
  ASSERT_EQ(EVP_PKEY_get_group_name(pki.key.get(), group, sizeof group, nullptr), 1);
  EXPECT_STREQ(group, "prime256v1");
  EXPECT_EQ(pki.certificate.extended_key_usage_oids(), std::vector<std::string>{"1.3.6.1.5.5.7.3.1"});
  EXPECT_FALSE(pki.certificate.is_ca());
  EXPECT_FALSE(pki.certificate.may_issue(0));
  EXPECT_TRUE(pki.issuer().may_issue(0));
  EXPECT_FALSE(pki.issuer().may_issue(1)) << "no authority below it";
}

TEST(ServingPki, HasNewKeysAndNumbersEachTime) {
  const ServingPki one = pki_made_at(kMade);
  const ServingPki other = pki_made_at(kMade);
  EXPECT_FALSE(one.certificate.key() == other.certificate.key());
  EXPECT_FALSE(one.issuer().key() == other.issuer().key());
  EXPECT_NE(one.certificate.serial_hex(), other.certificate.serial_hex());
}

TEST(ServingPki, NeverOutlivesItsAuthority) {
  const Issued authority = make_authority(kMade, Seconds(100));
  const Issued made = make_certificate(authority.certificate, *authority.key, kNames, kMade, Seconds(500));
  EXPECT_EQ(made.certificate.not_after(), kMade + Seconds(100));
}

TEST(ServingPki, TakesNamesOfEveryLegalLength) {
  const Issued authority = make_authority(kMade, kDay);
  const std::vector<std::string> names{"nodeproof-webhook." + std::string(63, 'n') + ".svc.cluster.local",
                                       "::1"};
  const Issued made = make_certificate(authority.certificate, *authority.key, names, kMade, kDay);
  EXPECT_TRUE(covers(made.certificate, names));
  EXPECT_FALSE(covers(made.certificate, {names[0], "::2"}));
  EXPECT_FALSE(covers(made.certificate, {"nodeproof-webhook"})) << "the subject's name is none to ask for";
  EXPECT_THROW(make_certificate(authority.certificate, *authority.key, {"a,IP:10.0.0.1"}, kMade, kDay),
               std::runtime_error);
}

TEST(ServingPki, GoesThroughTheSecretUnchanged) {
  const ServingPki pki = testing::with(Renewal::kAuthority, pki_made_at(kMade), kMade + kDay);
  ASSERT_EQ(pki.authorities.size(), 2U);
  const auto back = read_serving_pki(to_secret(pki));
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(to_pem(back->authorities), to_pem(pki.authorities));
  EXPECT_TRUE(testing::same(back->certificate, pki.certificate));
  EXPECT_EQ(EVP_PKEY_eq(back->key.get(), pki.key.get()), 1);
  EXPECT_EQ(EVP_PKEY_eq(back->authority_key.get(), pki.authority_key.get()), 1);
}

struct Spoilt {
  const char* name;
  std::function<void(wire::ServingSecret&, const wire::ServingSecret& other)> spoil;
  std::string error;
};

class ASecret : public ::testing::TestWithParam<Spoilt> {};

TEST_P(ASecret, IsRefusedUnlessAllFits) {
  wire::ServingSecret secret = to_secret(pki_made_at(kMade));
  const std::string key(as_text(secret.key));
  GetParam().spoil(secret, to_secret(pki_made_at(kMade)));
  const auto pki = read_serving_pki(secret);
  ASSERT_FALSE(pki);
  EXPECT_THAT(to_string(pki.error()), HasSubstr(GetParam().error));
  EXPECT_THAT(to_string(pki.error()), Not(HasSubstr(key.substr(40, 20))));
}

INSTANTIATE_TEST_SUITE_P(
    All, ASecret,
    ::testing::Values(
        Spoilt{"OtherKey", [](auto& s, const auto& o) { s.key = o.key; }, "tls.key: is not the key"},
        Spoilt{"OtherAuthorityKey", [](auto& s, const auto& o) { s.authority_key = o.authority_key; },
               "ca.key: is not the key"},
        Spoilt{"OtherPair",
               [](auto& s, const auto& o) {
                 s.certificate = o.certificate;
                 s.key = o.key;
               },
               "tls.crt: was issued by none"},
        Spoilt{"NoAuthority",
               [](auto& s, const auto&) {
                 s.authorities = s.certificate;
                 s.authority_key = s.key;
               },
               "ca.crt: holds what is no authority"},
        Spoilt{"NoCertificate", [](auto& s, const auto&) { s.certificate = to_bytes(as_bytes("x")); },
               "tls.crt"},
        Spoilt{"HalfACertificate",
               [](auto& s, const auto&) { s.authorities.resize(s.authorities.size() / 2); }, "ca.crt"},
        Spoilt{"HalfAKey", [](auto& s, const auto&) { s.key.resize(s.key.size() / 2); },
               "tls.key: holds no private key"},
        Spoilt{"CertificateForAKey", [](auto& s, const auto&) { s.key = s.certificate; },
               "tls.key: holds no private key"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace nodeproof::webhook
