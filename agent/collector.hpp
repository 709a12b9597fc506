// Collects NodeEvidence from a TPM, firmware and an endorsement source. Sequencing only: what is collected is
// published as it is, and the verifier judges it.
#pragma once

#include <stop_token>
#include <string>

#include "agent/collection_state.hpp"
#include "agent/endorsements.hpp"
#include "agent/firmware.hpp"
#include "agent/timer.hpp"
#include "agent/tpm.hpp"
#include "base/clock.hpp"
#include "wire/epoch.hpp"
#include "wire/node_evidence.hpp"

namespace nodeproof::agent {

// For one thread, that of the TPM.
class Collector {
 public:
  // The paravisor renews its report when it is read, but not twice within 2 s (azure-evidence 1.4).
  static constexpr Milliseconds kReportRenewal{2500};
  static constexpr int kReportTries = 3;

  // Borrows all. `clock` dates the evidence, a hint for people.
  Collector(Tpm& tpm, Firmware& firmware, EndorsementSource& endorsements, Timer& timer, const Clock& clock)
      : tpm_(tpm), firmware_(firmware), endorsements_(endorsements), timer_(timer), clock_(clock) {}

  // Always gives evidence. Its platform is that of a confidential VM with an HCL report, be it of a form that
  // only a later release knows, that of Trusted Launch with an AK certificate alone, else `none`; what is
  // missing is in its collection state. May wait for a fresh report; a stop ends that early. Never throws for
  // what TPM, kernel and THIM do.
  wire::NodeEvidence collect(const std::string& node_name, const attest::BootIdentity& boot,
                             const wire::PublishedEpoch& epoch, const std::stop_token& stop);

  // Tries once more for evidence whose endorsements were unreachable; changes its certificates and
  // collection state only, neither of which is part of its digest.
  void add_endorsements(wire::NodeEvidence& evidence, const std::stop_token& stop);

 private:
  void collect_from_tpm(wire::NodeEvidence& evidence, const wire::PublishedEpoch& epoch,
                        const std::stop_token& stop);
  void collect_confidential(wire::NodeEvidence& evidence, const wire::PublishedEpoch& epoch,
                            const std::stop_token& stop);
  void collect_trusted_launch(wire::NodeEvidence& evidence, const wire::PublishedEpoch& epoch);
  void add_boot_facts(wire::NodeEvidence& evidence);
  void write_challenge(const Sha512Digest& challenge);
  Bytes read_report(const Sha512Digest& challenge, const std::stop_token& stop);
  Result<Bytes> read_ak_certificate();
  Bytes ak_certificate_if_any();

  Tpm& tpm_;
  Firmware& firmware_;
  EndorsementSource& endorsements_;
  Timer& timer_;
  const Clock& clock_;
};

}  // namespace nodeproof::agent
