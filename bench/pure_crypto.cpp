#include "bench/pure_crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace nodeproof::bench {
namespace {

using ByteSpan = std::span<const std::uint8_t>;

// SNP report, AMD 56860 table 23: what is signed, then r and s, 72 bytes each, little endian.
constexpr std::size_t kSignedSize = 0x2a0;
constexpr std::size_t kIntegerSize = 72;

void require(bool succeeded, const char* what) {
  if (!succeeded) throw std::runtime_error(std::string("pure crypto: ") + what);
}

PureCrypto::Certificate parse(ByteSpan der) {
  const std::uint8_t* position = der.data();
  PureCrypto::Certificate out(d2i_X509(nullptr, &position, static_cast<long>(der.size())));
  require(out != nullptr, "d2i_X509");
  return out;
}

void verify_link(const PureCrypto::Certificate& subject, const PureCrypto::Certificate& issuer) {
  require(X509_verify(subject.get(), X509_get0_pubkey(issuer.get())) == 1, "X509_verify");
}

// What has been made of a report's signature for EVP: SEQUENCE { r INTEGER, s INTEGER }.
struct DerSignature {
  std::array<std::uint8_t, 112> bytes{};  // 2 + 2 * (2 + 1 + 48) at most
  std::size_t size = 0;
};

DerSignature to_der(ByteSpan signature) {
  const UniqueHandle<ECDSA_SIG, ECDSA_SIG_free> numbers(ECDSA_SIG_new());
  BIGNUM* r = BN_lebin2bn(signature.data(), kIntegerSize, nullptr);
  BIGNUM* s = BN_lebin2bn(signature.data() + kIntegerSize, kIntegerSize, nullptr);
  require(ECDSA_SIG_set0(numbers.get(), r, s) == 1, "ECDSA_SIG_set0");
  DerSignature out;
  std::uint8_t* end = out.bytes.data();
  const int size = i2d_ECDSA_SIG(numbers.get(), &end);
  require(size > 0, "i2d_ECDSA_SIG");
  out.size = static_cast<std::size_t>(size);
  return out;
}

}  // namespace

PureCrypto::PureCrypto(const PureInputs& inputs)
    : inputs_(inputs),
      sha256_(EVP_MD_fetch(nullptr, "SHA256", nullptr)),
      sha384_(EVP_MD_fetch(nullptr, "SHA384", nullptr)),
      context_(EVP_MD_CTX_new()),
      rsa_(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr)),
      vcek_(parse(inputs.vcek)),
      ak_issuer_(inputs.ak_issuer.empty() ? nullptr : parse(inputs.ak_issuer)),
      ak_(make_ak()) {
  require(sha256_ != nullptr && sha384_ != nullptr && context_ != nullptr, "EVP_MD_fetch");
}

void PureCrypto::cold() {
  const Certificate vcek = parse(inputs_.vcek);
  const Certificate ask = parse(inputs_.ask);
  const Certificate ark = parse(inputs_.ark);
  verify_link(vcek, ask);
  verify_link(ask, ark);
  if (ak_issuer_ != nullptr) verify_link(parse(inputs_.ak_certificate), ak_issuer_);
  verify_report(X509_get0_pubkey(vcek.get()));
  verify_quote(make_ak().get());
}

void PureCrypto::warm() {
  verify_report(X509_get0_pubkey(vcek_.get()));
  verify_quote(make_ak().get());
}

void PureCrypto::refresh() {
  verify_quote(ak_.get());
}

void PureCrypto::verify_report(EVP_PKEY* vcek) {
  const DerSignature signature = to_der(inputs_.report.subspan(kSignedSize, 2 * kIntegerSize));
  verify(vcek, sha384_.get(), inputs_.report.first(kSignedSize), {signature.bytes.data(), signature.size});
}

PureCrypto::Key PureCrypto::make_ak() const {
  // OSSL_PARAM takes integers in the machine's byte order.
  std::array<std::uint8_t, 256> modulus{};
  require(inputs_.ak_modulus.size() == modulus.size(), "an AK of 2048 bits");
  std::reverse_copy(inputs_.ak_modulus.begin(), inputs_.ak_modulus.end(), modulus.begin());
  unsigned exponent = 65537;
  const std::array parameters{OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, modulus.data(), modulus.size()),
                              OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_E, &exponent),
                              OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  require(EVP_PKEY_fromdata_init(rsa_.get()) == 1 &&
              EVP_PKEY_fromdata(rsa_.get(), &key, EVP_PKEY_PUBLIC_KEY,
                                const_cast<OSSL_PARAM*>(parameters.data())) == 1,
          "EVP_PKEY_fromdata");
  return Key(key);
}

void PureCrypto::verify_quote(EVP_PKEY* ak) {
  verify(ak, sha256_.get(), inputs_.quote, inputs_.quote_signature);
}

void PureCrypto::verify(EVP_PKEY* key, const EVP_MD* digest, ByteSpan message, ByteSpan signature) {
  require(EVP_DigestVerifyInit(context_.get(), nullptr, digest, nullptr, key) == 1 &&
              EVP_DigestVerify(context_.get(), signature.data(), signature.size(), message.data(),
                               message.size()) == 1,
          "EVP_DigestVerify");
  EVP_MD_CTX_reset(context_.get());
}

}  // namespace nodeproof::bench
