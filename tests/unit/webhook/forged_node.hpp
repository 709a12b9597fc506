// A forged confidential node as the webhook meets it: Node, NodeEvidence and NodeQuote of one boot,
// and the keys and parameters that judge them.
#pragma once

#include "tests/support/forge_node.hpp"
#include "webhook/node_trust.hpp"

namespace nodeproof::webhook::testing {

inline constexpr Seconds kEpochLength{30};
inline const UnixTime kNow = forge::kNow;
inline const std::uint64_t kEpoch = attest::epoch_at(kNow, kEpochLength);

using forge::kBootId;
using forge::kKid;
using forge::kNodeUid;
using forge::kOtherUuid;

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

inline wire::NodeEvidence make_evidence(forge::BootOptions options = {}, std::uint64_t epoch = kEpoch - 3,
                                        const forge::World& world = forge::shared_world()) {
  wire::NodeEvidence out = forge::make_node_evidence(std::move(options), world);
  out.collected.number = epoch;
  return out;
}

inline wire::NodeEvidence make_trusted_launch(const forge::TrustedLaunchOptions& options = {}) {
  wire::NodeEvidence out = forge::make_trusted_launch_node(options);
  out.collected.number = kEpoch - 3;
  return out;
}

struct QuoteChoice {
  std::uint64_t epoch = kEpoch;  // whose nonce it answers
  bool other_ak = false;
  forge::QuoteOptions options = {};
  std::optional<Bytes> qualifying_data = {};  // absent: the right one
};

inline wire::NodeQuote make_quote(const wire::NodeEvidence& evidence, const QuoteChoice& choice = {},
                                  const forge::World& world = forge::shared_world()) {
  return forge::make_node_quote(evidence,
                                {.epoch = {kKid, choice.epoch},
                                 .nonce = attest::epoch_nonce(generations().front().key, choice.epoch),
                                 .other_ak = choice.other_ak,
                                 .quote = choice.options,
                                 .qualifying_data = choice.qualifying_data},
                                world);
}

// Everything that one judgement needs, to be changed member by member.
struct Scene {
  attest::BootIdentity node = boot_identity();
  std::string system_uuid{forge::kVmId};
  std::optional<Result<wire::NodeEvidence>> evidence = Result<wire::NodeEvidence>(make_evidence());
  std::optional<Result<wire::NodeQuote>> quote = Result<wire::NodeQuote>(make_quote(**evidence));
  Generations keys = generations();
  std::optional<NodeTrust> previous = std::nullopt;
  UnixTime now = kNow;
  std::vector<attest::RevocationList> revocation_lists = {};
  bool strict = false;
  std::shared_ptr<const VerifiedBoot> last_boot = nullptr;
  std::optional<CounterMark> mark = std::nullopt;

  // The verification of `evidence`, after that of `last_boot`.
  std::shared_ptr<const VerifiedBoot> verified_boot() const {
    TrustParameters with = parameters();
    with.revocation_lists = revocation_lists;
    with.trusted_launch_strict = strict;
    return evidence && *evidence
               ? verify_evidence(**evidence, image_key("image-1"), last_boot, keys, with, now)
               : nullptr;
  }

  NodeTrust judge(decltype(webhook::judge)* how = webhook::judge) const {
    TrustParameters with = parameters();
    with.revocation_lists = revocation_lists;
    const std::shared_ptr<const VerifiedBoot> boot = verified_boot();
    NodeView view;
    view.node = node;
    view.system_uuid = system_uuid;
    std::optional<Result<wire::EvidenceSummary>> summary;
    if (evidence) {
      summary = *evidence ? Result<wire::EvidenceSummary>(wire::summary_of(**evidence))
                          : Result<wire::EvidenceSummary>(evidence->error());
    }
    view.evidence = summary ? &*summary : nullptr;
    view.quote = quote ? &*quote : nullptr;
    view.boot = boot.get();
    view.generations = keys;
    view.previous = previous ? &*previous : nullptr;
    view.mark = mark;
    return how(view, with, now);
  }
};

}  // namespace nodeproof::webhook::testing
