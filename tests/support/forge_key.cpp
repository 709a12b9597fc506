#include <openssl/bn.h>
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

using attest::BignumHandle;
using BignumContext = UniqueHandle<BN_CTX, &BN_CTX_free>;
using KeyContext = UniqueHandle<EVP_PKEY_CTX, &EVP_PKEY_CTX_free>;
using ParamBuilder = UniqueHandle<OSSL_PARAM_BLD, &OSSL_PARAM_BLD_free>;
using Params = UniqueHandle<OSSL_PARAM, &OSSL_PARAM_free>;

constexpr BN_ULONG kExponent = 65537;

// A prime of 1024 bits that may be a factor of an RSA key; OpenSSL sets its two upper bits.
BignumHandle make_prime(BN_CTX* context) {
  BignumHandle prime(BN_new());
  for (;;) {
    require_openssl(BN_generate_prime_ex2(prime.get(), 1024, 0, nullptr, nullptr, nullptr, context) == 1,
                    "make a prime");
    if (BN_mod_word(prime.get(), kExponent) != 1) return prime;
  }
}

// The key of these two primes without its shortcuts (RFC 8017 3.2: n, e and d do).
EVP_PKEY* rsa_of(const BIGNUM* p, const BIGNUM* q, BN_CTX* context) {
  const BignumHandle n(BN_new());
  const BignumHandle e(BN_new());
  const BignumHandle p1(BN_dup(p));
  const BignumHandle q1(BN_dup(q));
  const BignumHandle phi(BN_new());
  const bool calculated = BN_set_word(e.get(), kExponent) == 1 && BN_mul(n.get(), p, q, context) == 1 &&
                          BN_sub_word(p1.get(), 1) == 1 && BN_sub_word(q1.get(), 1) == 1 &&
                          BN_mul(phi.get(), p1.get(), q1.get(), context) == 1;
  require_openssl(calculated, "multiply primes");
  const BignumHandle d(BN_mod_inverse(nullptr, e.get(), phi.get(), context));
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  require_openssl(d != nullptr &&
                      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
                      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) == 1 &&
                      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_D, d.get()) == 1,
                  "put an RSA key together");
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const KeyContext making(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  EVP_PKEY* key = nullptr;
  require_openssl(EVP_PKEY_fromdata_init(making.get()) == 1 &&
                      EVP_PKEY_fromdata(making.get(), &key, EVP_PKEY_KEYPAIR, params.get()) == 1,
                  "make an RSA key of two primes");
  return key;
}

}  // namespace

PrivateKey PrivateKey::rsa(unsigned bits) {
  Handle key(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits)));
  require_openssl(key != nullptr, "make an RSA key");
  return PrivateKey(std::move(key));
}

std::vector<PrivateKey> PrivateKey::rsa_grid(std::size_t rows, std::size_t columns) {
  const BignumContext context(BN_CTX_new());
  std::vector<BignumHandle> primes;
  while (primes.size() < rows + columns) primes.push_back(make_prime(context.get()));
  std::vector<PrivateKey> out;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      out.push_back(
          PrivateKey(Handle(rsa_of(primes[row].get(), primes[rows + column].get(), context.get()))));
    }
  }
  return out;
}

PrivateKey PrivateKey::share() const {
  require_openssl(EVP_PKEY_up_ref(key_.get()) == 1, "share a key");
  return PrivateKey(Handle(key_.get()));
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
