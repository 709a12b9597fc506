#include "webhook/activation_keeper.hpp"
#include "wire/own_api.hpp"

#include <openssl/rand.h>
#include <spdlog/spdlog.h>

namespace nodeproof::webhook {

SeedSource random_seeds() {
  return [] {
    ByteArray<32> out{};
    if (RAND_priv_bytes(out.data(), static_cast<int>(out.size())) != 1)
      throw std::runtime_error("no random numbers for a credential");
    return out;
  };
}

std::optional<wire::ActivationOffer> make_offer(const attest::ActivationTarget& target,
                                                std::string_view node_uid, GenerationView generations,
                                                std::uint64_t now, const SeedSource& seeds) {
  const wire::EpochKeyGeneration* generation = generation_for(generations, now);
  if (generation == nullptr) return std::nullopt;
  const Bytes name = attest::with_name_alg(target.ak);
  const Sha256Digest ek = target.ek_digest();
  const ByteArray<32> secret = attest::activation_secret(generation->key, name, ek, node_uid);
  auto credential = attest::make_credential(target.ek_modulus, name, secret, seeds());
  if (!credential) return std::nullopt;  // no RSA-2048 key: verification would not have taken it
  return wire::ActivationOffer{generation->kid, target.ak, ek, *std::move(credential)};
}

void ActivationKeeper::pass(const Snapshot& snapshot, GenerationView generations, UnixTime now,
                            const std::function<bool()>& leading) {
  const std::uint64_t epoch = attest::epoch_at(now, epoch_length_);
  const wire::EpochKeyGeneration* generation = generation_for(generations, epoch);
  if (generation == nullptr) return;
  failures_.begin();
  for (const NodeMap::Entry& node : *snapshot.nodes) {
    if (!node->trust || !node->trust->activation) continue;
    if (!leading()) return;
    try {
      offer(*node, *generation, epoch, generations);
    } catch (const kube::ApiError& e) {
      failures_.add("node " + node->name, e.what());
      if (e.status() == 0 || e.status() == 429) break;
    }
  }
  failures_.end();
}

// Into an object that is there and this Node's: the status writer makes it, and garbage collection takes that
// of an earlier Node away.
void ActivationKeeper::offer(const NodeEntry& node, const wire::EpochKeyGeneration& generation,
                             std::uint64_t epoch, GenerationView generations) {
  const attest::ActivationTarget& target = *node.trust->activation;
  OfferedTo wanted{generation.kid, target.ak, target.ek_digest()};
  const auto there = objects_.find(node.name);
  if (!there || there->node != hash_of_uid(node.uid()) || (there->offer && *there->offer == wanted)) return;
  const auto made = make_offer(target, node.uid(), generations, epoch, seeds_);
  if (!made) return;
  api_.merge_patch(wire::object_path(wire::kNodeAttestationsPath, node.name) + "/status",
                   wire::activation_patch(*made));
  spdlog::info("node {}: offered a credential for its attestation key", node.name);
  objects_.note_offer_written(node.name, std::move(wanted));
}

}  // namespace nodeproof::webhook
