#include "agent/activator.hpp"

#include <spdlog/spdlog.h>

#include "attest/hcl_report.hpp"
#include "attest/runtime_claims.hpp"
#include "attest/tpm_quote.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::agent {
namespace {

struct Keys {
  Sha256Digest ak;
  Sha256Digest ek;
};

// Those that the report names; nothing when it names no EK.
std::optional<Keys> keys_of(const wire::NodeEvidence& evidence) {
  const auto hcl = attest::parse_hcl_report(evidence.hcl_report);
  if (!hcl) return std::nullopt;
  const auto claims = attest::parse_runtime_claims(hcl->runtime_claims);
  if (!claims || claims->ek_modulus.empty()) return std::nullopt;
  return Keys{attest::ak_name_digest(claims->ak.rsa_modulus()), attest::sha256(claims->ek_modulus)};
}

}  // namespace

bool Activator::is_wanted(const wire::NodeEvidence& evidence) {
  return evidence.platform == wire::kPlatformSnp && evidence.ak_certificate.empty() &&
         keys_of(evidence).has_value();
}

void Activator::carry_over(wire::NodeEvidence& evidence) const {
  if (!last_ || !is_wanted(evidence)) return;
  const auto keys = keys_of(evidence);
  if (keys->ak == last_->ak && keys->ek == last_->ek) evidence.activation = last_->answer;
}

bool Activator::answer(wire::NodeEvidence& evidence) {
  const auto keys = keys_of(evidence);
  const auto body = api_.get_if_exists(wire::object_path(wire::kNodeAttestationsPath, evidence.name));
  if (!keys || !body) return false;
  const auto offer = parse_object(*body, "NodeAttestation", [&](const attest::JsonValue& object) {
    return wire::parse_activation_offer(object, evidence.boot.node_uid);
  });
  if (!offer) {
    throw std::runtime_error("what NodeAttestation " + evidence.name +
                             " offers cannot be read: " + to_string(offer.error()));
  }
  // One for other keys is of an earlier boot; the leader will offer another.
  if (!*offer || (*offer)->ak != keys->ak || (*offer)->ek != keys->ek) return false;
  if (evidence.activation && evidence.activation->kid == (*offer)->kid) return false;
  const wire::ActivationAnswer answer{(*offer)->kid, tpm_.activate((*offer)->credential)};
  last_ = Answered{keys->ak, keys->ek, answer};
  evidence.activation = answer;
  spdlog::info("the vTPM opened the credential for its attestation key");
  return true;
}

}  // namespace nodeproof::agent
