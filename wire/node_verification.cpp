#include "wire/node_verification.hpp"

namespace nodeproof::wire {
namespace {

bool has_no_hardware(std::string_view code) {
  return code == "no-tpm" || code == "no-ak" || code == "no-hcl-report";
}

Result<attest::BootEvidence> boot_evidence(const NodeEvidence& evidence, attest::EndorsementCache* known) {
  const auto parse = [known](ByteView der, std::string_view where) {
    return known != nullptr ? known->parse_der(der, where) : attest::Certificate::parse_der(der, where);
  };
  attest::BootEvidence out;
  out.hcl_report = evidence.hcl_report;
  for (const Bytes& der : evidence.certificates) {
    NODEPROOF_TRY(certificate, parse(der, "spec.certificates"));
    out.certificates.push_back(std::move(certificate));
  }
  if (evidence.ak_certificate.empty()) return out;
  NODEPROOF_TRY(certificate, parse(evidence.ak_certificate, "spec.akCertificate"));
  out.ak_certificate = std::move(certificate);
  return out;
}

attest::BootVerification unreadable(const Error& error) {
  const attest::Check check = error.where.starts_with("spec.akCertificate")
                                  ? attest::Check::kAkCertificate
                                  : attest::Check::kCertificateChain;
  attest::BootVerification out;
  out.findings.push_back(attest::failed(check, "malformed", to_string(error), kMalformedRemedy));
  return out;
}

}  // namespace

attest::BootVerification verify_boot(const NodeEvidence& evidence,
                                     const attest::VerifyParameters& parameters) {
  const auto parsed = boot_evidence(evidence, parameters.known_endorsements);
  return parsed ? attest::verify_boot(*parsed, parameters) : unreadable(parsed.error());
}

attest::QuoteVerification verify_quote(const NodeQuote& quote, const EvidenceSummary& evidence,
                                       const attest::Nonce& nonce, const attest::BootVerification& boot) {
  const Sha256Digest expected =
      attest::qualifying_data(quote.epoch.kid, nonce, evidence.boot, evidence.digest);
  return attest::verify_quote({quote.attest, quote.signature, quote.pcrs}, boot, {to_bytes(expected), false},
                              {attest::kNodeQuotePcrs, true});
}

bool proves_nothing(const EvidenceSummary& evidence) {
  const std::string& code = evidence.collection.code;
  return has_no_hardware(code) || (evidence.platform == kPlatformNone && code == "complete");
}

// The agent's own remedy is for its own log and object; here ours follows.
std::string detail_of(const CollectionState& collection) {
  if (collection.detail.empty()) return "the agent reports " + collection.code;
  return collection.detail.substr(0, collection.detail.find(". Remedy: "));
}

std::string remedy_of(const CollectionState& collection) {
  if (has_no_hardware(collection.code) || collection.code == "complete")
    return "use a node pool of an AMD SEV-SNP confidential VM size";
  if (collection.code == "owner-auth-set") return "clear the password of the TPM's owner hierarchy";
  if (collection.code == "endorsements-unreachable")
    return "check that the node reaches the host's endorsement cache (THIM, 169.254.169.254)";
  return kAgentRemedy;
}

}  // namespace nodeproof::wire
