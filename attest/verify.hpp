// verify: Evidence -> Claims or findings. The numbered checks of DESIGN section 5:
//
//    1 hcl-frame                       6 report-data-binding             11 qualifying-data,
//    2 report-format, vmpl,            7 runtime-claims,                    evidence-binding,
//      guest-policy                      report-freshness                   evidence-age, epoch-future,
//                                                                           epoch-origin
//    3 product, chip-id,               8 ak-certificate                  12 event-log-replay
//      tcb-extensions                  9 paravisor                       13 secure-boot
//    4 certificate-chain              10 quote-format, ak-name,          14 vm-id, node-identity, ...
//    5 report-signature                  quote-signature,                15 ak-residency, counters
//                                        pcr-selection, pcr-digest       16 policy (appraise.hpp)
//
// One function per number (verify_report.cpp, verify_boot.cpp, verify_trusted_launch.cpp, verify_quote.cpp);
// only these make Claims (claims.hpp).
// Every check whose inputs parsed is evaluated; one whose premise failed is not-checked with code
// "premise-failed". Pure: time, anchors and reference values are arguments; no clock, no I/O.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attest/challenge.hpp"
#include "attest/checks.hpp"
#include "attest/claims.hpp"
#include "attest/endorsement_cache.hpp"
#include "attest/pcr.hpp"
#include "attest/reference_values.hpp"
#include "attest/revocation_list.hpp"
#include "attest/trust_anchors.hpp"

namespace nodeproof::attest {

inline constexpr Seconds kDefaultAkCertificateGrace = std::chrono::hours(30 * 24);

// Collected once per boot. Untrusted.
struct BootEvidence {
  Bytes hcl_report;                       // NV 0x01400001 as read, padding and all
  std::vector<Certificate> certificates;  // VCEK and its chain, AK intermediates; any order
  std::optional<Certificate> ak_certificate;
  Bytes event_log;  // as the kernel gives it; empty: there is none
  // What the node says that the credential for its AK held (activation.hpp).
  std::optional<ByteArray<32>> activation = std::nullopt;
};

// What such a credential holds depends on these.
struct ActivationKey {
  EpochKey key;
  std::string node_uid;
};

// Likewise, of a Trusted Launch VM: only Microsoft's certificate for the AK vouches for its vTPM.
struct TrustedLaunchEvidence {
  std::vector<Certificate> certificates;  // intermediates of the AK certificate
  std::optional<Certificate> ak_certificate;
  Bytes event_log;  // as above
};

struct VerifyParameters {
  const TrustAnchors& anchors;
  const ReferenceValues& reference_values;
  UnixTime now;
  Seconds ak_certificate_grace = kDefaultAkCertificateGrace;
  // What NV 0x01400002 should have held; nothing: report-freshness is not-checked.
  std::optional<Sha512Digest> report_challenge = std::nullopt;
  // Supplied by whoever verifies, never by who is verified; none: revocation is not looked at.
  std::span<const RevocationList> revocation_lists = {};
  // Makes verification of evidence under known endorsements cheaper, never different; may be null.
  EndorsementCache* known_endorsements = nullptr;
  LoggedPcrs* known_pcrs = nullptr;  // makes what is kept of event logs smaller; may be null
  // Whether a Trusted Launch VM must have its AK under Azure's template and its VM id in PCR 6. Both are
  // known of confidential VMs only; until they are of others, what differs is not-checked (DESIGN 5).
  bool trusted_launch_strict = false;
  // To recompute BootEvidence::activation; nothing: it cannot be judged.
  std::optional<ActivationKey> activation = std::nullopt;
};

// An SNP report on its own. Untrusted.
struct ReportEvidence {
  Bytes report;                           // 1184 bytes
  std::vector<Certificate> certificates;  // VCEK or VLEK and its chain; any order
};

struct ReportVerification {
  Findings findings;                   // numbers 2 to 5 but for vmpl; chip-id only with a VCEK
  std::optional<ReportClaims> claims;  // when every one of them passed
};

// Authenticity and guest policy. The VMPL is in the claims, for the caller to judge.
ReportVerification verify_snp_report(const ReportEvidence& evidence, const VerifyParameters& parameters);

// The AK that the runtime claims or, on Trusted Launch, its certificate name, and the name under which it
// must sign (azure-evidence 6.4).
struct ClaimedAk {
  explicit ClaimedAk(const PublicKey& claimed)
      : key(claimed),
        name(ak_name_digest(claimed.rsa_modulus())),
        qualified_name(ak_qualified_name(claimed.rsa_modulus())) {}
  PublicKey key;      // RSA-2048
  Sha256Digest name;  // the digest in it
  Bytes qualified_name;
};

// The AK and EK of a vTPM that residency can be shown for by a credential.
struct ActivationTarget {
  Sha256Digest ak;  // the digest in its Name
  Bytes ek_modulus;
  Sha256Digest ek_digest() const { return sha256(ek_modulus); }
};

// The VM that they name, and what PCR 6 may hold of it (azure-evidence 9).
struct ClaimedVm {
  std::string id;
  std::array<Sha256Digest, 2> pcr6;
};

// Code of hcl-frame for the report of another kind of TEE: the machine has one that is not judged here.
inline constexpr std::string_view kOtherTee = "other-tee";

struct BootVerification {
  NodeClass node_class = NodeClass::kConfidential;
  Findings findings;  // numbers 1-9 and ak-residency, every check that applies to the class exactly once
  // Confidential: present when checks 1-7 (without report-freshness) passed: then the hardware vouches for
  // the claims. Whether 8, 9 and 15 hold is in the claims themselves. Trusted Launch: when 8 passed.
  std::optional<BootClaims> claims;
  // Parsed but possibly unverified: what quotes are held against, made once in a boot, so that later
  // checks can be evaluated and shown even when an earlier one failed. Never a ground to accept anything.
  std::optional<ClaimedAk> unverified_ak;
  std::optional<ClaimedVm> unverified_vm;  // of a confidential VM
  // Where no AK certificate was supplied and a genuine paravisor vouches for an EK: whom to make a credential
  // for. Shared with who verified.
  std::shared_ptr<const ActivationTarget> activation;
  // The event log, replayed but not held against a quote; null: there is none.
  std::shared_ptr<const Result<BootLog>> unverified_log;
  // Whether number 10's ak-name and number 14's vm-id must hold (VerifyParameters::trusted_launch_strict).
  bool strict = true;

  // For who keeps thousands, with claims: gives back what no later check reads, findings that passed, and
  // what can be made again, OpenSSL's form of the AK (PublicKey::condense).
  void condense();
};

BootVerification verify_boot(const BootEvidence& evidence, const VerifyParameters& parameters);
BootVerification verify_trusted_launch(const TrustedLaunchEvidence& evidence,
                                       const VerifyParameters& parameters);

// Made anew at every refresh. Untrusted.
struct QuoteEvidence {
  Bytes attest;     // TPMS_ATTEST
  Bytes signature;  // raw RSASSA or TPMT_SIGNATURE
  PcrValues pcrs;   // SHA-256 bank
};

// What extraData must be. Exactly one of the two: an expected value, or the admission that none is
// known (then qualifying-data is not-checked when `accept_unfresh`, failed otherwise).
struct ExpectedQualifyingData {
  std::optional<Bytes> value;
  bool accept_unfresh = false;
};

struct QuoteVerification {
  // Numbers 10, 12 and 13, qualifying-data, vm-id; on Trusted Launch also what the quote takes back of
  // ak-certificate and ak-residency (supersede).
  Findings findings;
  // When number 10 and vm-id passed, or may be left open by the class; the rest is in findings and claims.
  std::optional<QuoteClaims> claims;
};

// `required`: the selection that the quote must make. With `exact` no PCR more.
struct RequiredPcrs {
  PcrSelection selection = kBootPcrs;
  bool exact = false;
};

// Costs one RSA verification. `boot` supplies the AK, the VM id and the replayed event log.
QuoteVerification verify_quote(const QuoteEvidence& evidence, const BootVerification& boot,
                               const ExpectedQualifyingData& expected, const RequiredPcrs& required);

}  // namespace nodeproof::attest
