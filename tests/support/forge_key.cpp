#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "attest/openssl_scope.hpp"
#include "tests/support/forge.hpp"

namespace nodeproof::forge {
namespace {

using attest::require_openssl;
using DigestContext = UniqueHandle<EVP_MD_CTX, &EVP_MD_CTX_free>;

// What `write` puts into a memory BIO.
template <typename Write>
Bytes written(Write write) {
  const attest::BioHandle memory(BIO_new(BIO_s_mem()));
  require_openssl(memory != nullptr && write(memory.get()) == 1, "write PEM");
  char* start = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &start);
  return to_bytes(as_bytes({start, static_cast<std::size_t>(size)}));
}

constexpr int kPrimeBits = 1024;
constexpr BN_ULONG kExponent = 65537;

struct BnContext {
  UniqueHandle<BN_CTX, &BN_CTX_free> context{BN_CTX_new()};
  BN_CTX* get() const { return context.get(); }
};

attest::BignumHandle number() {
  attest::BignumHandle out(BN_new());
  require_openssl(out != nullptr, "make a number");
  return out;
}

// With both upper bits set, so that any two make a modulus of full length.
attest::BignumHandle prime() {
  attest::BignumHandle out = number();
  do {
    require_openssl(BN_generate_prime_ex(out.get(), kPrimeBits, 0, nullptr, nullptr, nullptr) == 1,
                    "make a prime");
  } while (BN_mod_word(out.get(), kExponent) == 1);
  return out;
}

attest::BignumHandle less_one(const BIGNUM* of) {
  attest::BignumHandle out(BN_dup(of));
  require_openssl(out != nullptr && BN_sub_word(out.get(), 1) == 1, "subtract");
  return out;
}

// RFC 8017 3.2, both representations.
EVP_PKEY* rsa_key(const BIGNUM* p, const BIGNUM* q, const BnContext& context) {
  const attest::BignumHandle n = number(), e = number(), d = number(), phi = number(), dp = number(),
                             dq = number(), inverse = number();
  const attest::BignumHandle p1 = less_one(p), q1 = less_one(q);
  BN_CTX* c = context.get();
  require_openssl(BN_mul(n.get(), p, q, c) == 1 && BN_set_word(e.get(), kExponent) == 1 &&
                      BN_mul(phi.get(), p1.get(), q1.get(), c) == 1 &&
                      BN_mod_inverse(d.get(), e.get(), phi.get(), c) != nullptr &&
                      BN_mod(dp.get(), d.get(), p1.get(), c) == 1 &&
                      BN_mod(dq.get(), d.get(), q1.get(), c) == 1 &&
                      BN_mod_inverse(inverse.get(), q, p, c) != nullptr,
                  "compute an RSA key");
  const UniqueHandle<OSSL_PARAM_BLD, &OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
  const std::pair<const char*, const BIGNUM*> parts[] = {
      {OSSL_PKEY_PARAM_RSA_N, n.get()},          {OSSL_PKEY_PARAM_RSA_E, e.get()},
      {OSSL_PKEY_PARAM_RSA_D, d.get()},          {OSSL_PKEY_PARAM_RSA_FACTOR1, p},
      {OSSL_PKEY_PARAM_RSA_FACTOR2, q},          {OSSL_PKEY_PARAM_RSA_EXPONENT1, dp.get()},
      {OSSL_PKEY_PARAM_RSA_EXPONENT2, dq.get()}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, inverse.get()}};
  for (const auto& [name, value] : parts)
    require_openssl(OSSL_PARAM_BLD_push_BN(build.get(), name, value) == 1, "collect an RSA key");
  const UniqueHandle<OSSL_PARAM, &OSSL_PARAM_free> params(OSSL_PARAM_BLD_to_param(build.get()));
  const UniqueHandle<EVP_PKEY_CTX, &EVP_PKEY_CTX_free> maker(
      EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  require_openssl(params != nullptr && EVP_PKEY_fromdata_init(maker.get()) == 1 &&
                      EVP_PKEY_fromdata(maker.get(), &key, EVP_PKEY_KEYPAIR, params.get()) == 1,
                  "make an RSA key");
  return key;
}

}  // namespace

std::vector<PrivateKey> PrivateKey::many_rsa(std::size_t count) {
  const BnContext context;
  std::vector<attest::BignumHandle> primes;
  std::vector<PrivateKey> out;
  while (out.size() < count) {
    primes.push_back(prime());
    for (std::size_t i = 0; i + 1 < primes.size() && out.size() < count; ++i)
      out.push_back(PrivateKey(Handle(rsa_key(primes.back().get(), primes[i].get(), context))));
  }
  return out;
}

PrivateKey PrivateKey::rsa(unsigned bits) {
  Handle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits)));
  require_openssl(key != nullptr, "make an RSA key");
  return PrivateKey(std::move(key));
}

PrivateKey PrivateKey::ec_p384() {
  Handle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-384"));
  require_openssl(key != nullptr, "make a P-384 key");
  return PrivateKey(std::move(key));
}

PrivateKey PrivateKey::from_pem(ByteView pem) {
  const attest::BioHandle memory(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  require_openssl(memory != nullptr, "open a memory buffer");
  Handle key(PEM_read_bio_PrivateKey(memory.get(), nullptr, nullptr, nullptr));
  require_openssl(key != nullptr, "read a private key from PEM");
  return PrivateKey(std::move(key));
}

Bytes PrivateKey::to_pem() const {
  return written([this](BIO* to) {
    return PEM_write_bio_PKCS8PrivateKey(to, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

Bytes to_pem(const attest::Certificate& certificate) {
  return written([&](BIO* to) { return PEM_write_bio_X509(to, certificate.handle()); });
}

Bytes PrivateKey::rsa_modulus() const {
  BIGNUM* raw = nullptr;
  require_openssl(EVP_PKEY_get_bn_param(key_.get(), OSSL_PKEY_PARAM_RSA_N, &raw) == 1, "read an RSA modulus");
  const attest::BignumHandle modulus(raw);
  Bytes out(static_cast<std::size_t>(BN_num_bytes(modulus.get())));
  BN_bn2bin(modulus.get(), out.data());
  return out;
}

Bytes PrivateKey::sign(ByteView message, const char* digest) const {
  const DigestContext context(EVP_MD_CTX_new());
  require_openssl(context != nullptr, "make a signing context");
  require_openssl(
      EVP_DigestSignInit_ex(context.get(), nullptr, digest, nullptr, nullptr, key_.get(), nullptr) == 1,
      "start a signature");
  std::size_t size = 0;
  require_openssl(EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1,
                  "ask for the size of a signature");
  Bytes signature(size);
  require_openssl(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1,
                  "sign");
  signature.resize(size);
  return signature;
}

}  // namespace nodeproof::forge
