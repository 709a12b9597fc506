// The leader's sweep over all running pods (sweep.hpp), page by page: counts are kept, pods are not, so that
// 150,000 of them cost one page of memory.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "base/clock.hpp"
#include "webhook/pod_pages.hpp"
#include "webhook/unproven_events.hpp"

namespace nodeproof::webhook {

struct SweepOutcome {
  UnprovenCounts counts;
  PoliciesAtStake at_stake = {};
  UnixTime at;  // when it began
};

// One thread calls step; `last` is thread-safe.
class PodSweeper {
 public:
  using SnapshotSource = std::function<std::shared_ptr<const Snapshot>()>;

  // A sweep is due `interval` after the last one that came to its end. `api` and `clock` are borrowed, and
  // so is `events`, which is told on each pod that is found.
  PodSweeper(ClusterApi& api, const Clock& clock, Seconds interval, EventWriter& events);

  // Sweeps when it is due, each page judged by the snapshot of its moment. One that does not come to its end,
  // because `may_go_on` says no or the API server fails, changes nothing; the latter throws. Earlier than
  // that when the last one began before `after`, but a tenth of the interval apart.
  void step(const SnapshotSource& snapshot, const std::function<bool()>& may_go_on,
            std::optional<UnixTime> after = std::nullopt);
  // After leadership was lost: what is known here is not kept up any more.
  void forget();

  // Null until one has come to its end.
  std::shared_ptr<const SweepOutcome> last() const;

 private:
  bool is_due(UnixTime now, std::optional<UnixTime> after) const;
  void finish(SweepOutcome outcome, const std::optional<UnprovenPod>& first);

  PodPages pages_;
  UnprovenEvents events_;
  const Clock& clock_;
  const Seconds interval_;
  mutable std::mutex mutex_;
  std::shared_ptr<const SweepOutcome> last_;
};

}  // namespace nodeproof::webhook
