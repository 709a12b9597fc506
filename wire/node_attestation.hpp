// NodeAttestation (na): the status that people and dashboards read. Written by the leader, read by
// nobody for a decision.
#pragma once

#include <optional>

#include "attest/activation.hpp"
#include "attest/checks.hpp"
#include "base/time.hpp"
#include "wire/objects.hpp"

namespace nodeproof::wire {

enum class Phase { kPending, kVerified, kStale, kFailed, kUnsupported };
std::string_view to_string(Phase phase);          // "Verified"
std::string_view attestation_label(Phase phase);  // "verified", value of .../attestation

struct PolicyOutcome {
  std::string policy;
  bool met = false;
  std::string code;  // why not: a check name or "invalid-policy"; empty when met
  std::string detail;
  bool operator==(const PolicyOutcome&) const = default;
};

// As Kubernetes has conditions: `since` changes when `status` does, and only then.
struct StatusCondition {
  std::string type;
  std::string status;  // "True", "False", "Unknown"
  std::string reason;  // a CamelCase word
  std::string message;
  UnixTime since;  // lastTransitionTime
  // NOLINTNEXTLINE(modernize-use-nullptr)
  auto operator<=>(const StatusCondition&) const = default;
};
inline constexpr std::string_view kVerifiedCondition = "Verified";
inline constexpr std::string_view kUnprovenPodsCondition = "UnprovenPods";

// The highest clock and counters that quotes by one AK have shown (number 15), and when they were seen.
struct CounterMark {
  Sha256Digest ak{};  // the digest in the AK's Name
  std::string boot_id;
  std::uint32_t reset_count = 0;
  std::uint32_t restart_count = 0;
  std::uint64_t clock = 0;  // milliseconds
  std::uint64_t epoch = 0;  // in which they were seen
  bool boot_over = false;  // under boot_id the TPM has shown two resets: it was no boot of the TPM's any more
  bool operator==(const CounterMark&) const = default;
};

struct NodeAttestationStatus {
  Phase phase = Phase::kPending;
  std::string code;    // empty when Verified: a check name, or a CollectionState code
  std::string detail;  // one clause
  std::string remedy;
  std::string tee = "none";  // "sev-snp" or "none"
  std::string product;
  std::string measurement;  // hex
  std::string chip_id;      // hex
  std::string tcb;          // "bootloader 4, tee 0, snp 24, microcode 219"
  std::string vm_id;
  std::string trusted_launch = "unknown";  // this and the next three: values of the labels (DESIGN 4.1)
  std::string secure_boot = "unknown";
  std::string vtpm = "unverified";
  std::string measured_boot = "unknown";
  std::string evidence_digest;        // hex
  std::string verified_at;            // RFC 3339; start of the proven epoch
  std::string expires_at;             // RFC 3339; when the shortest maxEvidenceAge ends
  attest::Findings findings;          // failed and not-checked ones
  std::vector<std::string> coverage;  // what the evidence speaks for and what not, in plain words
  std::vector<PolicyOutcome> policies;
  std::optional<CounterMark> counters;  // absent: those of an earlier status stay
  // Sensitive pods that run here without proof: condition UnprovenPods. Nothing before the first sweep.
  std::optional<std::size_t> unproven_pods;
};

// {"status": {...}} for a merge patch of the status subresource. Empty texts become null, so that those
// of an earlier status go; texts are cut to the limits of crds/nodeattestations.yaml.
// Conditions are replaced as a whole.
std::string status_patch(const NodeAttestationStatus& status, const std::vector<StatusCondition>& conditions);

// A credential for the node's AK, for its vTPM to open (DESIGN 3.3): proves residency without a certificate.
struct ActivationOffer {
  std::string kid;    // of the key generation that its secret is made of
  Sha256Digest ak{};  // for which AK (the digest in its Name) and EK (SHA-256 of its modulus)
  Sha256Digest ek{};
  attest::Credential credential;
};
// A merge patch of the status subresource.
std::string activation_patch(const ActivationOffer& offer);
// Of a NodeAttestation; nothing when it offers none, or is of another Node than the one with this UID.
Result<std::optional<ActivationOffer>> parse_activation_offer(const attest::JsonValue& object,
                                                              std::string_view node_uid);

// What the leader remembers of a node in its NodeAttestation, to be read only to refuse.
struct StoredMark {
  std::string node_uid;
  std::optional<CounterMark> counters;  // nothing before the first quote
};
Result<StoredMark> parse_stored_mark(const attest::JsonValue& object);

// The body of a create: no status, ownerReference to the Node.
std::string new_node_attestation(std::string_view node_name, std::string_view node_uid);

// What an existing object says, for those who tell of it or write it anew; nothing is decided by it. What is
// absent is empty.
struct ToldAttestation {
  std::string name;
  std::string node_uid;
  std::string phase;
  std::string code;
  std::string verified_at;
  std::vector<StatusCondition> conditions;  // those whose lastTransitionTime can be read
};
Result<ToldAttestation> parse_node_attestation(const attest::JsonValue& object);

}  // namespace nodeproof::wire
