#include "attest/activation.hpp"

#include "attest/openssl_scope.hpp"

namespace nodeproof::attest {
namespace {

using CipherContext = UniqueHandle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

constexpr std::size_t kAesKeySize = 16;
constexpr std::size_t kHmacKeySize = 32;
// The label of the OAEP encoding with the zero byte that ends it (part 1, B.10.4).
constexpr std::string_view kSeedLabel("IDENTITY\0", 9);
constexpr std::uint8_t kExponent[] = {1, 0, 1};

// One TPM2B: u16 length, then the bytes.
Bytes sized(ByteView bytes) {
  Bytes out{static_cast<std::uint8_t>(bytes.size() >> 8U), static_cast<std::uint8_t>(bytes.size())};
  append(out, bytes);
  return out;
}

// KDFa with SHA-256, for keys no longer than one block of it (part 1, 11.4.10.2).
Bytes kdfa(ByteView key, std::string_view label, ByteView context, std::size_t bytes) {
  Bytes message;
  append_be32(message, 1);
  append(message, as_bytes(label));
  message.push_back(0);
  append(message, context);
  append_be32(message, static_cast<std::uint32_t>(8 * bytes));
  const Sha256Digest block = hmac_sha256(key, message);
  return to_bytes(ByteView(block).first(bytes));
}

Bytes aes128_cfb(ByteView key, ByteView plain) {
  const ByteArray<16> zeros{};
  const CipherContext context(EVP_CIPHER_CTX_new());
  require_openssl(context != nullptr && EVP_EncryptInit_ex2(context.get(), EVP_aes_128_cfb128(), key.data(),
                                                            zeros.data(), nullptr) == 1,
                  "start AES-128-CFB");
  Bytes out(plain.size());
  int size = 0;
  require_openssl(EVP_EncryptUpdate(context.get(), out.data(), &size, plain.data(),
                                    static_cast<int>(plain.size())) == 1 &&
                      static_cast<std::size_t>(size) == plain.size(),
                  "encrypt by AES-128-CFB");
  return out;
}

}  // namespace

Result<Credential> make_credential(ByteView ek_modulus, ByteView name, const ByteArray<32>& secret,
                                   const ByteArray<32>& seed) {
  NODEPROOF_TRY(ek, PublicKey::rsa2048(ek_modulus, kExponent, "EK"));
  Credential out;
  out.encrypted_seed = ek.encrypt_oaep_sha256(seed, as_bytes(kSeedLabel));
  // The length of the secret is encrypted with it, so no other length is written down.
  const Bytes identity = aes128_cfb(kdfa(seed, "STORAGE", name, kAesKeySize), sized(secret));
  Bytes covered = identity;
  append(covered, name);
  out.id_object = sized(hmac_sha256(kdfa(seed, "INTEGRITY", {}, kHmacKeySize), covered));
  append(out.id_object, identity);
  return out;
}

}  // namespace nodeproof::attest
