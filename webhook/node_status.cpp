#include "webhook/node_status.hpp"

#include <cpprest/json.h>

#include <algorithm>
#include <array>
#include <tuple>

#include "webhook/demands.hpp"

namespace nodeproof::webhook {
namespace {

using wire::NodeAttestationStatus;
using wire::Phase;

const std::string kAttestationLabel = std::string(wire::kNodeLabelPrefix) + "attestation";
const std::string kTeeLabel = std::string(wire::kNodeLabelPrefix) + "tee";
constexpr const char* kSevSnp = "sev-snp";

std::string secure_boot(const attest::BootClaims& boot) {
  const auto& claim = boot.runtime().secure_boot;
  if (!claim || !boot.paravisor_genuine()) return "unknown";
  return *claim ? "enabled" : "disabled";
}

void describe_claims(const attest::NodeClaims& claims, NodeAttestationStatus& out) {
  const attest::BootClaims& boot = claims.boot;
  if (boot.ak_resident() && boot.paravisor_genuine()) out.tee = kSevSnp;
  out.product = attest::to_string(boot.product());
  out.measurement = to_hex(boot.report().measurement);
  out.chip_id = to_hex(boot.report().chip_id);
  out.tcb = attest::describe(boot.report().reported_tcb);
  out.vm_id = boot.runtime().vm_unique_id;
  out.secure_boot = secure_boot(boot);
  out.coverage = {
      "the SNP report covers the firmware and paravisor that this VM was started with",
      "the quote covers the PCRs of this boot; nothing that the running system did since",
      "Secure Boot is as the paravisor states it; the event log is not checked, so measured boot is unknown",
      "node identity is self-reported: nothing ties this VM to this cluster"};
}

wire::PolicyOutcome outcome_of(const std::string& name, const Result<attest::AppraisalPolicy>& policy,
                               const NodeEntry& node, UnixTime now) {
  if (!policy) return {name, false, "invalid-policy", to_string(policy.error())};
  const auto unmet = evaluate({&*policy, policy->max_evidence_age}, &node, now);
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
                  status.tcb, status.vm_id, status.secure_boot, status.measured_boot, status.evidence_digest,
                  status.coverage);
}

}  // namespace

NodeAttestationStatus status_of(const NodeEntry& node, const PolicyMap& policies, UnixTime now) {
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
  if (trust.claims) {
    describe_claims(*trust.claims, out);
    out.evidence_digest = to_hex(trust.evidence_digest);
    out.verified_at = to_rfc3339(trust.claims->quoted_since);
    out.expires_at = to_rfc3339(trust.claims->quoted_since + max_age);
  }
  out.findings = trust.findings;
  for (const auto& [name, policy] : policies) out.policies.push_back(outcome_of(name, policy, node, now));
  return out;
}

bool differs(const NodeAttestationStatus& have, const NodeAttestationStatus& want) {
  return gist(have) != gist(want) || gist(have.findings) != gist(want.findings) ||
         gist(have.policies) != gist(want.policies);
}

std::map<std::string, std::string> labels_of(const NodeAttestationStatus& status) {
  std::map<std::string, std::string> out{
      {kAttestationLabel, std::string(wire::attestation_label(status.phase))}};
  if (status.phase == Phase::kUnsupported || status.tee == kSevSnp) out.emplace(kTeeLabel, status.tee);
  return out;
}

std::optional<std::string> label_patch(const NodeEntry& node,
                                       const std::map<std::string, std::string>& want) {
  using web::json::value;
  value labels = value::object();
  for (const std::string& key : {kAttestationLabel, kTeeLabel}) {
    const auto have = node.labels.find(key);
    const auto wanted = want.find(key);
    if (wanted == want.end()) {
      if (have != node.labels.end()) labels[key] = value::null();
    } else if (have == node.labels.end() || have->second != wanted->second) {
      labels[key] = value::string(wanted->second);
    }
  }
  if (labels.size() == 0) return std::nullopt;
  value patch = value::object();
  patch["metadata"]["uid"] = value::string(node.uid);
  patch["metadata"]["labels"] = std::move(labels);
  return patch.serialize();
}

}  // namespace nodeproof::webhook
