// A forged confidential node as the webhook meets it: Node, NodeEvidence and NodeQuote of one boot,
// and the keys and parameters that judge them.
#pragma once

#include "tests/support/forge.hpp"
#include "webhook/node_trust.hpp"

namespace nodeproof::webhook::testing {

inline constexpr Seconds kEpochLength{30};
inline const UnixTime kNow = forge::kNow;
inline const std::uint64_t kEpoch = attest::epoch_at(kNow, kEpochLength);

inline constexpr const char* kNodeUid = "11111111-2222-4333-8444-555555555555";
inline constexpr const char* kBootId = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
inline constexpr const char* kOtherUuid = "99999999-8888-4777-8666-555555555555";
inline constexpr const char* kKid = "0123456789abcdef";

inline Generations generations() {
  wire::EpochKeyGeneration generation;
  generation.kid = kKid;
  generation.key.fill(7);
  generation.first = kEpoch - 100;
  generation.last = kEpoch + 100;
  return {generation};
}

inline TrustParameters parameters() {
  const forge::World& world = forge::shared_world();
  TrustParameters out;
  out.anchors = forge::trust_anchors_of(world);
  out.reference_values = forge::reference_values_of(world);
  out.epoch_length = kEpochLength;
  return out;
}

inline attest::BootIdentity boot_identity() {
  return {kNodeUid, kBootId};
}

inline wire::NodeEvidence make_evidence(forge::BootOptions options = {}, std::uint64_t epoch = kEpoch - 3) {
  options.hcl_padding = 0;
  const attest::BootEvidence boot = forge::make_boot_evidence(forge::shared_world(), options);
  wire::NodeEvidence out;
  out.name = "cvm-1";
  out.boot = boot_identity();
  out.platform = wire::kPlatformSnp;
  out.collected = {kKid, epoch};
  out.hcl_report = boot.hcl_report;
  for (const attest::Certificate& certificate : boot.certificates)
    out.certificates.push_back(certificate.der());
  if (boot.ak_certificate) out.ak_certificate = boot.ak_certificate->der();
  return out;
}

struct QuoteChoice {
  std::uint64_t epoch = kEpoch;
  bool other_ak = false;
  std::string kid = kKid;
  forge::QuoteOptions options = {};
  std::optional<Bytes> qualifying_data = {};  // absent: the right one
};

inline wire::NodeQuote make_quote(const wire::NodeEvidence& evidence, const QuoteChoice& choice = {}) {
  const forge::World& world = forge::shared_world();
  wire::NodeQuote out;
  out.name = evidence.name;
  out.boot = evidence.boot;
  out.epoch = {choice.kid, choice.epoch};
  out.nonce = attest::epoch_nonce(generations().front().key, choice.epoch);
  out.evidence_digest = evidence.digest();
  forge::QuoteOptions options = choice.options;
  options.qualifying_data = choice.qualifying_data.value_or(
      to_bytes(attest::qualifying_data(choice.kid, out.nonce, out.boot, out.evidence_digest)));
  const attest::QuoteEvidence quote = forge::make_quote(choice.other_ak ? world.other_ak : world.ak, options);
  out.attest = quote.attest;
  out.signature = quote.signature;
  out.pcrs = quote.pcrs;
  return out;
}

// Everything that one judgement needs, to be changed member by member.
struct Scene {
  attest::BootIdentity node = boot_identity();
  std::optional<Result<wire::NodeEvidence>> evidence = Result<wire::NodeEvidence>(make_evidence());
  std::optional<Result<wire::NodeQuote>> quote = Result<wire::NodeQuote>(make_quote(**evidence));
  Generations keys = generations();
  std::optional<NodeTrust> previous = std::nullopt;
  UnixTime now = kNow;
  std::vector<attest::RevocationList> revocation_lists = {};

  NodeTrust judge() const {
    TrustParameters with = parameters();
    with.revocation_lists = revocation_lists;
    std::shared_ptr<const VerifiedBoot> boot;
    if (evidence && *evidence) boot = verify_evidence(**evidence, nullptr, keys, with, now);
    NodeView view;
    view.node = node;
    view.evidence = evidence ? &*evidence : nullptr;
    view.quote = quote ? &*quote : nullptr;
    view.boot = boot ? &boot->verification : nullptr;
    view.generations = keys;
    view.previous = previous ? &*previous : nullptr;
    return webhook::judge(view, with, now);
  }
};

}  // namespace nodeproof::webhook::testing
