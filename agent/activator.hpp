// The agent's part in residency without a certificate (DESIGN 3.3): has the vTPM open the credential that the
// webhook's leader offers, and puts what it held into the evidence.
#pragma once

#include <optional>

#include "agent/object_api.hpp"
#include "agent/tpm.hpp"
#include "wire/node_attestation.hpp"
#include "wire/node_evidence.hpp"

namespace nodeproof::agent {

// Remembers one answer. For one thread.
class Activator {
 public:
  Activator(ObjectApi& api, Tpm& tpm) : api_(api), tpm_(tpm) {}  // borrowed

  // Whether an answer could show what the evidence does not show by itself: there is an EK and no AK
  // certificate.
  static bool is_wanted(const wire::NodeEvidence& evidence);

  // Puts the last answer into evidence of the same keys that was collected anew.
  void carry_over(wire::NodeEvidence& evidence) const;

  // Answers what the leader offers for the keys of this evidence; true when that changed the evidence. Throws
  // kube::ApiError, and TpmError when the vTPM does not open the credential.
  bool answer(wire::NodeEvidence& evidence);

 private:
  struct Answered {
    Sha256Digest ak;
    Sha256Digest ek;
    wire::ActivationAnswer answer;
  };

  ObjectApi& api_;
  Tpm& tpm_;
  std::optional<Answered> last_;
};

}  // namespace nodeproof::agent
