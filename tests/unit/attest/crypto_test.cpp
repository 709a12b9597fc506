#include "attest/crypto.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "tests/support/vectors.hpp"
#include "tests/unit/attest/test_certificate.hpp"

namespace nodeproof::attest {
namespace {

using testing_certificates::Key;
using testing_certificates::make_key;
using testing_certificates::make_rsa_key;

const Bytes kExponent{0x01, 0x00, 0x01};
const Bytes kMessage = to_bytes(as_bytes("what the vTPM signed"));

Bytes sign(const Key& key, const EVP_MD* hash, ByteView message) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  std::size_t size = 0;
  EXPECT_EQ(EVP_DigestSignInit(context.get(), nullptr, hash, nullptr, key.get()), 1);
  EXPECT_EQ(EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()), 1);
  Bytes signature(size);
  EXPECT_EQ(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()), 1);
  signature.resize(size);
  return signature;
}

// FIPS 180-4 examples, "abc"; RFC 4231 test case 2.
TEST(Hash, KnownAnswers) {
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(
      to_hex(sha384(as_bytes("abc"))),
      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(to_hex(sha512(as_bytes("abc"))),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), as_bytes("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(to_hex(hmac_sha256({}, {})), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

class RsaKey : public testing::Test {
 protected:
  static void SetUpTestSuite() { key_ = make_rsa_key(); }
  static void TearDownTestSuite() { key_.reset(); }
  static inline Key key_;
};

TEST_F(RsaKey, FromModulusAndExponentEqualsTheOriginal) {
  const PublicKey original(key_);
  const Bytes modulus = original.rsa_modulus();
  ASSERT_EQ(modulus.size(), 256U);
  const auto made = PublicKey::rsa2048(modulus, kExponent, "n");
  ASSERT_TRUE(made) << to_string(made.error());
  EXPECT_TRUE(*made == original);
  EXPECT_EQ(made->rsa_modulus(), modulus);
  EXPECT_TRUE(made->is_rsa2048());
  EXPECT_FALSE(made->is_ec_p384());
  EXPECT_FALSE(*made == PublicKey(make_key()));
}

TEST_F(RsaKey, RefusesOtherModuliAndExponents) {
  const Bytes good = PublicKey(key_).rsa_modulus();
  const auto with = [&](auto edit) {
    Bytes modulus = good;
    edit(modulus);
    return modulus;
  };
  struct Case {
    const char* name;
    Bytes modulus;
    Bytes exponent;
    const char* detail;
  };
  const Case cases[] = {
      {"zero", Bytes(256), kExponent, "zero"},
      {"short", with([](Bytes& m) { m.pop_back(); }), kExponent, "255 bytes"},
      {"long", with([](Bytes& m) { m.insert(m.begin(), 0); }), kExponent, "257 bytes"},
      {"empty", {}, kExponent, "0 bytes"},
      {"2047 bits", with([](Bytes& m) { m[0] &= 0x7f; }), kExponent, "fewer than 2048"},
      {"even", with([](Bytes& m) { m[255] &= 0xfe; }), kExponent, "even"},
      {"exponent 3", good, {3}, "65537"},
      {"exponent with leading zero", good, {0, 1, 0, 1}, "65537"},
      {"no exponent", good, {}, "65537"},
  };
  for (const Case& c : cases) {
    const auto made = PublicKey::rsa2048(c.modulus, c.exponent, "keys.0");
    ASSERT_FALSE(made) << c.name;
    EXPECT_EQ(made.error().where, "keys.0");
    EXPECT_THAT(made.error().detail, testing::HasSubstr(c.detail)) << c.name;
  }
}

TEST_F(RsaKey, VerifiesAndRefusesEveryFlippedBit) {
  const PublicKey key(key_);
  const Bytes signature = sign(key_, EVP_sha256(), kMessage);
  EXPECT_TRUE(key.verify_rsassa_sha256(kMessage, signature));
  for (std::size_t bit = 0; bit < 8 * kMessage.size(); ++bit) {
    Bytes flipped = kMessage;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(key.verify_rsassa_sha256(flipped, signature)) << bit;
  }
  for (std::size_t bit = 0; bit < 8 * signature.size(); ++bit) {
    Bytes flipped = signature;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(key.verify_rsassa_sha256(kMessage, flipped)) << bit;
  }
  for (std::size_t size = 0; size < signature.size(); ++size) {
    EXPECT_FALSE(key.verify_rsassa_sha256(kMessage, ByteView(signature).first(size))) << size;
  }
}

TEST_F(RsaKey, RefusesOtherHashesAndKeys) {
  const PublicKey key(key_);
  EXPECT_FALSE(key.verify_rsassa_sha256(kMessage, sign(key_, EVP_sha384(), kMessage)));
  EXPECT_FALSE(key.verify_ecdsa_p384(kMessage, Bytes(48, 1), Bytes(48, 1)));
  const Key ec = make_key("P-384");
  EXPECT_FALSE(PublicKey(ec).verify_rsassa_sha256(kMessage, sign(ec, EVP_sha256(), kMessage)));
  EXPECT_TRUE(PublicKey(ec).rsa_modulus().empty());
}

// DER of an ECDSA signature into two 48-byte integers.
std::pair<Bytes, Bytes> split(ByteView der) {
  const std::uint8_t* at = der.data();
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> signature(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())), ECDSA_SIG_free);
  Bytes r(48);
  Bytes s(48);
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), r.data(), 48);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), s.data(), 48);
  return {r, s};
}

TEST(EcKey, VerifiesP384AndRefusesTheRest) {
  const Key key = make_key("P-384");
  const PublicKey public_key(key);
  EXPECT_TRUE(public_key.is_ec_p384());
  EXPECT_FALSE(public_key.is_rsa2048());
  const auto [r, s] = split(sign(key, EVP_sha384(), kMessage));
  EXPECT_TRUE(public_key.verify_ecdsa_p384(kMessage, r, s));
  EXPECT_FALSE(public_key.verify_ecdsa_p384(kMessage, s, r));
  EXPECT_FALSE(public_key.verify_ecdsa_p384(as_bytes("else"), r, s));
  EXPECT_FALSE(public_key.verify_ecdsa_p384(kMessage, Bytes(48), s)) << "r = 0";
  EXPECT_FALSE(public_key.verify_ecdsa_p384(kMessage, r, Bytes(48))) << "s = 0";
  EXPECT_FALSE(public_key.verify_ecdsa_p384(kMessage, Bytes(48, 0xff), s)) << "r above the order";
  EXPECT_FALSE(public_key.verify_ecdsa_p384(kMessage, ByteView(r).first(47), s));
  EXPECT_FALSE(public_key.verify_ecdsa_p384(kMessage, {}, {}));
  EXPECT_FALSE(PublicKey(make_key("P-256")).verify_ecdsa_p384(kMessage, r, s));
  EXPECT_FALSE(PublicKey(make_key("P-384")).verify_ecdsa_p384(kMessage, r, s));
}

TEST(Openssl, ErrorQueueIsLeftEmpty) {
  EXPECT_FALSE(PublicKey(make_key("P-384")).verify_ecdsa_p384(kMessage, Bytes(48, 0xff), Bytes(48, 0xff)));
  EXPECT_EQ(ERR_peek_error(), 0U);
  EXPECT_FALSE(Certificate::parse_der(Bytes{0x30, 0x01, 0x00}, "x"));
  EXPECT_EQ(ERR_peek_error(), 0U);
}

}  // namespace
}  // namespace nodeproof::attest
