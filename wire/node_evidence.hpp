// NodeEvidence (nev): what a node collected once per boot, written by its agent (crds/).
#pragma once

#include <optional>

#include "attest/challenge.hpp"
#include "base/shared_value.hpp"
#include "wire/objects.hpp"

namespace nodeproof::wire {

inline constexpr std::string_view kPlatformSnp = "azure-sev-snp";
inline constexpr std::string_view kPlatformTrustedLaunch = "azure-trusted-launch";
inline constexpr std::string_view kPlatformNone = "none";

// An event log as gzip, before base64 (crds/): real ones need 10 to 20 KiB.
inline constexpr std::size_t kMaxPackedEventLog = std::size_t{256} << 10U;

// Words of CollectionState::code that others than the agent act on (crds/nodeevidences.yaml).
inline constexpr std::string_view kComplete = "complete";
inline constexpr std::string_view kNoTpm = "no-tpm";
inline constexpr std::string_view kNoAk = "no-ak";
inline constexpr std::string_view kOwnerAuthSet = "owner-auth-set";
inline constexpr std::string_view kNoHclReport = "no-hcl-report";
inline constexpr std::string_view kNoAkCertificate = "no-ak-certificate";
inline constexpr std::string_view kEndorsementsUnreachable = "endorsements-unreachable";
inline constexpr std::string_view kTpmError = "tpm-error";

// Why the evidence is as it is. "complete", or the one thing that is missing and what to do:
// no-tpm, no-ak, owner-auth-set, no-hcl-report, no-ak-certificate, endorsements-unreachable, tpm-error; of
// an event log no-log (absent or empty), log-unreadable, log-too-large.
struct CollectionState {
  std::string code{kComplete};
  std::string detail;
  bool operator==(const CollectionState&) const = default;
};

// What the running kernel says of the firmware (azure-evidence 8.6). Guest root can forge them: hints for
// people, outside the evidence digest.
struct EfiFacts {
  std::optional<bool> secure_boot;
  std::optional<bool> setup_mode;
  std::string lockdown;  // "none", "integrity", "confidentiality"; empty when unknown
  bool operator==(const EfiFacts&) const = default;
};

// What the node's vTPM read in the credential that the leader offered (ActivationOffer). It authenticates
// itself, as endorsements do, and is outside the digest.
struct ActivationAnswer {
  std::string kid;  // of the key generation that the secret is made of
  ByteArray<32> secret{};
  bool operator==(const ActivationAnswer&) const = default;
};

struct NodeEvidence {
  std::string name;  // of the Node
  std::string resource_version;
  attest::BootIdentity boot;
  std::string platform{kPlatformNone};
  attest::Epoch collected;  // kid and m of the report challenge; kid empty when platform is none
  Bytes hcl_report;      // cut to its report_size, whole when the agent does not know its form; empty: none
  Bytes ak_certificate;  // DER; empty when there is none
  std::vector<Bytes> certificates;  // DER: VCEK, ASK, ARK
  Bytes event_log;                  // as the kernel gives it (in the object: gzip); empty when there is none
  std::optional<CollectionState> no_event_log;  // why there is none
  EfiFacts efi;
  std::optional<ActivationAnswer> activation;
  CollectionState collection;
  std::string collected_at;  // RFC 3339, the node's clock: a hint

  Sha256Digest digest() const;  // DESIGN 3.1
};

// What is left to know of evidence once it has been verified: a small part of its size.
struct EvidenceSummary {
  Shared<attest::BootIdentity> boot;
  std::string platform{kPlatformNone};
  attest::Epoch collected;
  CollectionState collection;
  Sha256Digest digest{};
};
EvidenceSummary summary_of(const NodeEvidence& evidence);

// `object` is a NodeEvidence API object. Members that we do not know are passed over: an agent of a later
// release may write them, and what nobody reads proves nothing (ADR 13).
Result<NodeEvidence> parse_node_evidence(const attest::JsonValue& object);
// The JSON body of a create or replace. `resource_version` goes in when not empty.
std::string to_json(const NodeEvidence& evidence);

}  // namespace nodeproof::wire
