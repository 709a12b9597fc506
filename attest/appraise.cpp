#include "attest/appraise.hpp"

#include <algorithm>

namespace nodeproof::attest {
namespace {

// Which proofs a policy rests on: the requirements it names, and those its node class implies.
bool needs_residency(const AppraisalPolicy& policy) {
  return policy.node_class == RequiredNodeClass::kConfidential ||
         policy.ak_certificate == Requirement::kRequired;
}

// Without a genuine paravisor nothing in the report speaks for what runs above it (number 9).
bool needs_paravisor(const AppraisalPolicy& policy) {
  return policy.node_class == RequiredNodeClass::kConfidential || !policy.products.empty() ||
         !policy.minimum_tcb.empty() || !policy.minimum_guest_svn.empty() || !policy.measurements.empty();
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
  if (policy.node_class == RequiredNodeClass::kTrustedLaunch) {
    findings.push_back(unmet("node-class", "the node is a confidential VM, the policy asks for TrustedLaunch",
                             "use a Trusted Launch node pool, or a policy of nodeClass Confidential"));
  }
  if (needs_residency(policy) && !boot.ak_resident()) {
    findings.push_back(failed(Check::kAkResidency, "not-proven",
                              "nothing proves that the attestation key lives in the node's vTPM",
                              "use an Azure VM size and image whose vTPM carries an AK certificate"));
  }
  if (needs_paravisor(policy) && !boot.paravisor_genuine()) {
    findings.push_back(failed(Check::kParavisor, "unknown-paravisor",
                              "the node's paravisor is not among the reference values",
                              "update the reference values if Azure has released a new paravisor"));
  }
}

void appraise_snp(const BootClaims& boot, const AppraisalPolicy& policy, Findings& findings) {
  const SnpReport& report = boot.report();
  const std::string product(to_string(boot.product()));
  if (!policy.products.empty() && !holds(policy.products, boot.product())) {
    findings.push_back(unmet("product",
                             "the node's processor is a " + product + ", which the policy does not accept",
                             "use a node pool whose processors the policy's sevSnp.products names"));
  }
  if (const auto minimum = policy.minimum_tcb.find(boot.product()); minimum != policy.minimum_tcb.end()) {
    if (const auto low = component_below(report.reported_tcb, minimum->second)) {
      findings.push_back(unmet("tcb",
                               "the node's TCB (" + describe(report.reported_tcb) +
                                   ") is below the minimum (" + describe(minimum->second) + ") in " +
                                   std::string(*low),
                               "redeploy the node onto a host with newer firmware"));
    }
  }
  if (const auto minimum = policy.minimum_guest_svn.find(boot.product());
      minimum != policy.minimum_guest_svn.end() && report.guest_svn < minimum->second) {
    findings.push_back(unmet("guest-svn",
                             "the paravisor's GUEST_SVN is " + std::to_string(report.guest_svn) +
                                 ", the minimum is " + std::to_string(minimum->second),
                             "redeploy the node, so that it starts with a newer paravisor"));
  }
  if (!policy.measurements.empty() && !holds(policy.measurements, report.measurement)) {
    findings.push_back(unmet("measurement",
                             "the launch measurement " + to_hex(ByteView(report.measurement).first(8)) +
                                 "... is not among the policy's",
                             "add the measurement to the policy once you know where it comes from"));
  }
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
  appraise_snp(claims.boot, policy, out.findings);
  out.met = out.findings.empty();
  return out;
}

}  // namespace nodeproof::attest
