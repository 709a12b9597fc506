// Collects NodeEvidence from a TPM and an endorsement source. Sequencing only: what is collected is
// published as it is, and the verifier judges it.
#pragma once

#include <stop_token>
#include <string>

#include "agent/endorsements.hpp"
#include "agent/timer.hpp"
#include "agent/tpm.hpp"
#include "base/clock.hpp"
#include "wire/epoch.hpp"
#include "wire/node_evidence.hpp"

namespace nodeproof::agent {

// The words of CollectionState.code (crds/nodeevidences.yaml).
inline constexpr std::string_view kComplete = "complete";
inline constexpr std::string_view kNoTpm = "no-tpm";
inline constexpr std::string_view kNoAk = "no-ak";
inline constexpr std::string_view kOwnerAuthSet = "owner-auth-set";
inline constexpr std::string_view kNoHclReport = "no-hcl-report";
inline constexpr std::string_view kEndorsementsUnreachable = "endorsements-unreachable";
inline constexpr std::string_view kTpmError = "tpm-error";

// A TPM failure as people read it in NodeEvidence: its code, and a detail that ends in a remedy.
wire::CollectionState collection_state(const TpmError& error);

class Collector {
 public:
  // The paravisor renews its report when it is read, but not twice within 2 s (azure-evidence 1.4).
  static constexpr Milliseconds kReportRenewal{2500};
  static constexpr int kReportTries = 3;

  // Borrows all four. `clock` dates the evidence, a hint for people.
  Collector(Tpm& tpm, EndorsementSource& endorsements, Timer& timer, const Clock& clock)
      : tpm_(tpm), endorsements_(endorsements), timer_(timer), clock_(clock) {}

  // Always gives evidence: what is missing is in its collection state, and without an HCL report
  // its platform is `none`. May wait for a fresh report; a stop ends that early. Never throws for
  // what TPM and THIM do.
  wire::NodeEvidence collect(const std::string& node_name, const attest::BootIdentity& boot,
                             const wire::PublishedEpoch& epoch, const std::stop_token& stop);

  // Tries once more for evidence whose endorsements were unreachable; changes its certificates and
  // collection state only, neither of which is part of its digest.
  void add_endorsements(wire::NodeEvidence& evidence, const std::stop_token& stop);

 private:
  void collect_from_tpm(wire::NodeEvidence& evidence, const wire::PublishedEpoch& epoch,
                        const std::stop_token& stop);
  void write_challenge(const Sha512Digest& challenge);
  Bytes read_report(const Sha512Digest& challenge, const std::stop_token& stop);
  Bytes read_ak_certificate();

  Tpm& tpm_;
  EndorsementSource& endorsements_;
  Timer& timer_;
  const Clock& clock_;
};

}  // namespace nodeproof::agent
