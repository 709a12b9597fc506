#include "webhook/boot_facts.hpp"

namespace nodeproof::webhook {
namespace {

using attest::MeasuredBoot;

BootFacts without_claims(const NodeTrust& trust) {
  BootFacts out;
  if (trust.phase == wire::Phase::kFailed) {
    out.trusted_launch = "failed";
    if (trust.code == attest::name_of(attest::Check::kEventLogReplay))
      out.measured_boot = attest::to_string(MeasuredBoot::kMismatch);
  }
  if (trust.phase == wire::Phase::kUnsupported && trust.code == wire::kNoTpm) out.vtpm = "absent";
  return out;
}

std::string trusted_launch_of(const BootFacts& facts) {
  if (facts.vtpm == "verified" && facts.secure_boot == "enabled" && facts.measured_boot == "verified")
    return "verified";
  return facts.secure_boot == "disabled" || facts.measured_boot == "mismatch" ? "failed" : "unknown";
}

std::string measured_boot_coverage(MeasuredBoot state) {
  switch (state) {
    case MeasuredBoot::kVerified:
      return "the event log replays to the quoted PCRs, so it tells what firmware and boot loader measured; "
             "not what the running system did since";
    case MeasuredBoot::kNoLog:
      return "there is no event log: the quote covers the PCRs of this boot, but nothing says what they mean";
    case MeasuredBoot::kUnknown:
    case MeasuredBoot::kMismatch:
      break;
  }
  return "the event log cannot be read: the quote covers the PCRs of this boot, but nothing says what they "
         "mean";
}

std::string secure_boot_coverage(const attest::NodeClaims& claims) {
  const bool witnessed = claims.quote.log() != nullptr &&
                         claims.quote.log()->secure_boot.state != attest::SecureBootState::kUnprovable;
  if (claims.boot.confidential() == nullptr) {
    return witnessed ? "Secure Boot is as the event log tells and the quote proves"
                     : "nothing proves the state of Secure Boot";
  }
  return witnessed ? "Secure Boot is as the paravisor states it, and the event log agrees"
                   : "Secure Boot is as the paravisor states it, without the event log as a second witness";
}

std::string identity_coverage(const attest::Finding& identity) {
  switch (identity.outcome) {
    case attest::Outcome::kPassed:
      return "the inventory names this VM for this node";
    case attest::Outcome::kFailed:
      return "the inventory names another VM for this node: the evidence may be of a machine elsewhere";
    case attest::Outcome::kNotChecked:
      break;
  }
  return "node identity is self-reported: nothing ties this VM to this cluster";
}

}  // namespace

BootFacts boot_facts_of(const NodeTrust& trust) {
  if (!trust.claims) return without_claims(trust);
  BootFacts out;
  const attest::NodeClaims& claims = *trust.claims;
  if (const auto enabled = attest::secure_boot_of(claims.boot, claims.quote))
    out.secure_boot = *enabled ? "enabled" : "disabled";
  out.vtpm = claims.boot.ak_resident() ? "verified" : "unverified";
  out.measured_boot = attest::to_string(claims.quote.measured_boot());
  out.trusted_launch = trusted_launch_of(out);
  return out;
}

std::vector<std::string> coverage_of(const attest::NodeClaims& claims, const attest::Finding& identity) {
  std::vector<std::string> out;
  if (claims.boot.confidential() != nullptr) {
    out.emplace_back("the SNP report covers the firmware and paravisor that this VM was started with");
  } else {
    out.emplace_back(
        "the vTPM is run by the host: this proves nothing against the host's operator, and memory is not "
        "protected from the host");
  }
  if (!claims.boot.ak_resident()) {
    out.emplace_back(
        "nothing shows that the attestation key lives in the vTPM, so PCRs, event log and boot facts may be "
        "invented");
  }
  out.push_back(measured_boot_coverage(claims.quote.measured_boot()));
  out.push_back(secure_boot_coverage(claims));
  out.push_back(identity_coverage(identity));
  return out;
}

}  // namespace nodeproof::webhook
