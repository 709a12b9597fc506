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
// One function per number (verify_report.cpp, verify_boot.cpp, verify_quote.cpp); only these make Claims.
// Every check whose inputs parsed is evaluated; one whose premise failed is not-checked with code
// "premise-failed". Pure: time, anchors and reference values are arguments; no clock, no I/O.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attest/ak_certificate.hpp"
#include "attest/challenge.hpp"
#include "attest/checks.hpp"
#include "attest/endorsement_cache.hpp"
#include "attest/pcr.hpp"
#include "attest/reference_values.hpp"
#include "attest/revocation_list.hpp"
#include "attest/runtime_claims.hpp"
#include "attest/snp_report.hpp"
#include "attest/tpm_quote.hpp"
#include "attest/trust_anchors.hpp"

namespace nodeproof::attest {

inline constexpr Seconds kDefaultAkCertificateGrace = std::chrono::hours(30 * 24);

// Collected once per boot. Untrusted.
struct BootEvidence {
  Bytes hcl_report;                       // NV 0x01400001 as read, padding and all
  std::vector<Certificate> certificates;  // VCEK and its chain, AK intermediates; any order
  std::optional<Certificate> ak_certificate;
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
};

// An SNP report on its own. Untrusted.
struct ReportEvidence {
  Bytes report;                           // 1184 bytes
  std::vector<Certificate> certificates;  // VCEK or VLEK and its chain; any order
};

// What AMD vouches for: that one of its chips, with this TCB, made the report. Not whose guest asked
// for it, nor at which VMPL.
class ReportClaims {
 public:
  const SnpReport& report() const { return *report_; }
  Product product() const { return product_; }
  const std::optional<std::string>& csp_id() const { return csp_id_; }  // with a VLEK
  const ValidityWindow& validity() const { return validity_; }          // of the chain and its lists

 private:
  friend struct ReportVerifier;
  ReportClaims(const SnpReport& report, Product product, std::optional<std::string> csp_id,
               ValidityWindow validity)
      : report_(std::make_shared<const SnpReport>(report)),
        product_(product),
        csp_id_(std::move(csp_id)),
        validity_(validity) {}
  std::shared_ptr<const SnpReport> report_;  // copies share it
  Product product_;
  std::optional<std::string> csp_id_;
  ValidityWindow validity_;
};

struct ReportVerification {
  Findings findings;                   // numbers 2 to 5 but for vmpl; chip-id only with a VCEK
  std::optional<ReportClaims> claims;  // when every one of them passed
};

// Authenticity and guest policy. The VMPL is in the claims, for the caller to judge.
ReportVerification verify_snp_report(const ReportEvidence& evidence, const VerifyParameters& parameters);

// What the hardware and Microsoft vouch for about one boot.
class BootClaims {
 public:
  const ReportClaims& snp() const { return snp_; }
  const SnpReport& report() const { return snp_.report(); }
  Product product() const { return snp_.product(); }
  const RuntimeClaims& runtime() const { return runtime_; }
  bool paravisor_genuine() const { return paravisor_genuine_; }
  bool ak_resident() const { return ak_resident_; }             // number 15: the AK lives in the vTPM
  const ValidityWindow& validity() const { return validity_; }  // of snp() and the AK certificate
  void condense() { runtime_.ak.condense(); }

 private:
  friend struct BootVerifier;
  BootClaims(ReportClaims snp, RuntimeClaims runtime)
      : snp_(std::move(snp)), runtime_(std::move(runtime)), validity_(snp_.validity()) {}
  ReportClaims snp_;
  RuntimeClaims runtime_;
  bool paravisor_genuine_ = false;
  bool ak_resident_ = false;
  ValidityWindow validity_;
};

// The AK that the runtime claims name, and the name under which it must sign (azure-evidence 6.4).
struct ClaimedAk {
  PublicKey key;
  Bytes qualified_name;
};

// The VM that they name, and what PCR 6 may hold of it (azure-evidence 9).
struct ClaimedVm {
  std::string id;
  std::array<Sha256Digest, 2> pcr6;
};

struct BootVerification {
  Findings findings;  // numbers 1-9 and ak-residency, every check exactly once
  // Present when checks 1-7 (without report-freshness) passed: then the hardware vouches for the
  // claims. Whether 8, 9 and 15 hold is in the claims themselves.
  std::optional<BootClaims> claims;
  // Parsed but possibly unverified: what quotes are held against, made once in a boot, so that later
  // checks can be evaluated and shown even when an earlier one failed. Never a ground to accept anything.
  std::optional<ClaimedAk> unverified_ak;
  std::optional<ClaimedVm> unverified_vm;

  // For who keeps thousands, with claims: gives back what no later check reads, findings that passed, and
  // what can be made again, OpenSSL's form of the AK (PublicKey::condense).
  void condense();
};

BootVerification verify_boot(const BootEvidence& evidence, const VerifyParameters& parameters);

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

class QuoteClaims {
 public:
  const TpmQuote& quote() const { return quote_; }
  const PcrValues& pcrs() const { return pcrs_; }  // the quoted ones only

 private:
  friend struct QuoteVerifier;
  QuoteClaims(TpmQuote quote, PcrValues pcrs) : quote_(std::move(quote)), pcrs_(std::move(pcrs)) {}
  TpmQuote quote_;
  PcrValues pcrs_;
};

struct QuoteVerification {
  Findings findings;                  // number 10, qualifying-data, vm-id
  std::optional<QuoteClaims> claims;  // when number 10 and vm-id passed; freshness is in findings
};

// `required`: the selection that the quote must make. With `exact` no PCR more.
struct RequiredPcrs {
  PcrSelection selection = kBootPcrs;
  bool exact = false;
};

// Costs one RSA verification. `boot` supplies the AK and the VM id.
QuoteVerification verify_quote(const QuoteEvidence& evidence, const BootVerification& boot,
                               const ExpectedQualifyingData& expected, const RequiredPcrs& required);

}  // namespace nodeproof::attest
