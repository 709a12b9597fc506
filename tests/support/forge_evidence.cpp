#include <openssl/ecdsa.h>

#include "attest/hcl_report.hpp"
#include "attest/openssl_scope.hpp"
#include "base/or_throw.hpp"
#include "tests/support/forge.hpp"
#include "tests/support/forge_event_log.hpp"

namespace nodeproof::forge {
namespace {

using attest::Product;
using attest::require_openssl;

// AMD 56860, ATTESTATION_REPORT: r and s are little endian, 48 bytes used of 72 each.
constexpr std::size_t kSignatureOffset = attest::kSnpReportSignedSize;
constexpr std::size_t kIntegerSize = 72;
constexpr std::size_t kP384Size = 48;

void put_integer(Bytes& report, std::size_t offset, const BIGNUM* value) {
  ByteArray<kP384Size> big_endian{};
  require_openssl(BN_bn2binpad(value, big_endian.data(), kP384Size) == kP384Size, "encode an integer");
  std::copy(big_endian.rbegin(), big_endian.rend(), report.begin() + static_cast<std::ptrdiff_t>(offset));
}

std::string json_bool(bool value) {
  return value ? "true" : "false";
}

void append_be16(Bytes& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8U & 0xffU));
  to.push_back(static_cast<std::uint8_t>(value & 0xffU));
}

// TPM2B: a 16-bit size, then the bytes.
void append_sized(Bytes& to, ByteView content) {
  append_be16(to, content.size());
  append(to, content);
}

// TPML_PCR_SELECTION with one selection (TPM 2.0 part 2, 10.9.7).
void append_selection(Bytes& to, std::uint16_t bank, attest::PcrSelection selection) {
  append_be32(to, 1);
  append_be16(to, bank);
  to.push_back(3);
  for (unsigned shift = 0; shift < 24; shift += 8) {
    to.push_back(static_cast<std::uint8_t>(selection.bits() >> shift & 0xffU));
  }
}

// TPMS_ATTEST of a quote (TPM 2.0 part 2, 10.12.12).
Bytes tpms_attest(const PrivateKey& ak, const QuoteOptions& options) {
  Bytes out;
  append_be32(out, options.magic);
  append_be16(out, options.type);
  append_sized(out, options.qualified_signer.value_or(attest::ak_qualified_name(ak.rsa_modulus())));
  append_sized(out, options.qualifying_data);
  append_be64(out, options.clock);
  append_be32(out, options.reset_count);
  append_be32(out, options.restart_count);
  out.push_back(1);                       // safe
  append_be64(out, 0x2020031200120003U);  // firmwareVersion as Azure's vTPM has it
  append_selection(out, options.bank, options.selection);
  append_sized(out, options.pcr_digest ? *options.pcr_digest
                                       : or_throw(attest::pcr_digest(options.pcrs, options.selection)));
  return out;
}

// TPMT_SIGNATURE of RSASSA with SHA-256 (TPM 2.0 part 2, 11.3.4).
Bytes tpmt_signature(ByteView rsassa) {
  Bytes out{0x00, 0x14, 0x00, 0x0b};
  append_sized(out, rsassa);
  return out;
}

attest::CpuId cpu_of(Product product) {
  switch (product) {
    case Product::kMilan:
      return {0x19, 0x01, 1};
    case Product::kGenoa:
      return {0x19, 0x11, 1};
    case Product::kTurin:
      return {0x1a, 0x02, 1};
  }
  throw std::runtime_error("no such product");
}

// That of a boot as the claims describe it.
Bytes default_event_log(const ClaimsOptions& claims) {
  return make_event_log({.vm_id = claims.vm_id, .secure_boot = claims.secure_boot.value_or(true)}).log;
}

}  // namespace

Bytes make_runtime_claims(ByteView ak_modulus, const ClaimsOptions& options) {
  std::string json = R"({"keys":[{"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA","e":"AQAB","n":")" +
                     to_base64url(options.ak_modulus.empty() ? ak_modulus : ByteView(options.ak_modulus)) +
                     R"("})";
  if (!options.ek_modulus.empty()) {
    json += R"(,{"kid":"HCLEkPub","key_ops":["encrypt"],"kty":"RSA","e":"AQAB","n":")" +
            to_base64url(options.ek_modulus) + R"("})";
  }
  json += R"(],"vm-configuration":{"console-enabled":)" + json_bool(options.console_enabled);
  if (options.secure_boot) json += R"(,"secure-boot":)" + json_bool(*options.secure_boot);
  if (options.tpm_enabled) json += R"(,"tpm-enabled":)" + json_bool(*options.tpm_enabled);
  json += R"(,"vmUniqueId":")" + options.vm_id + R"("})";
  if (options.user_data) json += R"(,"user-data":")" + to_hex(*options.user_data) + R"(")";
  return to_bytes(as_bytes(json + "}"));
}

Sha384Digest emulated_id_key_digest() {
  return attest::sha384(as_bytes("Nodeproof emulated paravisor: not genuine, for tests and demos only"));
}

attest::SnpReport make_report(Product product, ByteView runtime_claims) {
  attest::SnpReport report;
  const bool turin = product == Product::kTurin;
  report.version = turin ? 5 : 3;
  report.guest_svn = kGuestSvn;
  report.policy = 0x3001f;  // ABI 0.31, SMT allowed, no debugging, no migration: Azure's value
  report.image_id[0] = 0x02;
  report.current_tcb = report.reported_tcb = report.committed_tcb = report.launch_tcb = tcb_for(product);
  if (turin) report.mitigations = attest::MitigationVectors{0x0b, 0x0f};
  report.platform_info = product == Product::kMilan ? 0x25 : 0x24;
  const Sha256Digest claims_digest = attest::sha256(runtime_claims);
  std::copy(claims_digest.begin(), claims_digest.end(), report.report_data.begin());
  report.measurement = attest::sha384(as_bytes("Nodeproof emulated launch measurement"));
  report.id_key_digest = emulated_id_key_digest();
  report.report_id = attest::sha256(as_bytes("Nodeproof emulated report id"));
  report.report_id_ma.fill(0xff);
  report.cpuid = cpu_of(product);
  report.chip_id = default_chip_id();
  if (turin) std::fill(report.chip_id.begin() + 8, report.chip_id.end(), std::uint8_t{0});
  report.current_version = report.committed_version = {29, 55, 1};
  return report;
}

void resign_report(Bytes& report, const PrivateKey& vcek) {
  if (report.size() != attest::kSnpReportSize) throw std::runtime_error("an SNP report has 1184 bytes");
  const Bytes der = vcek.sign(ByteView(report).first(attest::kSnpReportSignedSize), "SHA384");
  const unsigned char* at = der.data();
  const UniqueHandle<ECDSA_SIG, &ECDSA_SIG_free> signature(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  require_openssl(signature != nullptr, "decode an ECDSA signature");
  std::fill(report.begin() + static_cast<std::ptrdiff_t>(kSignatureOffset), report.end(), std::uint8_t{0});
  put_integer(report, kSignatureOffset, ECDSA_SIG_get0_r(signature.get()));
  put_integer(report, kSignatureOffset + kIntegerSize, ECDSA_SIG_get0_s(signature.get()));
}

Bytes sign_report(const attest::SnpReport& report, const PrivateKey& vcek) {
  Bytes bytes = attest::serialize_snp_report(report);
  resign_report(bytes, vcek);
  return bytes;
}

World make_world(Product product) {
  AmdOptions amd;
  amd.product = product;
  return {make_amd_authority(amd), make_vtpm_authority(), PrivateKey::rsa(2048), PrivateKey::rsa(2048)};
}

World with_ak(const World& world, PrivateKey ak) {
  const auto share = [](const CertifiedKey& key) { return CertifiedKey{key.key.share(), key.certificate}; };
  return {{world.amd.product, share(world.amd.ark), share(world.amd.ask)},
          {share(world.vtpm.root), share(world.vtpm.intermediate)},
          std::move(ak),
          world.other_ak.share()};
}

const World& shared_world(Product product) {
  static const World milan = make_world(Product::kMilan);
  if (product == Product::kMilan) return milan;
  static const World genoa = make_world(Product::kGenoa);
  if (product == Product::kGenoa) return genoa;
  static const World turin = make_world(Product::kTurin);
  return turin;
}

attest::TrustAnchors trust_anchors_of(const World& world) {
  attest::TrustAnchors anchors;
  or_throw(attest::add_trust_anchors(anchors, {world.amd.ark.certificate},
                                     {world.vtpm.root.certificate, world.vtpm.intermediate.certificate}));
  return anchors;
}

attest::ReferenceValues reference_values_of(const World& world) {
  return {{world.amd.product, emulated_id_key_digest(), kGuestSvn, "forged for a test"}};
}

attest::BootEvidence make_boot_evidence(const World& world, const BootOptions& options) {
  const CertifiedKey vcek = issue_vcek(world.amd, options.vcek);
  const Bytes claims = make_runtime_claims(world.ak.rsa_modulus(), options.claims);
  attest::SnpReport report = make_report(world.amd.product, claims);
  if (options.edit_report) options.edit_report(report);
  const Bytes signed_report =
      options.report_by_stranger ? sign_report(report, PrivateKey::ec_p384()) : sign_report(report, vcek.key);

  attest::BootEvidence evidence;
  evidence.hcl_report = attest::serialize_hcl_report(signed_report, claims);
  evidence.hcl_report.resize(evidence.hcl_report.size() + options.hcl_padding);
  evidence.certificates = {vcek.certificate, world.amd.ask.certificate};
  if (options.with_ark) evidence.certificates.push_back(world.amd.ark.certificate);
  if (options.with_ak_certificate) {
    const PrivateKey& certified = options.certify_other_ak ? world.other_ak : world.ak;
    evidence.ak_certificate =
        issue_ak_certificate(world.vtpm, certified.rsa_modulus(), options.ak_certificate);
  }
  evidence.event_log = options.event_log ? *options.event_log : default_event_log(options.claims);
  return evidence;
}

attest::TrustedLaunchEvidence make_trusted_launch_evidence(const World& world,
                                                           const TrustedLaunchOptions& options) {
  attest::TrustedLaunchEvidence evidence;
  if (options.with_ak_certificate) {
    const PrivateKey& certified = options.certify_other_ak ? world.other_ak : world.ak;
    evidence.ak_certificate =
        issue_ak_certificate(world.vtpm, certified.rsa_modulus(), options.ak_certificate);
  }
  evidence.event_log = options.event_log.value_or(make_event_log().log);
  return evidence;
}

attest::PcrValues make_pcrs(std::string_view vm_id, bool secure_boot) {
  return make_event_log({.vm_id = std::string(vm_id), .secure_boot = secure_boot}).pcrs;
}

attest::QuoteEvidence make_quote(const PrivateKey& ak, const QuoteOptions& options) {
  attest::QuoteEvidence quote;
  quote.attest = tpms_attest(ak, options);
  const Bytes signature = ak.sign(quote.attest, "SHA256");
  quote.signature = options.tpmt_signature ? tpmt_signature(signature) : signature;
  quote.pcrs = options.pcrs.only(options.selection);
  return quote;
}

}  // namespace nodeproof::forge
