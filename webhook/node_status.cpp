#include "webhook/node_status.hpp"

#include <cpprest/json.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "webhook/boot_facts.hpp"
#include "webhook/demands.hpp"

namespace nodeproof::webhook {
namespace {

using wire::NodeAttestationStatus;
using wire::Phase;

const std::string kAttestationLabel = std::string(wire::kNodeLabelPrefix) + "attestation";
const std::string kTeeLabel = std::string(wire::kNodeLabelPrefix) + "tee";
const std::string kTrustedLaunchLabel = std::string(wire::kNodeLabelPrefix) + "trusted-launch";
const std::string kSecureBootLabel = std::string(wire::kNodeLabelPrefix) + "secure-boot";
const std::string kVtpmLabel = std::string(wire::kNodeLabelPrefix) + "vtpm";
const std::string kMeasuredBootLabel = std::string(wire::kNodeLabelPrefix) + "measured-boot";
constexpr const char* kSevSnp = "sev-snp";

void describe_confidential(const attest::ConfidentialClaims& claims, NodeAttestationStatus& out) {
  out.product = attest::to_string(claims.product());
  out.measurement = to_hex(claims.report().measurement);
  out.chip_id = to_hex(claims.report().chip_id);
  out.tcb = attest::describe(claims.report().reported_tcb);
}

// What the inventory leaves open or refutes is a finding like the others.
void describe_claims(const attest::NodeClaims& claims, attest::Finding identity, NodeAttestationStatus& out) {
  const attest::ConfidentialClaims* confidential = claims.boot.confidential();
  if (confidential != nullptr) describe_confidential(*confidential, out);
  if (confidential != nullptr && confidential->paravisor_genuine() && claims.boot.ak_resident())
    out.tee = kSevSnp;
  out.vm_id = attest::vm_id_of(claims.boot, claims.quote);
  out.coverage = coverage_of(claims, identity);
  if (identity.outcome != attest::Outcome::kPassed) out.findings.push_back(std::move(identity));
}

void describe_boot(const BootFacts& facts, NodeAttestationStatus& out) {
  out.trusted_launch = facts.trusted_launch;
  out.secure_boot = facts.secure_boot;
  out.vtpm = facts.vtpm;
  out.measured_boot = facts.measured_boot;
}

wire::PolicyOutcome outcome_of(const std::string& name, const Result<attest::AppraisalPolicy>& policy,
                               const NodeEntry& node, const Inventory& inventory, UnixTime now) {
  if (!policy) return {name, false, "invalid-policy", to_string(policy.error())};
  const auto unmet = evaluate({&*policy, policy->max_evidence_age, &inventory}, &node, now);
  if (!unmet) return {name, true, {}, {}};
  return {name, false, unmet->code, unmet->detail};
}

// What a reader acts on of findings and policies: which, and how they came out.
std::vector<std::tuple<attest::Check, attest::Outcome, std::string>> gist(const attest::Findings& findings) {
  std::vector<std::tuple<attest::Check, attest::Outcome, std::string>> out;
  for (const attest::Finding& finding : findings)
    out.emplace_back(finding.check, finding.outcome, finding.code);
  return out;
}
std::vector<std::tuple<std::string, bool, std::string>> gist(
    const std::vector<wire::PolicyOutcome>& policies) {
  std::vector<std::tuple<std::string, bool, std::string>> out;
  for (const wire::PolicyOutcome& policy : policies) out.emplace_back(policy.policy, policy.met, policy.code);
  return out;
}

auto gist(const NodeAttestationStatus& status) {
  return std::tie(status.phase, status.code, status.tee, status.product, status.measurement, status.chip_id,
                  status.tcb, status.vm_id, status.trusted_launch, status.secure_boot, status.vtpm,
                  status.measured_boot, status.evidence_digest, status.coverage, status.unproven_pods);
}

// Whether the platform is known, so that "none" means that there is no TEE.
bool is_proven(const NodeAttestationStatus& status) {
  return status.vtpm == "verified" && (status.phase == Phase::kVerified || status.phase == Phase::kStale);
}

bool is_written_here(const std::string& key) {
  return key == kAttestationLabel || key == kTeeLabel || key == kTrustedLaunchLabel ||
         key == kSecureBootLabel || key == kVtpmLabel || key == kMeasuredBootLabel ||
         key.starts_with(wire::kPolicyLabelPrefix);
}

}  // namespace

NodeAttestationStatus status_of(const NodeEntry& node, const Snapshot& snapshot, UnixTime now) {
  const PolicyMap& policies = *snapshot.policies;
  const NodeTrust& trust = *node.trust;
  const Seconds max_age = shortest_max_age(policies);
  NodeAttestationStatus out;
  out.phase = phase_at(trust, max_age, now);
  out.code = trust.code;
  out.detail = trust.detail;
  out.remedy = trust.remedy;
  if (out.phase == Phase::kStale) {
    out.code = attest::name_of(attest::Check::kEvidenceAge);
    out.detail = "the last quote is older than the shortest maxEvidenceAge, " + to_duration(max_age);
    out.remedy = "check that the nodeproof agent runs on the node and reaches the API server";
  }
  describe_boot(boot_facts_of(trust), out);
  out.findings = trust.findings;
  out.counters = trust.mark;
  if (trust.claims) {
    describe_claims(*trust.claims, snapshot.inventory->judge(node.name, *trust.claims), out);
    out.evidence_digest = to_hex(trust.evidence_digest);
    out.verified_at = to_rfc3339(trust.claims->quoted_since);
    out.expires_at = to_rfc3339(trust.claims->quoted_since + max_age);
  }
  for (const auto& [name, policy] : policies)
    out.policies.push_back(outcome_of(name, policy, node, *snapshot.inventory, now));
  return out;
}

bool differs(const NodeAttestationStatus& have, const NodeAttestationStatus& want) {
  return gist(have) != gist(want) || gist(have.findings) != gist(want.findings) ||
         gist(have.policies) != gist(want.policies);
}

std::map<std::string, std::string> labels_of(const NodeAttestationStatus& status) {
  std::map<std::string, std::string> out{
      {kAttestationLabel, std::string(wire::attestation_label(status.phase))},
      {kTrustedLaunchLabel, status.trusted_launch},
      {kSecureBootLabel, status.secure_boot},
      {kVtpmLabel, status.vtpm},
      {kMeasuredBootLabel, status.measured_boot}};
  if (status.phase == Phase::kUnsupported || is_proven(status)) out.emplace(kTeeLabel, status.tee);
  for (const wire::PolicyOutcome& policy : status.policies) {
    if (policy.met) out.emplace(std::string(wire::kPolicyLabelPrefix) + policy.policy, wire::kPolicyMet);
  }
  return out;
}

std::optional<std::string> label_patch(const NodeEntry& node,
                                       const std::map<std::string, std::string>& want) {
  using web::json::value;
  value labels = value::object();
  for (const auto& [key, wanted] : want) {
    const auto have = node.labels.find(key);
    if (have == node.labels.end() || have->second != wanted) labels[key] = value::string(wanted);
  }
  for (const auto& [key, have] : node.labels) {
    if (is_written_here(key) && !want.contains(key)) labels[key] = value::null();
  }
  if (labels.size() == 0) return std::nullopt;
  value patch = value::object();
  patch["metadata"]["uid"] = value::string(node.uid);
  patch["metadata"]["labels"] = std::move(labels);
  return patch.serialize();
}

}  // namespace nodeproof::webhook
