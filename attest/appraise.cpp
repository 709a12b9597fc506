#include "attest/appraise.hpp"

#include <algorithm>

namespace nodeproof::attest {
namespace {

// Which proofs a policy rests on: the requirements it names, and those its node class implies.
bool needs_residency(const AppraisalPolicy& policy) {
  return policy.node_class != RequiredNodeClass::kAny || policy.ak_certificate == Requirement::kRequired;
}

bool names_snp(const AppraisalPolicy& policy) {
  return !policy.products.empty() || !policy.minimum_tcb.empty() || !policy.minimum_guest_svn.empty() ||
         !policy.measurements.empty();
}

// Without a genuine paravisor nothing in the report speaks for what runs above it (number 9).
bool needs_paravisor(const AppraisalPolicy& policy) {
  return policy.node_class == RequiredNodeClass::kConfidential || names_snp(policy);
}

template <typename T>
bool holds(const std::vector<T>& list, const T& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

Finding unmet(std::string code, std::string detail, std::string remedy) {
  return failed(Check::kPolicy, std::move(code), std::move(detail), std::move(remedy));
}

void appraise_age(const NodeClaims& claims, Seconds max_age, UnixTime now, Findings& findings) {
  const Seconds age = age_of(claims, now);
  if (age <= max_age) return;
  findings.push_back(
      failed(Check::kEvidenceAge, "stale",
             "the last quote is " + to_duration(age) + " old, the limit is " + to_duration(max_age),
             "check that the nodeproof agent runs on the node and reaches the API server"));
}

void appraise_validity(const BootClaims& boot, UnixTime now, Findings& findings) {
  const ValidityWindow& window = boot.validity();
  if (now < window.from) {
    findings.push_back(failed(Check::kCertificateChain, "not-yet-valid",
                              "the node's certificates are valid from " + to_rfc3339(window.from),
                              "check the clock of the webhook's nodes"));
  } else if (now > window.until) {
    findings.push_back(
        failed(Check::kCertificateChain, "expired",
               "the node's certificates and the revocation lists of their issuers were valid until " +
                   to_rfc3339(window.until),
               "reboot the node, so that it gets new certificates; if the webhook has "
               "revocation lists, supply current ones"));
  }
}

void appraise_class(const BootClaims& boot, const AppraisalPolicy& policy, Findings& findings) {
  const bool confidential = boot.node_class() == NodeClass::kConfidential;
  if (policy.node_class == RequiredNodeClass::kTrustedLaunch && confidential) {
    findings.push_back(unmet("node-class", "the node is a confidential VM, the policy asks for TrustedLaunch",
                             "use a Trusted Launch node pool, or a policy of nodeClass Confidential"));
  }
  if (policy.node_class == RequiredNodeClass::kConfidential && !confidential) {
    findings.push_back(unmet("node-class",
                             "the node is a Trusted Launch VM, the policy asks for Confidential",
                             "use a confidential node pool, or a policy of nodeClass TrustedLaunch"));
  }
  if (needs_residency(policy) && !boot.ak_resident()) {
    findings.push_back(failed(Check::kAkResidency, "not-proven",
                              "nothing proves that the attestation key lives in the node's vTPM",
                              "use an Azure VM size and image whose vTPM carries an AK certificate"));
  }
  if (policy.ak_certificate == Requirement::kRequired && boot.residency() == Residency::kActivation) {
    findings.push_back(
        failed(Check::kAkCertificate, "not-certified",
               "the attestation key lives in the node's vTPM, but Microsoft has not certified it",
               "use an Azure VM size and image whose vTPM carries an AK certificate, or "
               "akCertificate: Preferred"));
  }
  if (confidential && needs_paravisor(policy) && !boot.confidential()->paravisor_genuine()) {
    findings.push_back(failed(Check::kParavisor, "unknown-paravisor",
                              "the node's paravisor is not among the reference values",
                              "update the reference values if Azure has released a new paravisor"));
  }
}

// With a class of Any: what is asked of the report cannot be had of a node without one.
void appraise_absent_report(const AppraisalPolicy& policy, Findings& findings) {
  if (policy.node_class == RequiredNodeClass::kConfidential || !names_snp(policy)) return;
  findings.push_back(unmet("sev-snp", "the node has no SEV-SNP report, the policy asks for properties of one",
                           "use a confidential node pool, or leave sevSnp out of the policy"));
}

void appraise_snp(const ConfidentialClaims& boot, const AppraisalPolicy& policy, Findings& findings) {
  const ReportClaims& report = boot.snp();
  const std::string product(to_string(boot.product()));
  if (!policy.products.empty() && !holds(policy.products, boot.product())) {
    findings.push_back(unmet("product",
                             "the node's processor is a " + product + ", which the policy does not accept",
                             "use a node pool whose processors the policy's sevSnp.products names"));
  }
  if (const auto minimum = policy.minimum_tcb.find(boot.product()); minimum != policy.minimum_tcb.end()) {
    if (const auto low = component_below(report.reported_tcb(), minimum->second)) {
      findings.push_back(unmet("tcb",
                               "the node's TCB (" + describe(report.reported_tcb()) +
                                   ") is below the minimum (" + describe(minimum->second) + ") in " +
                                   std::string(*low),
                               "redeploy the node onto a host with newer firmware"));
    }
  }
  if (const auto minimum = policy.minimum_guest_svn.find(boot.product());
      minimum != policy.minimum_guest_svn.end() && report.guest_svn() < minimum->second) {
    findings.push_back(unmet("guest-svn",
                             "the paravisor's GUEST_SVN is " + std::to_string(report.guest_svn()) +
                                 ", the minimum is " + std::to_string(minimum->second),
                             "redeploy the node, so that it starts with a newer paravisor"));
  }
  if (!policy.measurements.empty() && !holds(policy.measurements, report.measurement())) {
    findings.push_back(unmet("measurement",
                             "the launch measurement " + to_hex(ByteView(report.measurement()).first(8)) +
                                 "... is not among the policy's",
                             "add the measurement to the policy once you know where it comes from"));
  }
}

// Both are asked for by Required; what is merely preferred is shown in the node's status.
void appraise_secure_boot(const NodeClaims& claims, Findings& findings) {
  const auto enabled = secure_boot_of(claims.boot, claims.quote);
  if (enabled && *enabled) return;
  if (enabled) {
    findings.push_back(failed(Check::kSecureBoot, "disabled", "Secure Boot is disabled on the node",
                              "use a node pool with Secure Boot (az aks nodepool add --enable-secure-boot)"));
    return;
  }
  findings.push_back(failed(Check::kSecureBoot, "not-proven",
                            "nothing proves the state of Secure Boot on the node",
                            "see the findings of its NodeAttestation"));
}

void appraise_measured_boot(const QuoteClaims& quote, Findings& findings) {
  if (quote.measured_boot() == MeasuredBoot::kVerified) return;
  const bool no_log = quote.measured_boot() == MeasuredBoot::kNoLog;
  findings.push_back(
      failed(Check::kEventLogReplay, std::string(to_string(quote.measured_boot())),
             no_log ? "the node has no event log, so nothing says what it booted"
                    : "the node's event log does not explain its PCRs",
             no_log ? "use an image whose boot loader passes the firmware's event log on, and see "
                      "noEventLog in the node's NodeEvidence"
                    : "see the findings of its NodeAttestation"));
}

// "; the last of its 6 measurements is EV_...", or nothing where no log tells.
std::string last_measurement(const QuoteClaims& quote, unsigned pcr) {
  if (quote.log() == nullptr) return {};
  const LoggedPcr* logged = quote.log()->find(pcr);
  if (logged == nullptr) return {};
  return "; the last of its " + std::to_string(logged->measurements.size()) + " measurements is " +
         logged->last_event;
}

Finding unlisted_pcr(const QuoteClaims& quote, unsigned pcr, const Sha256Digest& value) {
  const std::string number = std::to_string(pcr);
  const std::string hex = to_hex(value);
  return unmet(
      "pcr",
      "PCR " + number + " is " + hex + ", which the policy does not list" + last_measurement(quote, pcr),
      "if this boot was meant, add " + hex + " to boot.pcrs of the policy under \"" + number +
          "\"; nodeproof node log lists every measurement");
}

void appraise_pcrs(const QuoteClaims& quote, const BootPolicy& policy, Findings& findings) {
  for (const auto& [pcr, allowed] : policy.pcrs) {
    const std::string name = "PCR " + std::to_string(pcr);
    const Sha256Digest* value = quote.pcr(pcr);
    if (value == nullptr) {
      findings.push_back(unmet("pcr", "the quote does not cover " + name, "update the agent of the node"));
      continue;
    }
    if (holds(allowed, *value)) continue;
    findings.push_back(unlisted_pcr(quote, pcr, *value));
  }
}

void appraise_boot(const NodeClaims& claims, const BootPolicy& policy, Findings& findings) {
  if (policy.secure_boot == Requirement::kRequired) appraise_secure_boot(claims, findings);
  if (policy.measured_boot == Requirement::kRequired) appraise_measured_boot(claims.quote, findings);
  appraise_pcrs(claims.quote, policy, findings);
}

}  // namespace

Seconds age_of(const NodeClaims& claims, UnixTime now) {
  return std::max(Seconds(0), now - claims.quoted_since);
}

Appraisal appraise(const NodeClaims& claims, const AppraisalPolicy& policy, Seconds max_age, UnixTime now) {
  Appraisal out;
  appraise_age(claims, max_age, now, out.findings);
  appraise_validity(claims.boot, now, out.findings);
  appraise_class(claims.boot, policy, out.findings);
  if (const ConfidentialClaims* confidential = claims.boot.confidential()) {
    appraise_snp(*confidential, policy, out.findings);
  } else {
    appraise_absent_report(policy, out.findings);
  }
  appraise_boot(claims, policy.boot, out.findings);
  out.met = out.findings.empty();
  return out;
}

}  // namespace nodeproof::attest
