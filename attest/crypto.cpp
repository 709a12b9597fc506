#include "attest/crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include <algorithm>
#include <bit>

#include "attest/openssl_scope.hpp"

namespace nodeproof::attest {
namespace {

using DigestAlgorithm = UniqueHandle<EVP_MD, EVP_MD_free>;
using DigestContext = UniqueHandle<EVP_MD_CTX, EVP_MD_CTX_free>;
using KeyContext = UniqueHandle<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using EcdsaSignature = UniqueHandle<ECDSA_SIG, ECDSA_SIG_free>;

constexpr std::size_t kRsa2048ModulusSize = 256;
constexpr std::uint32_t kRsaExponent = 65537;
constexpr std::size_t kP384IntegerSize = 48;

DigestAlgorithm fetch(const char* name) {
  DigestAlgorithm algorithm(EVP_MD_fetch(nullptr, name, nullptr));
  require_openssl(algorithm != nullptr, "EVP_MD_fetch");
  return algorithm;
}

// Constants, looked up when first used: that costs as much as hashing some hundred bytes, and
// EVP_sha256() and the like do it at every use.
const EVP_MD* sha256_algorithm() {
  static const DigestAlgorithm algorithm = fetch("SHA256");
  return algorithm.get();
}
const EVP_MD* sha384_algorithm() {
  static const DigestAlgorithm algorithm = fetch("SHA384");
  return algorithm.get();
}
const EVP_MD* sha512_algorithm() {
  static const DigestAlgorithm algorithm = fetch("SHA512");
  return algorithm.get();
}

template <std::size_t N>
ByteArray<N> digest(ByteView data, const EVP_MD* algorithm) {
  ByteArray<N> out{};
  unsigned size = 0;
  require_openssl(
      EVP_Digest(data.data(), data.size(), out.data(), &size, algorithm, nullptr) == 1 && size == N,
      "EVP_Digest");
  return out;
}

BignumHandle to_bignum(ByteView big_endian) {
  BignumHandle number(BN_bin2bn(big_endian.data(), static_cast<int>(big_endian.size()), nullptr));
  require_openssl(number != nullptr, "BN_bin2bn");
  return number;
}

Error bad_key(std::string_view where, std::string detail) {
  return {Errc::kBadValue, std::string(where), std::move(detail)};
}

// EVP_DigestVerify gives 1 (valid), 0 (invalid) or less (error); only 1 is yes.
bool verify(EVP_PKEY* key, const EVP_MD* algorithm, ByteView message, ByteView signature) {
  const DigestContext context(EVP_MD_CTX_new());
  require_openssl(context != nullptr, "EVP_MD_CTX_new");
  if (EVP_DigestVerifyInit(context.get(), nullptr, algorithm, nullptr, key) != 1) return false;
  return EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

// SEQUENCE { r INTEGER, s INTEGER }, the form in which OpenSSL takes ECDSA signatures.
Bytes ecdsa_der(ByteView r, ByteView s) {
  const EcdsaSignature signature(ECDSA_SIG_new());
  require_openssl(signature != nullptr, "ECDSA_SIG_new");
  BignumHandle r_number = to_bignum(r);
  BignumHandle s_number = to_bignum(s);
  require_openssl(ECDSA_SIG_set0(signature.get(), r_number.release(), s_number.release()) == 1,
                  "ECDSA_SIG_set0");
  const int size = i2d_ECDSA_SIG(signature.get(), nullptr);
  require_openssl(size > 0, "i2d_ECDSA_SIG");
  Bytes der(static_cast<std::size_t>(size));
  std::uint8_t* end = der.data();
  require_openssl(i2d_ECDSA_SIG(signature.get(), &end) == size, "i2d_ECDSA_SIG");
  return der;
}

BignumHandle rsa_modulus_of(const EVP_PKEY* key) {
  BIGNUM* modulus = nullptr;
  if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) != 1) return nullptr;
  return BignumHandle(modulus);
}

bool is_rsa(const EVP_PKEY* key) {
  return EVP_PKEY_is_a(key, "RSA") == 1;
}

// Of a modulus that check_rsa2048 passed; null when OpenSSL does not take it.
std::shared_ptr<EVP_PKEY> make_rsa2048(ByteView modulus) {
  // An OSSL_PARAM holds an integer in the machine's byte order, and borrows it.
  ByteArray<kRsa2048ModulusSize> n{};
  std::copy(modulus.begin(), modulus.end(), n.begin());
  if constexpr (std::endian::native == std::endian::little) std::reverse(n.begin(), n.end());
  std::uint32_t e = kRsaExponent;
  OSSL_PARAM parameters[] = {OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, n.data(), n.size()),
                             OSSL_PARAM_construct_uint32(OSSL_PKEY_PARAM_RSA_E, &e),
                             OSSL_PARAM_construct_end()};
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  require_openssl(context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1, "EVP_PKEY_fromdata_init");
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) return nullptr;
  return std::shared_ptr<EVP_PKEY>(KeyHandle(key));
}

}  // namespace

Sha256Digest sha256(ByteView data) {
  return digest<32>(data, sha256_algorithm());
}
Sha384Digest sha384(ByteView data) {
  return digest<48>(data, sha384_algorithm());
}
Sha512Digest sha512(ByteView data) {
  return digest<64>(data, sha512_algorithm());
}

Sha256Digest hmac_sha256(ByteView key, ByteView data) {
  const OpensslScope scope;
  // HMAC() takes a null pointer for an error, even with size 0.
  constexpr std::uint8_t kNothing = 0;
  const auto pointer = [&](ByteView bytes) { return bytes.empty() ? &kNothing : bytes.data(); };
  Sha256Digest out{};
  unsigned size = 0;
  const auto* made = HMAC(sha256_algorithm(), pointer(key), static_cast<int>(key.size()), pointer(data),
                          data.size(), out.data(), &size);
  require_openssl(made != nullptr && size == out.size(), "HMAC");
  return out;
}

PublicKey::PublicKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}

Status check_rsa2048(ByteView modulus, ByteView exponent, std::string_view where) {
  constexpr std::uint8_t kExponentBytes[] = {kRsaExponent >> 16U, kRsaExponent >> 8U & 0xffU,
                                             kRsaExponent & 0xffU};
  if (!equal(exponent, kExponentBytes)) return bad_key(where, "the RSA exponent is not 65537");
  if (modulus.size() != kRsa2048ModulusSize) {
    return bad_key(where,
                   "the RSA modulus is " + std::to_string(modulus.size()) + " bytes long, must be 256");
  }
  if (all_zero(modulus)) return bad_key(where, "the RSA modulus is zero: the vTPM has no key there");
  if ((modulus.front() & 0x80U) == 0) return bad_key(where, "the RSA modulus has fewer than 2048 bits");
  if ((modulus.back() & 1U) == 0) return bad_key(where, "the RSA modulus is even");
  return Ok{};
}

Result<PublicKey> PublicKey::rsa2048(ByteView modulus, ByteView exponent, std::string_view where) {
  const OpensslScope scope;
  NODEPROOF_CHECK(check_rsa2048(modulus, exponent, where));
  std::shared_ptr<EVP_PKEY> key = make_rsa2048(modulus);
  if (key == nullptr) return bad_key(where, "is not an RSA key that OpenSSL takes");
  PublicKey out{std::move(key)};
  out.modulus_ = std::make_shared<const Bytes>(to_bytes(modulus));
  return out;
}

void PublicKey::condense() {
  if (modulus_ != nullptr) key_ = nullptr;
}

std::shared_ptr<EVP_PKEY> PublicKey::parsed() const {
  return key_ != nullptr ? key_ : make_rsa2048(*modulus_);
}

bool PublicKey::verify_rsassa_sha256(ByteView message, ByteView signature) const {
  const OpensslScope scope;
  const std::shared_ptr<EVP_PKEY> key = parsed();
  return is_rsa(key.get()) && verify(key.get(), sha256_algorithm(), message, signature);
}

bool PublicKey::verify_ecdsa_p384(ByteView message, ByteView r, ByteView s) const {
  const OpensslScope scope;
  if (r.size() != kP384IntegerSize || s.size() != kP384IntegerSize || !is_ec_p384()) return false;
  return verify(key_.get(), sha384_algorithm(), message, ecdsa_der(r, s));
}

Bytes PublicKey::encrypt_oaep_sha256(ByteView message, ByteView label) const {
  const OpensslScope scope;
  const auto key = parsed();
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
  std::string digest = "SHA256";
  Bytes owned_label = to_bytes(label);
  std::string padding = OSSL_PKEY_RSA_PAD_MODE_OAEP;
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_PAD_MODE, padding.data(), 0),
      OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_OAEP_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_utf8_string(OSSL_ASYM_CIPHER_PARAM_MGF1_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_ASYM_CIPHER_PARAM_OAEP_LABEL, owned_label.data(),
                                        owned_label.size()),
      OSSL_PARAM_construct_end()};
  require_openssl(context != nullptr && EVP_PKEY_encrypt_init_ex(context.get(), parameters) == 1,
                  "start RSAES-OAEP");
  Bytes out(kRsa2048ModulusSize);
  std::size_t size = out.size();
  require_openssl(EVP_PKEY_encrypt(context.get(), out.data(), &size, message.data(), message.size()) == 1 &&
                      size == out.size(),
                  "encrypt by RSAES-OAEP");
  return out;
}

bool PublicKey::is_rsa2048() const {
  if (modulus_ != nullptr) return true;
  return is_rsa(key_.get()) && EVP_PKEY_get_bits(key_.get()) == 8 * static_cast<int>(kRsa2048ModulusSize);
}

bool PublicKey::is_ec_p384() const {
  if (modulus_ != nullptr) return false;
  const OpensslScope scope;
  char group[32] = {};
  std::size_t size = 0;
  return EVP_PKEY_is_a(key_.get(), "EC") == 1 &&
         EVP_PKEY_get_group_name(key_.get(), group, sizeof group, &size) == 1 &&
         std::string_view(group, size) == SN_secp384r1;
}

Bytes PublicKey::rsa_modulus() const {
  if (modulus_ != nullptr) return *modulus_;
  const OpensslScope scope;
  const BignumHandle modulus = is_rsa(key_.get()) ? rsa_modulus_of(key_.get()) : nullptr;
  if (modulus == nullptr) return {};
  Bytes out(static_cast<std::size_t>(BN_num_bytes(modulus.get())));
  BN_bn2bin(modulus.get(), out.data());
  return out;
}

bool PublicKey::operator==(const PublicKey& other) const {
  const OpensslScope scope;
  return EVP_PKEY_eq(parsed().get(), other.parsed().get()) == 1;
}

}  // namespace nodeproof::attest
