#include "webhook/node_status.hpp"

#include <algorithm>
#include <functional>

#include "webhook/boot_facts.hpp"
#include "webhook/demands.hpp"
#include "wire/node_labels.hpp"

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
constexpr std::size_t kMaxReason = 63;  // bytes; maxLength in crds/nodeattestations.yaml

void describe_confidential(const attest::ConfidentialClaims& claims, NodeAttestationStatus& out) {
  out.product = attest::to_string(claims.product());
  out.measurement = to_hex(claims.snp().measurement());
  out.chip_id = to_hex(claims.snp().chip_id());
  out.tcb = attest::describe(claims.snp().reported_tcb());
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

// Text from which nothing else can be read than was put in.
class Gist {
 public:
  void add(std::string_view text) {
    text_ += std::to_string(text.size());
    text_ += ':';
    text_ += text;
  }
  void add(std::size_t number) { add(std::to_string(number)); }
  std::size_t hash() const { return std::hash<std::string>()(text_); }

 private:
  std::string text_;
};

// Of findings and policies: which, and how they came out.
void add(const attest::Finding& finding, Gist& to) {
  to.add(attest::name_of(finding.check));
  to.add(static_cast<std::size_t>(finding.outcome));
  to.add(finding.code);
}
void add(const wire::PolicyOutcome& policy, Gist& to) {
  to.add(policy.policy);
  to.add(policy.met ? 1 : 0);
  to.add(policy.code);
}

// Whether the platform is known, so that "none" means that there is no TEE.
bool is_proven(const NodeAttestationStatus& status) {
  return status.vtpm == "verified" && (status.phase == Phase::kVerified || status.phase == Phase::kStale);
}

// "quote-signature" -> "QuoteSignature". An agent may have said any word.
std::string camel_case(std::string_view code) {
  std::string out;
  bool upper = true;
  for (const char c : code.substr(0, kMaxReason)) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9' && !out.empty();
    if (letter || digit) out += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = !letter && !digit;
  }
  return out;
}

// Silence is Unknown, as the condition Ready of a Node whose kubelet is silent.
std::string_view verified_status(Phase phase) {
  switch (phase) {
    case Phase::kVerified:
      return "True";
    case Phase::kFailed:
    case Phase::kUnsupported:
      return "False";
    case Phase::kPending:
    case Phase::kStale:
      break;
  }
  return "Unknown";
}

std::string with_remedy(const NodeAttestationStatus& status) {
  return status.detail + (status.remedy.empty() ? "" : "; remedy: " + status.remedy);
}

wire::StatusCondition verified_condition(const NodeAttestationStatus& status) {
  wire::StatusCondition out{std::string(wire::kVerifiedCondition),
                            std::string(verified_status(status.phase)),
                            camel_case(status.code),
                            with_remedy(status),
                            {}};
  if (out.reason.empty()) out.reason = wire::to_string(status.phase);
  if (status.phase == Phase::kVerified)
    out.message = "the node's evidence and a fresh quote over it verified";
  return out;
}

wire::StatusCondition unproven_condition(std::size_t pods) {
  return {std::string(wire::kUnprovenPodsCondition),
          pods == 0 ? "False" : "True",
          pods == 0 ? "NoneFound" : "RunningWithoutProof",
          pods == 0 ? "every sensitive pod that runs here is proven"
                    : std::to_string(pods) +
                          " sensitive pods run here without proof; nodeproof pods --unproven lists them",
          {}};
}

const wire::StatusCondition* find_condition(const std::vector<wire::StatusCondition>& conditions,
                                            std::string_view type) {
  const auto found =
      std::find_if(conditions.begin(), conditions.end(), [type](const auto& c) { return c.type == type; });
  return found == conditions.end() ? nullptr : &*found;
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
  if (out.phase == Phase::kStale && trust.phase != Phase::kStale) {
    out.code = attest::name_of(attest::Check::kEvidenceAge);
    out.detail = "the last quote is older than the shortest maxEvidenceAge, " + to_duration(max_age);
    out.remedy = "check that the nodeproof agent runs on the node and reaches the API server";
  }
  describe_boot(boot_facts_of(trust), out);
  out.findings = trust.findings;
  if (trust.mark) out.counters = *trust.mark;
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

std::vector<wire::StatusCondition> conditions_of(const NodeAttestationStatus& status,
                                                 const std::vector<wire::StatusCondition>& before,
                                                 UnixTime now) {
  std::vector<wire::StatusCondition> out{verified_condition(status)};
  const wire::StatusCondition* pods = find_condition(before, wire::kUnprovenPodsCondition);
  if (status.unproven_pods) {
    out.push_back(unproven_condition(*status.unproven_pods));
  } else if (pods != nullptr) {
    out.push_back(*pods);
  }
  for (wire::StatusCondition& condition : out) {
    const wire::StatusCondition* was = find_condition(before, condition.type);
    condition.since = was != nullptr && was->status == condition.status ? was->since : now;
  }
  return out;
}

std::optional<wire::Event> phase_event(const NodeEntry& node, const KeptStatus& before,
                                       const NodeAttestationStatus& status) {
  const std::string phase(wire::to_string(status.phase));
  const bool fresh = before.phase().empty();
  if (fresh && status.phase == Phase::kPending) return std::nullopt;
  if (!fresh && before.phase() == phase && before.code() == status.code) return std::nullopt;
  const auto conditions = before.conditions();
  const wire::StatusCondition* was = fresh ? nullptr : find_condition(conditions, wire::kVerifiedCondition);
  const std::string from = fresh ? "" : before.phase() + ':' + before.code();
  const std::string since = was == nullptr ? "" : to_rfc3339(was->since);
  const bool good = status.phase == Phase::kVerified || status.phase == Phase::kPending;
  std::string note = fresh ? "is " + phase : "was " + before.phase() + ", is " + phase;
  if (!status.code.empty()) note += " (" + status.code + ")";
  if (!status.detail.empty()) note += ": " + with_remedy(status);
  return wire::Event{{"Node", "", node.name, node.uid()},
                     !good,
                     "Attestation" + phase,
                     "attestation " + note,
                     status.code + '/' + from + '/' + since};
}

std::size_t gist_of(const NodeAttestationStatus& status) {
  Gist out;
  out.add(wire::to_string(status.phase));
  for (const std::string* text :
       {&status.code, &status.tee, &status.product, &status.measurement, &status.chip_id, &status.tcb,
        &status.vm_id, &status.trusted_launch, &status.secure_boot, &status.vtpm, &status.measured_boot,
        &status.evidence_digest})
    out.add(*text);
  out.add(status.coverage.size());
  for (const std::string& clause : status.coverage) out.add(clause);
  out.add(status.unproven_pods ? std::to_string(*status.unproven_pods) : "none");
  out.add(status.findings.size());
  for (const attest::Finding& finding : status.findings) add(finding, out);
  out.add(status.policies.size());
  for (const wire::PolicyOutcome& policy : status.policies) add(policy, out);
  return out.hash();
}

bool is_written_here(const std::string& key) {
  return key == kAttestationLabel || key == kTeeLabel || key == kTrustedLaunchLabel ||
         key == kSecureBootLabel || key == kVtpmLabel || key == kMeasuredBootLabel ||
         key.starts_with(wire::kPolicyLabelPrefix);
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
  std::map<std::string, std::optional<std::string>> changes;
  for (const auto& [key, wanted] : want) {
    const auto have = node.labels->find(key);
    if (have == node.labels->end() || have->second != wanted) changes.emplace(key, wanted);
  }
  for (const auto& [key, have] : *node.labels) {
    if (!want.contains(key)) changes.emplace(key, std::nullopt);
  }
  if (changes.empty()) return std::nullopt;
  return wire::node_label_patch(node.uid(), changes);
}

}  // namespace nodeproof::webhook
