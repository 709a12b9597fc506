#include <openssl/core_names.h>
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

}  // namespace

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
