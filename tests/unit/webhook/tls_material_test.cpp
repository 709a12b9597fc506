#include "webhook/tls_material.hpp"

#include <gmock/gmock.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <thread>

#include "tests/unit/webhook/serving_pair.hpp"

namespace nodeproof::webhook {
namespace {

using namespace std::chrono_literals;
using test::FixedClock;
using test::make_serving_pair;
using test::PairFiles;
using test::ServingPair;
using ::testing::HasSubstr;

// So that only poll() looks at the files.
constexpr std::chrono::milliseconds kNever = 1h;

long serial_of(const std::shared_ptr<SSL_CTX>& context) {
  return ASN1_INTEGER_get(X509_get0_serialNumber(SSL_CTX_get0_certificate(context.get())));
}

std::string load_error(const TlsMaterial::Files& files, const Clock& clock) {
  try {
    const TlsMaterial material(files, clock, kNever);
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

class TlsMaterialTest : public ::testing::Test {
 protected:
  const forge::PrivateKey key_ = forge::PrivateKey::ec_p384();
  const forge::PrivateKey other_key_ = forge::PrivateKey::ec_p384();
  const ServingPair pair_ = make_serving_pair(key_, 1);
  const PairFiles files_{pair_};
  FixedClock clock_;
};

TEST_F(TlsMaterialTest, LoadsAPair) {
  const TlsMaterial material(files_.files(), clock_, kNever);
  EXPECT_EQ(serial_of(material.current()), 1);
  EXPECT_EQ(material.not_after(), forge::kNow + 24h);
  EXPECT_EQ(material.last_error(), std::nullopt);
}

TEST_F(TlsMaterialTest, SendsTheChainBehindTheCertificate) {
  Bytes chain = pair_.certificate;
  append(chain, make_serving_pair(other_key_, 7).certificate);
  files_.write_certificate(chain);
  const TlsMaterial material(files_.files(), clock_, kNever);
  STACK_OF(X509)* sent = nullptr;
  ASSERT_EQ(SSL_CTX_get0_chain_certs(material.current().get(), &sent), 1);
  ASSERT_EQ(sk_X509_num(sent), 1);
  EXPECT_EQ(ASN1_INTEGER_get(X509_get0_serialNumber(sk_X509_value(sent, 0))), 7);
}

TEST_F(TlsMaterialTest, TakesANewPair) {
  TlsMaterial material(files_.files(), clock_, kNever);
  EXPECT_FALSE(material.poll());
  const auto before = material.current();
  files_.write(make_serving_pair(other_key_, 2, forge::kNow + 72h));
  EXPECT_TRUE(material.poll());
  EXPECT_EQ(serial_of(material.current()), 2);
  EXPECT_EQ(material.not_after(), forge::kNow + 72h);
  EXPECT_EQ(serial_of(before), 1) << "connections keep the pair they began with";
  EXPECT_FALSE(material.poll());
}

TEST_F(TlsMaterialTest, PollsByItself) {
  const TlsMaterial material(files_.files(), clock_, 5ms);
  files_.write(make_serving_pair(other_key_, 2));
  for (int i = 0; i < 1000 && serial_of(material.current()) != 2; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(serial_of(material.current()), 2);
}

TEST_F(TlsMaterialTest, TakesARenewedCertificateForTheSameKey) {
  TlsMaterial material(files_.files(), clock_, kNever);
  files_.write_certificate(make_serving_pair(key_, 3).certificate);
  EXPECT_TRUE(material.poll());
  EXPECT_EQ(serial_of(material.current()), 3);
}

TEST_F(TlsMaterialTest, HasNothingBeforeAPairIsOffered) {
  const TlsMaterial material(clock_);
  EXPECT_EQ(material.not_after(), std::nullopt);
  ASSERT_NE(material.current(), nullptr);
  EXPECT_EQ(SSL_CTX_get0_certificate(material.current().get()), nullptr);
}

TEST_F(TlsMaterialTest, TakesWhatIsOffered) {
  TlsMaterial material(clock_);
  EXPECT_TRUE(material.offer({pair_.certificate, pair_.key}));
  EXPECT_EQ(serial_of(material.current()), 1);
  EXPECT_EQ(material.not_after(), forge::kNow + 24h);
  const auto context = material.current();
  EXPECT_TRUE(material.offer({pair_.certificate, pair_.key})) << "it is in use";
  EXPECT_EQ(material.current(), context);
  const ServingPair next = make_serving_pair(other_key_, 2, forge::kNow + 72h);
  EXPECT_TRUE(material.offer({next.certificate, next.key}));
  EXPECT_EQ(serial_of(material.current()), 2);
}

TEST_F(TlsMaterialTest, KeepsItsPairWhenTheOfferIsBad) {
  TlsMaterial material(clock_);
  const ServingPair other = make_serving_pair(other_key_, 2);
  EXPECT_FALSE(material.offer({pair_.certificate, other.key}));
  EXPECT_EQ(material.not_after(), std::nullopt);
  EXPECT_THAT(material.last_error().value_or(""), HasSubstr("tls.key is not that of the certificate"));
  ASSERT_TRUE(material.offer({pair_.certificate, pair_.key}));
  EXPECT_EQ(material.last_error(), std::nullopt);
  const ServingPair expired = make_serving_pair(other_key_, 3, forge::kNow - 1s);
  EXPECT_FALSE(material.offer({expired.certificate, expired.key}));
  material.refuse("there is none");
  EXPECT_EQ(material.last_error(), "there is none");
  EXPECT_EQ(serial_of(material.current()), 1);
  EXPECT_EQ(material.reload_errors(), 3U);
}

struct BadFiles {
  const char* name;
  std::function<void(const PairFiles&, const ServingPair& good, const ServingPair& other)> spoil;
  const char* error;
};

void PrintTo(const BadFiles& bad, std::ostream* out) {
  *out << bad.name;
}

class TlsMaterialRefuses : public TlsMaterialTest, public ::testing::WithParamInterface<BadFiles> {
 protected:
  const ServingPair other_ = make_serving_pair(other_key_, 2);
};

TEST_P(TlsMaterialRefuses, AtStart) {
  GetParam().spoil(files_, pair_, other_);
  EXPECT_THAT(load_error(files_.files(), clock_), HasSubstr(GetParam().error));
}

TEST_P(TlsMaterialRefuses, LaterAndKeepsTheOldPair) {
  TlsMaterial material(files_.files(), clock_, kNever);
  GetParam().spoil(files_, pair_, other_);
  EXPECT_FALSE(material.poll());
  EXPECT_EQ(serial_of(material.current()), 1);
  EXPECT_THAT(material.last_error().value_or(""), HasSubstr(GetParam().error));
  EXPECT_EQ(material.reload_errors(), 1U);

  files_.write(other_);
  EXPECT_TRUE(material.poll());
  EXPECT_EQ(material.last_error(), std::nullopt);
  EXPECT_EQ(serial_of(material.current()), 2);
}

ByteView half(const Bytes& bytes) {
  return ByteView(bytes).first(bytes.size() / 2);
}

Bytes encrypted_key() {
  const UniqueHandle<BIO, BIO_free> memory(BIO_new(BIO_s_mem()));
  const forge::PrivateKey key = forge::PrivateKey::ec_p384();
  EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(memory.get(), key.handle(), EVP_aes_256_cbc(), "secret", 6, nullptr,
                                          nullptr),
            1);
  char* start = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &start);
  return to_bytes(as_bytes({start, static_cast<std::size_t>(size)}));
}

Bytes rsa_key() {
  return forge::PrivateKey::rsa(2048).to_pem();
}

INSTANTIATE_TEST_SUITE_P(
    Files, TlsMaterialRefuses,
    ::testing::Values(
        BadFiles{"NewCertificateOldKey",
                 [](const auto& files, const auto&, const auto& other) {
                   files.write_certificate(other.certificate);
                 },
                 "is not that of the certificate"},
        BadFiles{"OldCertificateNewKey",
                 [](const auto& files, const auto&, const auto& other) { files.write_key(other.key); },
                 "is not that of the certificate"},
        BadFiles{"KeyOfAnotherKind",
                 [](const auto& files, const auto&, const auto&) { files.write_key(rsa_key()); },
                 "is not that of the certificate"},
        BadFiles{"HalfACertificate",
                 [](const auto& files, const auto& good, const auto&) {
                   files.write_certificate(half(good.certificate));
                 },
                 "tls.crt"},
        BadFiles{"HalfAKey",
                 [](const auto& files, const auto& good, const auto&) { files.write_key(half(good.key)); },
                 "holds no private key"},
        BadFiles{"NoCertificateFile",
                 [](const auto& files, const auto&, const auto&) {
                   std::filesystem::remove(files.files().certificate_chain);
                 },
                 "tls.crt"},
        BadFiles{"NoKeyFile",
                 [](const auto& files, const auto&, const auto&) {
                   std::filesystem::remove(files.files().private_key);
                 },
                 "tls.key"},
        BadFiles{"EmptyCertificateFile",
                 [](const auto& files, const auto&, const auto&) { files.write_certificate({}); }, "tls.crt"},
        BadFiles{"EmptyKeyFile", [](const auto& files, const auto&, const auto&) { files.write_key({}); },
                 "holds no private key"},
        BadFiles{"EncryptedKey",
                 [](const auto& files, const auto&, const auto&) { files.write_key(encrypted_key()); },
                 "without a password"},
        BadFiles{"SwappedFiles",
                 [](const auto& files, const auto& good, const auto&) {
                   files.write_certificate(good.key);
                   files.write_key(good.certificate);
                 },
                 "tls.crt"},
        BadFiles{"HugeFile",
                 [](const auto& files, const auto&, const auto&) {
                   files.write_certificate(Bytes((1u << 20) + 1, 'x'));
                 },
                 "larger than"}),
    [](const auto& test) { return test.param.name; });

TEST_F(TlsMaterialTest, RefusesAnExpiredCertificateAtStart) {
  files_.write(make_serving_pair(key_, 1, forge::kNow - 1s));
  EXPECT_THAT(load_error(files_.files(), clock_), HasSubstr("expired at 2026-08-24T23:59:59Z"));
}

TEST_F(TlsMaterialTest, KeepsTheOldPairWhenTheNewOneHasExpired) {
  TlsMaterial material(files_.files(), clock_, kNever);
  files_.write(make_serving_pair(other_key_, 2, forge::kNow - 1s));
  EXPECT_FALSE(material.poll());
  EXPECT_EQ(serial_of(material.current()), 1);
  EXPECT_THAT(material.last_error().value_or(""), HasSubstr("expired"));
}

TEST_F(TlsMaterialTest, SaysThatThePairInUseHasExpired) {
  TlsMaterial material(files_.files(), clock_, kNever);
  clock_.set(forge::kNow + 24h);
  EXPECT_FALSE(material.poll());
  EXPECT_EQ(material.last_error(), std::nullopt) << "the last second of its validity";
  clock_.set(forge::kNow + 24h + 1s);
  EXPECT_FALSE(material.poll());
  EXPECT_THAT(material.last_error().value_or(""), HasSubstr("expired"));
}

}  // namespace
}  // namespace nodeproof::webhook
