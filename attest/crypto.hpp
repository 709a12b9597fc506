// Hashes, keys, signatures and certificates over OpenSSL, as values without OpenSSL's types.
//
// Pure: no clock, file, socket or global. A signature check has three outcomes in OpenSSL (valid,
// invalid, error); only the first is yes here. All types may be used from any thread once made.
#pragma once

#include <openssl/ossl_typ.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/time.hpp"

namespace nodeproof::attest {

Sha256Digest sha256(ByteView data);
Sha384Digest sha384(ByteView data);
Sha512Digest sha512(ByteView data);
Sha256Digest hmac_sha256(ByteView key, ByteView data);

// Whether an RSA public key may be what a vTPM has: big-endian, 2048 bits, e = 65537.
Status check_rsa2048(ByteView modulus, ByteView exponent, std::string_view where);

// A public key. Copies share the parsed key (parsing costs several times a verification).
class PublicKey {
 public:
  // What check_rsa2048 passes.
  static Result<PublicKey> rsa2048(ByteView modulus, ByteView exponent, std::string_view where);
  // Takes a share of `key`.
  explicit PublicKey(std::shared_ptr<EVP_PKEY> key);

  // RSASSA-PKCS1-v1_5 with SHA-256 over `message`; false for any other key type.
  bool verify_rsassa_sha256(ByteView message, ByteView signature) const;
  // ECDSA P-384 with SHA-384; r and s are 48-byte big-endian integers; false for any other key.
  bool verify_ecdsa_p384(ByteView message, ByteView r, ByteView s) const;

  // RSAES-OAEP with SHA-256 and this label; RSA-2048 only, at most 190 bytes.
  Bytes encrypt_oaep_sha256(ByteView message, ByteView label) const;

  bool is_rsa2048() const;
  bool is_ec_p384() const;
  Bytes rsa_modulus() const;  // big endian, 256 bytes for RSA-2048; empty for other keys
  bool operator==(const PublicKey& other) const;

  // For who keeps thousands: a key made by rsa2048 gives back OpenSSL's form of it, some 3.5 kB, which
  // each later use makes anew in some 5 us. Other keys stay as they are.
  void condense();

 private:
  std::shared_ptr<EVP_PKEY> parsed() const;
  std::shared_ptr<EVP_PKEY> key_;         // null: condensed
  std::shared_ptr<const Bytes> modulus_;  // of a key that was made from it
};

// An X.509 certificate as parsed, nothing verified. Copies share the parsed form.
class Certificate {
 public:
  // Exactly one DER certificate; bytes after its outer length are kTrailing.
  static Result<Certificate> parse_der(ByteView der, std::string_view where);

  const Bytes& der() const { return *der_; }
  const Sha256Digest& sha256() const { return sha256_; }                           // of the DER
  const std::string& subject_common_name() const { return subject_common_name_; }  // empty when absent
  std::string subject() const;                                                     // one line, for messages
  std::string issuer() const;
  std::string serial_hex() const;
  UnixTime not_before() const;
  UnixTime not_after() const;
  const PublicKey& key() const { return *key_; }
  Sha256Digest spki_sha256() const;  // of the SubjectPublicKeyInfo, DER
  bool is_self_issued() const;       // subject equals issuer; no signature is checked
  bool is_ca() const;                // basicConstraints CA:TRUE
  // Whether it may issue a certificate with `cas_below` further CAs under that one: CA:TRUE, keyUsage
  // with keyCertSign, path length observed (RFC 5280 4.2.1.9).
  bool may_issue(std::size_t cas_below) const;
  bool may_sign_lists() const;  // keyUsage with cRLSign
  bool may_sign_data() const;   // keyUsage with digitalSignature

  // The content octets of the extension with this dotted OID, borrowed from the certificate; duplicates
  // and absence are Errors.
  Result<ByteView> extension(std::string_view oid) const;
  bool has_extension(std::string_view oid) const;
  // The dotted OID of the first critical extension that is not among `known`; nothing when there is none.
  std::optional<std::string> critical_extension_beyond(std::span<const std::string_view> known) const;
  std::vector<std::string> policy_oids() const;  // certificatePolicies
  std::vector<std::string> extended_key_usage_oids() const;

  bool names_as_issuer(const Certificate& issuer) const;  // names only
  // True when the names match and `issuer`'s key made this certificate's signature over SHA-256,
  // SHA-384 or SHA-512.
  bool is_signed_by(const Certificate& issuer) const;

  X509* handle() const { return x509_.get(); }  // borrowed, for attest's own .cpp files

 private:
  Certificate() = default;
  std::shared_ptr<const Bytes> der_;
  Sha256Digest sha256_{};
  std::string subject_common_name_;
  std::shared_ptr<X509> x509_;
  std::optional<PublicKey> key_;
};

// At least one and at most this many per parse_certificates: a chain has three or four.
inline constexpr std::size_t kMaxCertificates = 64;

// Any mix of PEM blocks and DER certificates, one after another or single. Text between them is
// refused unless it is white space. `where` names the file or field in errors.
Result<std::vector<Certificate>> parse_certificates(ByteView pem_or_der, std::string_view where);

// Cuts a DER object to its own outer length: NV indices pad with zeros. Non-zero bytes after the
// object are kTrailing.
Result<Bytes> cut_der(ByteView padded, std::string_view where);

}  // namespace nodeproof::attest
