// The verification of one NodeEvidence, kept from one to the next: what of it must be done anew, and what it
// says beside its findings.
#include "webhook/node_trust.hpp"
#include "wire/node_verification.hpp"

namespace nodeproof::webhook {
namespace {

using wire::NodeEvidence;

Bytes certificates_of(const NodeEvidence& evidence) {
  Bytes out;
  append_be32(out, static_cast<std::uint32_t>(evidence.ak_certificate.size()));
  append(out, evidence.ak_certificate);
  for (const Bytes& der : evidence.certificates) {
    append_be32(out, static_cast<std::uint32_t>(der.size()));
    append(out, der);
  }
  return out;
}

Sha256Digest content_of(const NodeEvidence& evidence) {
  Bytes all = to_bytes(evidence.digest());
  append(all, certificates_of(evidence));
  if (evidence.activation) {
    append(all, as_bytes(evidence.activation->kid));
    append(all, evidence.activation->secret);
  }
  return attest::sha256(all);
}

std::optional<Sha512Digest> challenge_of(const NodeEvidence& evidence, GenerationView generations,
                                         const TrustParameters& parameters, UnixTime now) {
  const auto nonce = nonce_of(generations, evidence.collected);
  if (!nonce) return std::nullopt;
  const UnixTime collected = attest::epoch_start(evidence.collected.number, parameters.epoch_length);
  if (collected + parameters.max_report_age < now) return std::nullopt;
  return attest::report_challenge(evidence.collected.kid, *nonce, evidence.boot);
}

// To recompute what its credential holds; nothing while the node has not answered one of a known key.
std::optional<attest::ActivationKey> activation_key_of(const NodeEvidence& evidence,
                                                       GenerationView generations) {
  if (!evidence.activation) return std::nullopt;
  const wire::EpochKeyGeneration* generation = find_generation(generations, evidence.activation->kid);
  if (generation == nullptr || generation->revoked) return std::nullopt;
  return attest::ActivationKey{generation->key, evidence.boot.node_uid};
}

std::uint64_t hash64(std::string_view text) {
  const Sha256Digest digest = attest::sha256(as_bytes(text));
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < sizeof out; ++i) out = out << 8U | digest[i];
  return out;
}

BootKey key_of(const NodeEvidence& evidence, std::uint64_t image) {
  return {hash64(evidence.boot.node_uid), hash64(evidence.boot.boot_id), image};
}

// Against the previous boot of the same node from the same image. While that is still going on, what was
// found at its first verification stays.
std::string log_change(const VerifiedBoot* previous, const VerifiedBoot& now, const NodeEvidence& evidence) {
  if (previous == nullptr) return {};
  if (previous->key == now.key) return previous->log_change;
  if (previous->key.node != now.key.node || previous->key.image != now.key.image) return {};
  const auto& before = previous->verification.unverified_log;
  if (!before || !*before || evidence.event_log.empty()) return {};
  return attest::first_difference(before->value(), evidence.event_log).value_or(std::string());
}

}  // namespace

std::uint64_t image_key(std::string_view image) {
  return hash64(image);
}

bool is_settled(const VerifiedBoot& boot) {
  const auto& claims = boot.verification.claims;
  if (!claims || !claims->ak_resident()) return false;
  return claims->confidential() == nullptr ||
         (boot.challenged && claims->confidential()->paravisor_genuine());
}

std::shared_ptr<const VerifiedBoot> verify_evidence(const NodeEvidence& evidence, std::uint64_t image,
                                                    std::shared_ptr<const VerifiedBoot> cached,
                                                    GenerationView generations,
                                                    const TrustParameters& parameters, UnixTime now,
                                                    KnownParts* known) {
  const Sha256Digest content = content_of(evidence);
  const auto challenge = challenge_of(evidence, generations, parameters, now);
  const auto activation = activation_key_of(evidence, generations);
  if (cached && cached->content == content && cached->challenged == challenge.has_value() &&
      cached->answered == activation.has_value() && now - cached->verified_at <= kVerificationLifetime) {
    return cached;
  }
  auto out = std::make_shared<VerifiedBoot>();
  out->content = content;
  out->challenged = challenge.has_value();
  out->answered = activation.has_value();
  out->verified_at = now;
  out->verification =
      wire::verify_boot(evidence, {.anchors = parameters.anchors,
                                   .reference_values = parameters.reference_values,
                                   .now = now,
                                   .ak_certificate_grace = parameters.ak_certificate_grace,
                                   .report_challenge = challenge,
                                   .revocation_lists = parameters.revocation_lists,
                                   .known_endorsements = known != nullptr ? &known->endorsements : nullptr,
                                   .known_pcrs = known != nullptr ? &known->pcrs : nullptr,
                                   .trusted_launch_strict = parameters.trusted_launch_strict,
                                   .activation = activation});
  const auto& claims = out->verification.claims;
  if (claims && claims->residency() == attest::Residency::kActivation && evidence.activation)
    out->activation_kid = evidence.activation->kid;
  out->verification.condense();
  out->key = key_of(evidence, image);
  out->log_change = log_change(cached.get(), *out, evidence);
  return out;
}

}  // namespace nodeproof::webhook
