// The leader's part in residency without a certificate (DESIGN 3.3): offers a credential for its AK to each
// node whose paravisor names an EK, in NodeAttestation.status.activation.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "webhook/cluster_api.hpp"
#include "webhook/node_attestations.hpp"
#include "webhook/pass_failures.hpp"
#include "webhook/snapshot.hpp"

namespace nodeproof::webhook {

// Seeds that nobody can foretell. Throws std::runtime_error when there is no entropy.
using SeedSource = std::function<ByteArray<32>()>;
SeedSource random_seeds();

// The offer to a Node: of the newest key generation whose window holds `now`, so that an answer can be
// checked for as long as any evidence. Nothing while no generation does. Pure but for the randomness in a
// credential.
std::optional<wire::ActivationOffer> make_offer(const attest::ActivationTarget& target,
                                                std::string_view node_uid, GenerationView generations,
                                                std::uint64_t now, const SeedSource& seeds);

// One thread calls pass; the watch's thread feeds the handler.
class ActivationKeeper {
 public:
  // `api` must outlive it.
  ActivationKeeper(ClusterApi& api, NodeAttestations& objects, Seconds epoch_length, SeedSource seeds)
      : api_(api), objects_(objects), epoch_length_(epoch_length), seeds_(std::move(seeds)) {}

  // Writes an offer where there is none for the node's keys and the generation of the moment, while `leading`
  // says so. A write that fails is tried again at the next pass, and logged when that is news; when the API
  // server does not answer, the pass ends.
  void pass(const Snapshot& snapshot, GenerationView generations, UnixTime now,
            const std::function<bool()>& leading);

 private:
  void offer(const NodeEntry& node, const wire::EpochKeyGeneration& generation, std::uint64_t epoch,
             GenerationView generations);

  ClusterApi& api_;
  NodeAttestations& objects_;
  Seconds epoch_length_;
  SeedSource seeds_;
  PassFailures failures_{"offering credentials to nodes"};
};

}  // namespace nodeproof::webhook
