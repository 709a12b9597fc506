// The leader's part in freshness (DESIGN 3.1): keeps the Secret's key generations in step with time,
// and publishes (kid, n, nonce) of each epoch in the ConfigMap.
#pragma once

#include <atomic>

#include "webhook/cluster_api.hpp"
#include "webhook/epoch_keys.hpp"

namespace nodeproof::webhook {

// Keys from OpenSSL's generator. Throws std::runtime_error when it has no entropy.
KeySource random_keys();

// What to do about the published epoch. Pure.
enum class Publication {
  kCreate,   // there is none
  kRaise,    // ours of an earlier epoch, or of a key generation that counts no more
  kRewrite,  // not ours: whoever wrote it does not hold K
  kLeave,    // ours, and of this epoch or a later one: within a generation n only rises
};
// `published`: null when the ConfigMap does not exist.
Publication plan_publication(const Result<wire::PublishedEpoch>* published, GenerationView generations,
                             const attest::Epoch& wanted);

// For one thread, but for the two readings.
class EpochKeeper {
 public:
  // `api` must outlive it; `ns` is the release's namespace.
  EpochKeeper(ClusterApi& api, std::string ns, Seconds epoch_length, Seconds max_report_age, KeySource keys);

  // One step of the leader. Throws kube::ApiError, also when somebody else wrote meanwhile, and
  // std::runtime_error when the Secret cannot be read; the next step tries again.
  void step(UnixTime now);

  std::uint64_t foreign_values() const { return foreign_values_; }
  // End of the generation that counts now, Unix time; 0 before the first step.
  std::int64_t generation_end() const { return generation_end_; }

 private:
  // The ConfigMap as it stands.
  struct Standing {
    std::optional<Result<wire::PublishedEpoch>> published;  // nothing: there is none
    std::string version;
  };
  Standing read_published();
  Generations keep_generations(std::uint64_t epoch, const Standing& standing);
  void publish(const Generations& generations, const attest::Epoch& epoch, const Standing& standing);

  ClusterApi& api_;
  std::string ns_;
  Seconds epoch_length_;
  RotationTimes times_;
  KeySource keys_;
  std::atomic<std::uint64_t> foreign_values_{0};
  std::atomic<std::int64_t> generation_end_{0};
};

}  // namespace nodeproof::webhook
