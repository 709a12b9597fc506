// Forged evidence: certificate chains, reports, claims and quotes shaped like those of AMD and Azure,
// made at run time with keys of our own. For tests and the emulated node; no key is ever stored here.
//
// Everything is right by default; each way to be wrong is one member of an options struct. A function
// that cannot do its work (OpenSSL fails, an option makes no sense) throws std::runtime_error.
// Values may be used from any thread once made.
#pragma once

#include <openssl/evp.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "attest/verify.hpp"
#include "base/unique_handle.hpp"

namespace nodeproof::forge {

// 2026-08-25T00:00:00Z: the moment at which tests judge, inside the default validity.
inline constexpr UnixTime kNow{Seconds{1787616000}};

struct Validity {
  UnixTime from = kNow - std::chrono::hours(24 * 90);
  UnixTime until = kNow + std::chrono::hours(24 * 365 * 6);
};

class PrivateKey {
 public:
  static PrivateKey rsa(unsigned bits);  // about 0.1 s for 2048 bits, 1 s and more for 4096
  static PrivateKey ec_p384();
  static PrivateKey from_pem(ByteView pem);
  // The RSA keys of `rows` x `columns` pairs of 1024-bit primes: thousands of different ones for the price of
  // a few, of no use but to tell many machines apart.
  static std::vector<PrivateKey> rsa_grid(std::size_t rows, std::size_t columns);
  Bytes to_pem() const;      // PKCS #8, not encrypted
  PrivateKey share() const;  // the same key

  Bytes rsa_modulus() const;  // big endian; RSA keys only
  // `digest` as OpenSSL names it ("SHA256"). RSA keys: RSASSA-PKCS1-v1_5; EC keys: ECDSA, as DER.
  Bytes sign(ByteView message, const char* digest) const;
  EVP_PKEY* handle() const { return key_.get(); }  // borrowed

 private:
  using Handle = UniqueHandle<EVP_PKEY, &EVP_PKEY_free>;
  explicit PrivateKey(Handle key) : key_(std::move(key)) {}
  Handle key_;
};

struct CertifiedKey {
  PrivateKey key;
  attest::Certificate certificate;
};

Bytes to_pem(const attest::Certificate& certificate);

// ---- AMD: ARK and ASK (RSASSA-PSS with SHA-384, azure-evidence 4.1) and VCEK ------------------

struct AmdOptions {
  attest::Product product = attest::Product::kMilan;
  unsigned rsa_bits = 2048;  // AMD's have 4096; 2048 keeps tests fast
  Validity validity;         // of the ARK
  Validity ask_validity;
  bool ask_is_ca = true;
  bool ark_signs_lists = true;   // keyUsage cRLSign, as AMD's have it
  bool ask_by_stranger = false;  // the ASK names the ARK as issuer, but another key signed it
};

struct AmdAuthority {
  attest::Product product;
  CertifiedKey ark;
  CertifiedKey ask;
};
AmdAuthority make_amd_authority(const AmdOptions& options = {});

// The CA of VLEKs, SEV-VLEK-<product>, under the authority's ARK.
CertifiedKey make_asvk(const AmdAuthority& authority);

inline constexpr attest::TcbVersion kTcb{4, 0, 24, 219};  // boot loader, TEE, SNP firmware, microcode
attest::TcbVersion tcb_for(attest::Product product);      // the same in the product's layout
ByteArray<64> default_chip_id();

struct VcekOptions {
  std::string common_name = "SEV-VCEK";
  std::string product_name;                   // empty: "Milan-B0", "Genoa" or "Turin"
  attest::TcbVersion tcb = kTcb;              // the authority's product decides the layout
  ByteArray<64> chip_id = default_chip_id();  // on Turin the first 8 bytes count
  bool hwid_as_octet_string = false;          // the rarer encoding, with an inner tag
  std::string without_extension;              // a suffix of AMD's arc, for example "3.8"; empty: none
  std::string doubled_extension;              // likewise: appears twice
  std::string critical_extension;             // likewise: is critical, as none of AMD's is
  bool by_stranger = false;                   // names the ASK as issuer, but another key signed it
  Validity validity;
};
CertifiedKey issue_vcek(const AmdAuthority& authority, const VcekOptions& options = {});

struct VlekOptions {
  attest::TcbVersion tcb = kTcb;
  std::string csp_id = "CN=cloud.example";
  std::string without_extension;  // as in VcekOptions
  Validity validity{kNow - std::chrono::hours(24 * 90), kNow + std::chrono::hours(24 * 275)};
};
CertifiedKey issue_vlek(const AmdAuthority& authority, const CertifiedKey& asvk,
                        const VlekOptions& options = {});

// ---- Revocation lists (RFC 5280 section 5; azure-evidence 4.5) ---------------------------------

struct RevocationListOptions {
  std::vector<attest::Certificate> revoked;
  UnixTime revoked_at = kNow - std::chrono::hours(24 * 30);
  UnixTime this_update = kNow - std::chrono::hours(24);
  std::optional<UnixTime> next_update = kNow + std::chrono::hours(24 * 44);
  bool by_stranger = false;              // names the issuer, but another key signed it
  bool with_critical_extension = false;  // an issuingDistributionPoint: the list is a partial one
};
// DER, RSASSA-PSS with SHA-384 by an RSA key.
Bytes make_revocation_list(const CertifiedKey& issuer, const RevocationListOptions& options = {});

// ---- Microsoft: root, intermediate and AK certificate (azure-evidence 7) -----------------------

struct VtpmOptions {
  unsigned rsa_bits = 2048;
  Validity validity;  // of the root
  Validity intermediate_validity;
};

struct VtpmAuthority {
  CertifiedKey root;
  CertifiedKey intermediate;
};
VtpmAuthority make_vtpm_authority(const VtpmOptions& options = {});

inline constexpr std::string_view kConfidentialSuffix = ".ConfidentialVM.Azure.windows.net";
inline constexpr std::string_view kTrustedLaunchSuffix = ".TrustedVM.Azure.windows.net";
inline constexpr std::string_view kConfidentialPolicyOid = "1.3.6.1.4.1.311.108.200.2";
inline constexpr std::string_view kTrustedLaunchPolicyOid = "1.3.6.1.4.1.311.108";

struct AkCertificateOptions {
  std::string common_name = "0123456789ab" + std::string(kConfidentialSuffix);
  std::string policy_oid{kConfidentialPolicyOid};  // empty: no certificatePolicies
  std::string key_usage = "digitalSignature";      // in OpenSSL's words
  std::vector<std::string> extended_key_usage = {"1.3.6.1.4.1.311.10.3.12", "2.23.133.8.3"};
  bool by_root = false;      // issued by the root itself instead of the intermediate
  bool by_stranger = false;  // names the intermediate as issuer, but another key signed it
  Validity validity{kNow - std::chrono::hours(24 * 90), kNow + std::chrono::hours(24 * 275)};
};
// `ak_modulus`: of the RSA-2048 key to certify, big endian; e = 65537.
attest::Certificate issue_ak_certificate(const VtpmAuthority& authority, ByteView ak_modulus,
                                         const AkCertificateOptions& options = {});

// ---- Runtime claims, SNP report, HCL frame (azure-evidence 2, 3) -------------------------------

inline constexpr std::string_view kVmId = "6f9d0f6c-3c0a-4a51-9f43-4d0a5f3c2b10";

struct ClaimsOptions {
  std::string vm_id{kVmId};  // written as given
  std::optional<bool> secure_boot = true;
  std::optional<bool> tpm_enabled = true;
  bool console_enabled = true;
  std::optional<ByteArray<64>> user_data = ByteArray<64>{};  // zeros: no challenge was written
  Bytes ak_modulus = {};  // of HCLAkPub; empty: the world's, or the one given along
  Bytes ek_modulus = {};  // of HCLEkPub; empty: none, as fits 2048 bytes
};
// The paravisor's JSON; with HCLAkPub alone 812 bytes at most, so that its frame fits 2048 bytes.
Bytes make_runtime_claims(ByteView ak_modulus, const ClaimsOptions& options = {});

// SHA-384 of a public sentence: no genuine paravisor has it.
Sha384Digest emulated_id_key_digest();
inline constexpr std::uint32_t kGuestSvn = 10;

// An unsigned report as Azure's paravisor gets it at VMPL 0, binding `runtime_claims`: of version 3, on
// Turin of version 5.
attest::SnpReport make_report(attest::Product product, ByteView runtime_claims);
// Serialises and signs.
Bytes sign_report(const attest::SnpReport& report, const PrivateKey& vcek);
// Signs 1184 bytes anew, in place, after a test has edited them.
void resign_report(Bytes& report, const PrivateKey& vcek);

// ---- One node ---------------------------------------------------------------------------------

// All that a forged node's evidence rests on, and the AK of its vTPM.
struct World {
  AmdAuthority amd;
  VtpmAuthority vtpm;
  PrivateKey ak;        // RSA-2048, stands in for the vTPM's
  PrivateKey other_ak;  // another one, for evidence that does not fit together
};
World make_world(attest::Product product = attest::Product::kMilan);
// One per product and process, made when first asked for.
const World& shared_world(attest::Product product = attest::Product::kMilan);

// Another machine of the same authorities: with this AK in its vTPM.
World with_ak(const World& world, PrivateKey ak);

// Only this world's roots, and only its paravisor.
attest::TrustAnchors trust_anchors_of(const World& world);
attest::ReferenceValues reference_values_of(const World& world);

struct BootOptions {
  VcekOptions vcek;
  AkCertificateOptions ak_certificate;
  bool with_ak_certificate = true;
  bool certify_other_ak = false;  // the AK certificate is for World::other_ak
  ClaimsOptions claims;
  std::function<void(attest::SnpReport&)> edit_report;  // before it is signed; may be empty
  bool report_by_stranger = false;                      // another P-384 key than the VCEK's signs the report
  bool with_ark = true;                                 // the ARK travels along, as THIM sends it
  std::size_t hcl_padding = 64;                         // zeros after the frame, as NV holds them
  std::optional<Bytes> event_log;                       // absent: the one that make_pcrs fits
};
attest::BootEvidence make_boot_evidence(const World& world, const BootOptions& options = {});

inline const AkCertificateOptions kTrustedLaunchCertificate{
    .common_name = "0123456789ab" + std::string(kTrustedLaunchSuffix),
    .policy_oid = std::string(kTrustedLaunchPolicyOid)};

// Of a Trusted Launch VM with the world's AK.
struct TrustedLaunchOptions {
  AkCertificateOptions ak_certificate = kTrustedLaunchCertificate;
  bool with_ak_certificate = true;
  bool certify_other_ak = false;
  std::optional<Bytes> event_log;  // as above
};
attest::TrustedLaunchEvidence make_trusted_launch_evidence(const World& world,
                                                           const TrustedLaunchOptions& options = {});

// What the boot leaves that the default event log tells of (forge_event_log.hpp).
attest::PcrValues make_pcrs(std::string_view vm_id = kVmId, bool secure_boot = true);

struct QuoteOptions {
  attest::PcrValues pcrs = make_pcrs();
  attest::PcrSelection selection = attest::kNodeQuotePcrs;
  Bytes qualifying_data = Bytes(32, 0x5a);
  std::uint64_t clock = 60000;  // milliseconds
  std::uint32_t reset_count = 1;
  std::uint32_t restart_count = 0;
  std::uint32_t magic = 0xff544347;        // TPM_GENERATED_VALUE
  std::uint16_t type = 0x8018;             // TPM_ST_ATTEST_QUOTE
  std::uint16_t bank = 0x000b;             // SHA-256
  std::optional<Bytes> qualified_signer;   // absent: the right one
  std::optional<Sha256Digest> pcr_digest;  // absent: the right one
  bool tpmt_signature = true;              // false: the bare 256 bytes
};
// As the TPM with this AK would make it. The values given along are the selected ones.
attest::QuoteEvidence make_quote(const PrivateKey& ak, const QuoteOptions& options = {});

}  // namespace nodeproof::forge
