// What the leader does when nodes lose their proof (loss.hpp), within what the brake lets it (brake.hpp):
// taints, the eviction API, and what tells of it. The brake's state stands in the ConfigMap nodeproof-brake,
// which is written before anything is done, so that a successor counts on from there.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "webhook/loss.hpp"
#include "webhook/pass_failures.hpp"
#include "webhook/pod_pages.hpp"
#include "wire/event.hpp"

namespace nodeproof::webhook {

// What was done, by action ("taint", "untaint", "evict", "delete") and result ("done", "dry-run", "blocked",
// "failed").
using LossCounts = std::map<std::pair<std::string, std::string>, std::uint64_t>;

struct LossReport {
  LossCounts actions;           // by this replica, every pair from the start
  std::optional<bool> engaged;  // the brake; nothing unless leading
};

// One thread calls pass and forget; report and sweep_after are thread-safe.
class LossKeeper {
 public:
  // `ns`: where nodeproof-brake stands. `api` is borrowed.
  LossKeeper(ClusterApi& api, std::string ns, const LossSettings& settings, const BrakeLimits& limits);

  // Does what is due. `leading` is asked before each node. `at_stake`: of the last sweep; empty before the
  // first, then nobody is evicted. One pod or node that fails is tried again, and logged when that is news;
  // an API server that does not answer, or another leader's write of the ledger, ends the pass: throws
  // kube::ApiError.
  void pass(const Snapshot& snapshot, const PoliciesAtStake& at_stake, UnixTime now,
            const std::function<bool()>& leading);
  // After leadership was lost: graces begin anew, the ledger stays.
  void forget();

  LossReport report() const;
  // What the next sweep must not have begun before: then the last one may not show whom a loss concerns.
  std::optional<UnixTime> sweep_after() const;

 private:
  struct TaintChange {
    std::string node;
    std::string node_uid;
    wire::Taint taint;
    bool wanted;
  };
  struct Pass {
    const Snapshot& snapshot;
    const LossPlan& plan;
    UnixTime now;
  };

  void answer(const Snapshot& snapshot, const PoliciesAtStake& at_stake, UnixTime now,
              const std::function<bool()>& leading);
  void drop_what_is_over(UnixTime now);
  std::optional<UnixTime> first_leader();
  BrakeState load(UnixTime now) const;
  void store(BrakeState& state, UnixTime now);
  void stop_all(BrakeState& state, const std::string& reason, UnixTime now);
  void tell_brake(const BrakeState& state, UnixTime now);
  void note_state(const LossPlan& plan, const BrakeState& state, UnixTime now);
  void react(const Reaction& due, const Pass& pass, BrakeState& state);
  NodeActions actions_now(Reaction due, const Pass& pass);
  void act(const Reaction& due, const NodeActions& actions, UnixTime now);
  void change_taint(const TaintChange& target, const std::string& why, UnixTime now);
  bool patch_taint(const TaintChange& target);
  void end_pod(const PodAction& pod, const Reaction& due, UnixTime now);
  void call(const PodAction& pod);
  void note_failure(const PodAction& pod, const std::string& what, const kube::ApiError& error, UnixTime now);
  void tell(const wire::InvolvedObject& about, const std::string& reason, const std::string& note,
            const std::string& occasion, UnixTime now);
  void count(const std::string& action, const std::string& result);

  ClusterApi& api_;
  const std::string ns_;
  const LossSettings settings_;
  const BrakeLimits limits_;
  PodPages pages_;

  Losses losses_;
  Attempts attempts_;
  std::set<std::pair<std::string, std::string>> told_taints_;  // in a dry run: UID of the Node, key
  PassFailures taint_failures_{"changing taints of nodes"};
  std::optional<UnixTime> began_;
  std::string told_brake_;  // the reason that was told last

  mutable std::mutex mutex_;  // of what follows
  LossReport report_;
  std::optional<UnixTime> sweep_after_;
};

}  // namespace nodeproof::webhook
