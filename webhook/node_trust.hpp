// What a replica concludes about one node from the objects it has seen: phase, reason and, when an
// evidence and a quote over it verified together, the claims of that pair. Pure.
//
// The objects come over unordered watches, so nothing that ordering, key rotation or an outage can
// produce is held against a node: that is Pending. Failed needs a contradiction (DESIGN 3).
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "attest/appraise.hpp"
#include "base/shared_value.hpp"
#include "webhook/counters.hpp"
#include "webhook/epoch_keys.hpp"
#include "wire/node_attestation.hpp"
#include "wire/node_evidence.hpp"
#include "wire/node_quote.hpp"

namespace nodeproof::webhook {

// Codes of NodeTrust beside the names of checks and the codes of wire::CollectionState.
inline constexpr std::string_view kNoEvidence = "no-evidence";
inline constexpr std::string_view kNoQuote = "no-quote";

struct TrustParameters {
  attest::TrustAnchors anchors;
  attest::ReferenceValues reference_values;
  std::vector<attest::RevocationList> revocation_lists = {};
  Seconds epoch_length = attest::kDefaultEpochLength;
  Seconds max_report_age = std::chrono::hours(24);
  Seconds ak_certificate_grace = attest::kDefaultAkCertificateGrace;
  bool trusted_launch_strict = false;  // attest::VerifyParameters
};

struct NodeTrust {
  wire::Phase phase = wire::Phase::kPending;
  std::string code;  // empty when Verified
  std::string detail;
  std::string remedy;
  attest::Findings findings;  // those that did not pass
  // The last verified pair, shared by snapshots. Present when Verified, and when Pending for want of
  // a proof that the AK lives in the vTPM; then only a policy of nodeClass Any can be met.
  std::shared_ptr<const attest::NodeClaims> claims;
  Shared<attest::BootIdentity> boot;  // whose evidence the claims are of; empty without claims
  Sha256Digest evidence_digest{};     // likewise
  std::uint64_t epoch = 0;            // whose nonce the quote answers; likewise
  std::string kid;                    // the key generation of that nonce; likewise
  std::string log_change;             // VerifiedBoot's, once the quote proves the log
  // Whom the leader may offer a credential for residency; null: nobody.
  std::shared_ptr<const attest::ActivationTarget> activation = {};
  // What is to be held against the node's next quote, whatever became of this one; null: nothing.
  std::shared_ptr<const CounterMark> mark = {};
};

// Whose boot it is, in eight bytes each of a hash: thousands are kept.
struct BootKey {
  std::uint64_t node = 0;
  std::uint64_t boot = 0;
  std::uint64_t image = 0;
  bool operator==(const BootKey&) const = default;
};

// The verification of one NodeEvidence, kept so that a new quote costs one RSA check.
struct VerifiedBoot {
  Sha256Digest content{};  // of everything that was verified
  BootKey key;
  // The first measurement in which the event log differs from that of the node's previous boot of the same
  // image; empty when it does not, or when there is nothing to compare with.
  std::string log_change;
  bool challenged = false;     // whether the report challenge could be recomputed
  bool answered = false;       // whether the answer to the credential for the AK could be
  std::string activation_kid;  // whose key shows residency; empty: a certificate does, or nothing
  UnixTime verified_at;
  attest::BootVerification verification;  // condensed
};

// What the evidence of many nodes has in common, lent to one verification at a time.
struct KnownParts {
  KnownParts(std::size_t certificates, std::size_t logged_pcrs)
      : endorsements(certificates), pcrs(logged_pcrs) {}
  attest::EndorsementCache endorsements;
  attest::LoggedPcrs pcrs;
};

// One that is not settled is made anew at the next occasion after this: dates begin and lists are renewed.
inline constexpr Seconds kVerificationLifetime = std::chrono::hours(1);

// Nothing can become known later that would let the verification of the same evidence say more: the
// evidence itself need not be kept. Dates and the age of the report are judged from what is left.
bool is_settled(const VerifiedBoot& boot);

std::uint64_t image_key(std::string_view image);

// Gives `cached`, the last one of the node, back while it still speaks for `evidence`, otherwise verifies.
// `image`: image_key of wire::Node::image. `known` may be null.
std::shared_ptr<const VerifiedBoot> verify_evidence(const wire::NodeEvidence& evidence, std::uint64_t image,
                                                    std::shared_ptr<const VerifiedBoot> cached,
                                                    GenerationView generations,
                                                    const TrustParameters& parameters, UnixTime now,
                                                    KnownParts* known = nullptr);

// An API object as received: null when there is none, an Error when it could not be read.
template <typename T>
using Received = std::shared_ptr<const Result<T>>;

// What is known of one node at one moment. Borrows.
struct NodeView {
  Shared<attest::BootIdentity> node;  // metadata.uid and status.nodeInfo.bootID of the Node
  std::string system_uuid;            // status.nodeInfo.systemUUID; empty when it reports none
  const Result<wire::EvidenceSummary>* evidence = nullptr;
  const Result<wire::NodeQuote>* quote = nullptr;
  const VerifiedBoot* boot = nullptr;  // of `evidence`; needed when that was read
  GenerationView generations;
  const NodeTrust* previous = nullptr;   // the last conclusion about this node
  std::optional<CounterMark> mark = {};  // of the quotes seen so far
};

NodeTrust judge(const NodeView& view, const TrustParameters& parameters, UnixTime now);

// For who holds no epoch key and admits nothing by it: takes the nonce, and so the age, that the quote
// carries at its word. All else is as in `judge`; `generations`, `previous` and `mark` are not read.
NodeTrust judge_without_key(const NodeView& view, const TrustParameters& parameters, UnixTime now);

// What is left of `trust` when the key generation that its quote answers was revoked: Stale, and no claims;
// nothing while it counts.
std::optional<NodeTrust> ended_by_revocation(const NodeTrust& trust, GenerationView generations);

// A Verified node whose proof is older than `max_age` is Stale; anything else is what it is.
wire::Phase phase_at(const NodeTrust& trust, Seconds max_age, UnixTime now);

}  // namespace nodeproof::webhook
