// AttestationPolicy as a value: what a node must prove (DESIGN section 6). No field is "unset":
// an absent field of the API object has become its documented default in wire/attestation_policy.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "attest/tcb.hpp"
#include "base/time.hpp"

namespace nodeproof::attest {

enum class EnforcementAction { kDeny, kWarn, kDryRun };
std::string_view to_string(EnforcementAction action);  // "Deny", "Warn", "DryRun"

enum class RequiredNodeClass { kConfidential, kTrustedLaunch, kAny };
std::string_view to_string(RequiredNodeClass node_class);

// Whose word ties a node to its VM: its own, or an inventory's that it does not write (DESIGN 3.2 f).
enum class NodeIdentity { kSelfReported, kInventory };

enum class Requirement { kPreferred, kRequired };

// What the boot chain must have been (DESIGN 6, boot).
struct BootPolicy {
  Requirement secure_boot = Requirement::kPreferred;
  Requirement measured_boot = Requirement::kPreferred;
  // Allowed values by PCR, at least one each: any of 0-9 and 11-15.
  std::map<unsigned, std::vector<Sha256Digest>> pcrs;
};

// What a sensitive pod is given, so that the scheduler tries only nodes that can take it. It decides nothing.
struct PlacementPolicy {
  // The label that nodes bear which meet the policy; only where node_selector is empty.
  bool require_node_label = true;
  // Labels of a pool instead, which an autoscaler knows of before the pool has a node.
  std::map<std::string, std::string> node_selector;
};

// What a lost proof sets off for sensitive pods that run (DESIGN 8). The leader reads it; appraise does not.
struct LossPolicy {
  bool taint = false;         // nodeproof.dev/failed:NoExecute on the node
  bool evict = false;         // the pods that ask for this policy
  Seconds grace_period{120};  // after the policy was found not met
  // After the proof grew old or went missing; absent: nothing follows.
  std::optional<Seconds> stale_grace_period{};
  std::optional<Seconds> delete_after{};  // a pod that could not be evicted for so long; absent: never
};

struct AppraisalPolicy {
  std::string name;
  EnforcementAction enforcement_action = EnforcementAction::kDeny;
  Seconds max_evidence_age{600};
  RequiredNodeClass node_class = RequiredNodeClass::kConfidential;
  // Judged by who knows the inventory, not by appraise.
  NodeIdentity node_identity = NodeIdentity::kSelfReported;
  Requirement ak_certificate = Requirement::kPreferred;
  BootPolicy boot;
  PlacementPolicy placement;
  LossPolicy on_loss;
  std::vector<Product> products;              // empty: any product we verify
  std::map<Product, TcbVersion> minimum_tcb;  // compared with REPORTED_TCB
  std::map<Product, std::uint32_t> minimum_guest_svn;
  std::vector<ByteArray<48>> measurements;  // empty: any that number 9 accepts
};

}  // namespace nodeproof::attest
