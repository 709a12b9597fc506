// Claims: what verification has proven. Only verify (verify.hpp) makes them; appraise (appraise.hpp)
// compares them with a policy.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "attest/ak_certificate.hpp"
#include "attest/boot_log.hpp"
#include "attest/pcr.hpp"
#include "attest/runtime_claims.hpp"
#include "attest/snp_report.hpp"
#include "attest/tpm_quote.hpp"

namespace nodeproof::attest {

// What AMD vouches for: that one of its chips, with this TCB, made the report. Not whose guest asked
// for it, nor at which VMPL.
class ReportClaims {
 public:
  // The whole of it, for who shows it; null once condensed.
  const SnpReport* report() const { return report_.get(); }
  // Of it, what policies and statuses speak of.
  std::uint32_t guest_svn() const { return guest_svn_; }
  const ByteArray<48>& measurement() const { return measurement_; }
  const ByteArray<64>& chip_id() const { return chip_id_; }
  const TcbVersion& reported_tcb() const { return reported_tcb_; }
  Product product() const { return product_; }
  const std::optional<std::string>& csp_id() const { return csp_id_; }  // with a VLEK
  const ValidityWindow& validity() const { return validity_; }          // of the chain and its lists
  void condense() { report_ = nullptr; }

 private:
  friend struct ReportVerifier;
  ReportClaims(const SnpReport& report, Product product, std::optional<std::string> csp_id,
               ValidityWindow validity)
      : report_(std::make_shared<const SnpReport>(report)),
        guest_svn_(report.guest_svn),
        measurement_(report.measurement),
        chip_id_(report.chip_id),
        reported_tcb_(report.reported_tcb),
        product_(product),
        csp_id_(std::move(csp_id)),
        validity_(validity) {}
  std::shared_ptr<const SnpReport> report_;  // copies share it
  std::uint32_t guest_svn_;
  ByteArray<48> measurement_;
  ByteArray<64> chip_id_;
  TcbVersion reported_tcb_;
  Product product_;
  std::optional<std::string> csp_id_;
  ValidityWindow validity_;
};

// What the hardware and the paravisor vouch for about a confidential VM.
class ConfidentialClaims {
 public:
  const ReportClaims& snp() const { return snp_; }
  Product product() const { return snp_.product(); }
  const RuntimeClaims& runtime() const { return runtime_; }
  // Number 9. Without it, what the runtime claims say of the VM is unproven.
  bool paravisor_genuine() const { return paravisor_genuine_; }

 private:
  friend class BootClaims;
  friend struct BootVerifier;
  ConfidentialClaims(ReportClaims snp, RuntimeClaims runtime, bool paravisor_genuine)
      : snp_(std::move(snp)), runtime_(std::move(runtime)), paravisor_genuine_(paravisor_genuine) {}
  ReportClaims snp_;
  RuntimeClaims runtime_;
  bool paravisor_genuine_;
};

// What shows that the AK lives in the vTPM (number 15).
enum class Residency {
  kUnproven,
  kCertificate,  // Microsoft's for the AK
  kActivation,   // the vTPM opened a credential for it (activation.hpp)
};

// What the hardware or Microsoft vouch for about one boot.
class BootClaims {
 public:
  NodeClass node_class() const {
    return confidential_ ? NodeClass::kConfidential : NodeClass::kTrustedLaunch;
  }
  // Null on Trusted Launch. Copies share it.
  const ConfidentialClaims* confidential() const { return confidential_.get(); }
  const Sha256Digest& ak() const { return ak_; }  // the digest in the AK's Name (ak_name_digest)
  Residency residency() const { return residency_; }
  bool ak_resident() const { return residency_ != Residency::kUnproven; }
  // Of the report's chain and the AK certificate.
  const ValidityWindow& validity() const { return validity_; }
  void condense();

 private:
  friend struct BootVerifier;
  friend struct TrustedLaunchVerifier;
  BootClaims(std::shared_ptr<const ConfidentialClaims> confidential, const Sha256Digest& ak,
             Residency residency, ValidityWindow validity)
      : confidential_(std::move(confidential)), ak_(ak), residency_(residency), validity_(validity) {}
  std::shared_ptr<const ConfidentialClaims> confidential_;
  Sha256Digest ak_;
  Residency residency_;
  ValidityWindow validity_;
};

// How the event log and the quoted PCRs fit (number 12).
enum class MeasuredBoot {
  kNoLog,
  kUnknown,   // there is one, but it cannot be read
  kMismatch,  // it tells another boot than the PCRs
  kVerified,
};
std::string_view to_string(MeasuredBoot state);  // "no-log", "unknown", "mismatch", "verified"

class QuoteClaims {
 public:
  const TpmQuote& quote() const { return quote_; }  // without qualified_signer and pcr_digest
  const Sha256Digest* pcr(unsigned pcr) const;      // null when it was not quoted
  MeasuredBoot measured_boot() const { return measured_boot_; }
  // What the quoted PCRs prove to have been measured; null unless kVerified. Shared with who verified.
  const BootLog* log() const { return log_.get(); }

 private:
  friend struct QuoteVerifier;
  explicit QuoteClaims(TpmQuote quote) : quote_(std::move(quote)) {}
  TpmQuote quote_;
  PcrValues unlogged_pcrs_;  // of the quoted ones, those whose values `log_` does not hold: it shares its own
  MeasuredBoot measured_boot_ = MeasuredBoot::kNoLog;
  std::shared_ptr<const BootLog> log_;
};

// Whether Secure Boot is on, as far as it is proven. On a confidential VM the genuine paravisor's word
// counts, signed by the hardware, and the log is a second witness; on Trusted Launch the log alone.
std::optional<bool> secure_boot_of(const BootClaims& boot, const QuoteClaims& quote);

// The VM that the evidence proves to be of, as it is written there; empty: unproven.
std::string vm_id_of(const BootClaims& boot, const QuoteClaims& quote);

}  // namespace nodeproof::attest
