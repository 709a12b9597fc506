// Leadership among the replicas, and what the leader alone does in step with time: the epochs.
#pragma once

#include <atomic>

#include "base/clock.hpp"
#include "kube/leader_lease.hpp"
#include "webhook/epoch_keeper.hpp"
#include "webhook/readiness.hpp"

namespace nodeproof::webhook {

struct LeaderOptions {
  std::string ns;
  std::string identity;  // unique among the replicas
  Seconds epoch_length;
  Seconds max_report_age;
};

// One thread calls step and resign; the rest is thread-safe.
class Leader {
 public:
  // How often step is to be called: often enough for the shortest epochs.
  static constexpr std::chrono::milliseconds kInterval{500};

  // All that is referred to must outlive it. `client` also tells how far this clock is off: while it is
  // wrong the lease is given up.
  Leader(kube::ApiClient& client, ClusterApi& api, const Clock& clock, const LeaderOptions& options);

  // Acquires or renews the lease; as the leader, publishes the epoch when a new one has begun. Throws
  // what EpochKeeper::step throws.
  void step();
  // After all guarded work has stopped: a successor takes over at once.
  void resign();

  // The epoch key was changed by somebody: the next step looks at it, whatever the epoch. Any thread.
  void note_keys_changed() { keys_changed_ = true; }

  // Also false once the lease has not been renewed in time, should step be late in noticing: a process that
  // was stopped for a while must not go on where it was.
  bool leading() const { return leading_at(std::chrono::steady_clock::now()); }
  bool leading_at(std::chrono::steady_clock::time_point now) const {
    return leading_ && now <= leads_until_.load();
  }
  const EpochKeeper& epochs() const { return epochs_; }

 private:
  bool may_lead() const { return clock_allows_lead(client_.clock_offset()); }

  const kube::ApiClient& client_;
  kube::LeaderLease lease_;
  EpochKeeper epochs_;
  const Clock& clock_;
  Seconds epoch_length_;
  std::optional<std::uint64_t> published_;  // the epoch of the last step that succeeded
  std::atomic<bool> keys_changed_{false};
  std::atomic<bool> leading_{false};
  std::atomic<std::chrono::steady_clock::time_point> leads_until_{};
};

}  // namespace nodeproof::webhook
