#include "wire/node_verification.hpp"

#include "base/uuid.hpp"
#include "wire/node_inventory.hpp"

namespace nodeproof::wire {
namespace {

constexpr std::size_t kShownUuid = 64;  // of what may be no UUID

bool has_no_hardware(std::string_view code) {
  return code == kNoTpm || code == kNoAk || code == kNoHclReport || code == kNoAkCertificate;
}

bool is_trusted_launch(const NodeEvidence& evidence) {
  return evidence.platform == kPlatformTrustedLaunch;
}

Result<attest::Certificate> parse_certificate(ByteView der, std::string_view where,
                                              attest::EndorsementCache* known) {
  return known != nullptr ? known->parse_der(der, where) : attest::Certificate::parse_der(der, where);
}

Result<std::vector<attest::Certificate>> parse_chain(const NodeEvidence& evidence,
                                                     attest::EndorsementCache* known) {
  std::vector<attest::Certificate> out;
  for (const Bytes& der : evidence.certificates) {
    NODEPROOF_TRY(certificate, parse_certificate(der, "spec.certificates", known));
    out.push_back(std::move(certificate));
  }
  return out;
}

Result<std::optional<attest::Certificate>> parse_ak_certificate(const NodeEvidence& evidence,
                                                                attest::EndorsementCache* known) {
  if (evidence.ak_certificate.empty()) return std::optional<attest::Certificate>();
  NODEPROOF_TRY(certificate, parse_certificate(evidence.ak_certificate, "spec.akCertificate", known));
  return std::optional(std::move(certificate));
}

attest::BootVerification unreadable(const NodeEvidence& evidence, attest::Check check, const Error& error) {
  attest::BootVerification out;
  out.node_class = node_class_of(evidence.platform);
  out.findings.push_back(attest::failed(check, "malformed", to_string(error), kMalformedRemedy));
  return out;
}

}  // namespace

attest::NodeClass node_class_of(std::string_view platform) {
  return platform == kPlatformTrustedLaunch ? attest::NodeClass::kTrustedLaunch
                                            : attest::NodeClass::kConfidential;
}

attest::BootVerification verify_boot(const NodeEvidence& evidence,
                                     const attest::VerifyParameters& parameters) {
  using attest::Check;
  const bool trusted_launch = is_trusted_launch(evidence);
  auto chain = parse_chain(evidence, parameters.known_endorsements);
  if (!chain) {
    const Check check = trusted_launch ? Check::kAkCertificate : Check::kCertificateChain;
    return unreadable(evidence, check, chain.error());
  }
  auto ak = parse_ak_certificate(evidence, parameters.known_endorsements);
  if (!ak) return unreadable(evidence, Check::kAkCertificate, ak.error());
  if (trusted_launch) {
    return attest::verify_trusted_launch({*std::move(chain), *std::move(ak), evidence.event_log}, parameters);
  }
  return attest::verify_boot(
      {evidence.hcl_report, *std::move(chain), *std::move(ak), evidence.event_log,
       evidence.activation ? std::optional(evidence.activation->secret) : std::nullopt},
      parameters);
}

attest::QuoteVerification verify_quote(const NodeQuote& quote, const EvidenceSummary& evidence,
                                       const attest::Nonce& nonce, const attest::BootVerification& boot) {
  const Sha256Digest expected =
      attest::qualifying_data(quote.epoch.kid, nonce, *evidence.boot, evidence.digest);
  return attest::verify_quote({quote.attest, quote.signature, quote.pcrs}, boot, {to_bytes(expected), false},
                              {attest::kNodeQuotePcrs, true});
}

std::optional<attest::Finding> compare_system_uuid(const attest::BootVerification& boot,
                                                   const attest::QuoteClaims& quote,
                                                   std::string_view system_uuid) {
  constexpr attest::Check kThis = attest::Check::kVmId;
  const std::string vm_id = attest::vm_id_of(boot.claims.value(), quote);
  if (vm_id.empty()) return std::nullopt;
  if (system_uuid.empty()) {
    return attest::not_checked(kThis, "no-system-uuid", "the Node does not report its systemUUID",
                               "check that the kubelet of the node reports its status");
  }
  const auto proven = uuid_any_case(vm_id, "vmUniqueId");
  const auto told = uuid_any_case(system_uuid, "systemUUID");
  if (proven && told && vm_key(*proven) == vm_key(*told)) return std::nullopt;
  std::string detail = "the evidence is of VM " + vm_id + ", the Node reports systemUUID ";
  detail += system_uuid.substr(0, kShownUuid);
  if (!boot.strict) return attest::not_checked(kThis, "other-vm", std::move(detail));
  return attest::failed(kThis, "other-vm", std::move(detail),
                        "treat the node as compromised: its evidence is of another machine");
}

bool proves_nothing(const EvidenceSummary& evidence) {
  const std::string& code = evidence.collection.code;
  return has_no_hardware(code) || (evidence.platform == kPlatformNone && code == kComplete);
}

// The agent's own remedy is for its own log and object; here ours follows.
std::string detail_of(const CollectionState& collection) {
  if (collection.detail.empty()) return "the agent reports " + collection.code;
  return collection.detail.substr(0, collection.detail.find(". Remedy: "));
}

std::string remedy_of(const CollectionState& collection) {
  if (has_no_hardware(collection.code) || collection.code == kComplete)
    return "use a node pool of an AMD SEV-SNP confidential VM size, or one with Trusted Launch and a vTPM";
  if (collection.code == kOwnerAuthSet) return "clear the password of the TPM's owner hierarchy";
  if (collection.code == kEndorsementsUnreachable)
    return "check that the node reaches the host's endorsement cache (THIM, 169.254.169.254)";
  return kAgentRemedy;
}

}  // namespace nodeproof::wire
