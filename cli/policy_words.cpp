#include "cli/policy_words.hpp"

#include <algorithm>

#include "attest/verify.hpp"
#include "cli/printable.hpp"

namespace nodeproof::cli {
namespace {

using attest::AppraisalPolicy;
using attest::EnforcementAction;
using attest::NodeIdentity;
using attest::Product;
using attest::RequiredNodeClass;
using attest::Requirement;
using Words = std::vector<std::string>;

template <typename Products>
std::string names_of(const Products& products) {
  Words names;
  for (const Product product : products) names.emplace_back(attest::to_string(product));
  return joined(names, " or ");
}

bool names_snp(const AppraisalPolicy& policy) {
  return !policy.products.empty() || !policy.minimum_tcb.empty() || !policy.minimum_guest_svn.empty() ||
         !policy.measurements.empty();
}

std::string action_in_words(EnforcementAction action) {
  switch (action) {
    case EnforcementAction::kDeny:
      return "Deny: a sensitive pod is refused on a node that does not meet it";
    case EnforcementAction::kWarn:
      return "Warn: a pod is placed on a node that does not meet it all the same, and a warning says so";
    case EnforcementAction::kDryRun:
      return "DryRun: a pod is placed on a node that does not meet it all the same; Events, metrics and the "
             "audit log tell";
  }
  return "unknown";
}

std::string class_in_words(RequiredNodeClass node_class) {
  switch (node_class) {
    case RequiredNodeClass::kConfidential:
      return "nodeClass Confidential: an AMD SEV-SNP confidential VM with a genuine Azure paravisor, and a "
             "key that is proven to live in its vTPM";
    case RequiredNodeClass::kTrustedLaunch:
      return "nodeClass TrustedLaunch: a Trusted Launch VM, and a key that is proven to live in its vTPM; it "
             "proves nothing against the host";
    case RequiredNodeClass::kAny:
      return "nodeClass Any: a confidential VM or a Trusted Launch VM";
  }
  return "unknown";
}

void add_snp(const AppraisalPolicy& policy, Words& out) {
  if (policy.node_class == RequiredNodeClass::kAny && names_snp(policy))
    out.emplace_back("sevSnp: has an SEV-SNP report, so that a Trusted Launch VM does not meet it");
  if (!policy.products.empty()) out.push_back("its processor is a " + names_of(policy.products));
  for (const auto& [product, tcb] : policy.minimum_tcb) {
    out.push_back("on " + std::string(attest::to_string(product)) + ", a TCB of at least " +
                  attest::describe(tcb));
  }
  for (const auto& [product, svn] : policy.minimum_guest_svn) {
    out.push_back("on " + std::string(attest::to_string(product)) + ", a paravisor of GUEST_SVN " +
                  std::to_string(svn) + " or more");
  }
  if (!policy.measurements.empty()) {
    out.push_back("its launch measurement is one of " + std::to_string(policy.measurements.size()) +
                  " that are listed");
  }
}

void add_boot(const attest::BootPolicy& boot, Words& out) {
  if (boot.secure_boot == Requirement::kRequired)
    out.emplace_back("Secure Boot is proven to be on; a state that cannot be proven does not meet it");
  if (boot.measured_boot == Requirement::kRequired)
    out.emplace_back("its event log explains its PCRs; a node without a log does not meet it");
  for (const auto& [pcr, values] : boot.pcrs) {
    out.push_back("PCR " + std::to_string(pcr) + " has " +
                  (values.size() == 1 ? "the value that is listed"
                                      : "one of the " + std::to_string(values.size()) + " values listed"));
  }
}

std::string steering_in_words(const AppraisalPolicy& policy) {
  if (policy.enforcement_action != EnforcementAction::kDeny) return "its pods are not steered";
  if (!policy.placement.node_selector.empty()) {
    Words labels;
    for (const auto& [key, value] : policy.placement.node_selector)
      labels.push_back(std::string(key).append("=").append(value));
    return "its pods are steered to nodes labelled " + joined(labels);
  }
  if (policy.placement.require_node_label)
    return "its pods are steered to nodes that carry the label of those that meet it";
  return "its pods are not steered: the scheduler finds out by refusals";
}

// What becomes of pods that run when their node loses the proof.
void add_loss(const attest::LossPolicy& loss, Words& out) {
  const std::string grace = to_duration(loss.grace_period);
  if (loss.taint)
    out.push_back("onLoss taint: a node that has failed for " + grace + " is tainted NoExecute");
  if (loss.evict)
    out.push_back("onLoss evict: its pods are evicted from a node that has failed for " + grace);
  if ((loss.taint || loss.evict) && loss.stale_grace_period)
    out.push_back("onLoss staleGracePeriod: the same after " + to_duration(*loss.stale_grace_period) +
                  " of silence");
  if (loss.evict && loss.delete_after)
    out.push_back("onLoss deleteAfter: a pod that cannot be evicted is deleted after " +
                  to_duration(*loss.delete_after));
}

}  // namespace

Words demands_in_words(const AppraisalPolicy& policy) {
  Words out{action_in_words(policy.enforcement_action),
            "the node's last quote is at most " + to_duration(policy.max_evidence_age) + " old",
            class_in_words(policy.node_class)};
  add_snp(policy, out);
  if (policy.ak_certificate == Requirement::kRequired)
    out.emplace_back("akCertificate Required: the key is proven to live in its vTPM");
  add_boot(policy.boot, out);
  out.emplace_back(
      policy.node_identity == NodeIdentity::kInventory
          ? "nodeIdentity Inventory: a NodeInventory names this VM for this node"
          : "nodeIdentity SelfReported: the node says itself which VM it is, and nothing ties that "
            "VM to the cluster");
  out.push_back(steering_in_words(policy));
  add_loss(policy.on_loss, out);
  return out;
}

std::optional<std::string> never_met(const AppraisalPolicy& policy, const attest::ReferenceValues& values) {
  if (policy.node_class != RequiredNodeClass::kConfidential && !names_snp(policy)) return std::nullopt;
  const Words::size_type known = static_cast<Words::size_type>(
      std::count_if(values.begin(), values.end(), [&](const attest::ParavisorReference& value) {
        return policy.products.empty() || std::find(policy.products.begin(), policy.products.end(),
                                                    value.product) != policy.products.end();
      }));
  if (known != 0) return std::nullopt;
  const std::string products =
      policy.products.empty() ? names_of(attest::kProducts) : names_of(policy.products);
  return "no node can meet it: no reference value is of a paravisor on " + products +
         ", so that none is known to be genuine; remedy: add one (webhook.referenceValues), or accept "
         "another processor";
}

Words cautions(const AppraisalPolicy& policy) {
  // With the agent's default; a quote is as old as its epoch from the start.
  constexpr Seconds kRefresh{120};
  constexpr Seconds kOldest = kRefresh + attest::kDefaultEpochLength;
  Words out;
  if (policy.max_evidence_age <= kOldest) {
    out.push_back("maxEvidenceAge " + to_duration(policy.max_evidence_age) + " is not above " +
                  to_duration(kOldest) + ", the age that a quote reaches where agents renew it every " +
                  to_duration(kRefresh) + " (agent.refresh): nodes would turn stale between quotes");
  }
  if (policy.node_class == RequiredNodeClass::kAny && policy.ak_certificate == Requirement::kPreferred)
    out.emplace_back("nodeClass Any without akCertificate Required is met by keys that live in no vTPM");
  return out;
}

}  // namespace nodeproof::cli
