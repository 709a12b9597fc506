// From watch events to the snapshot: keeps what the watches tell, judges nodes whose objects have
// changed on threads of its own, and publishes the outcome.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <thread>

#include "base/clock.hpp"
#include "kube/list_watch.hpp"
#include "webhook/ak_holders.hpp"
#include "webhook/node_attestations.hpp"
#include "webhook/snapshot.hpp"
#include "webhook/verification_queue.hpp"

namespace nodeproof::webhook {

// All public members are thread-safe but start and stop, which are for one thread.
class EvidenceIntake {
 public:
  // Told after each judgement, on several threads at a time.
  using Observer = std::function<void(const NodeTrust&, std::chrono::steady_clock::duration)>;

  // A thread a core, so that a restart in a large cluster is short; not more, for the API servers wait
  // for answers from the same cores.
  static std::size_t default_verifiers();

  // `clock` and `remembered` must outlive it. `remembered`: what the leader remembers of nodes, marks that
  // refuse and never admit, so nothing waits for them. `verifiers`: threads that verify.
  EvidenceIntake(TrustParameters parameters, const Clock& clock, const NodeAttestations& remembered,
                 Observer observer, std::size_t verifiers = default_verifiers());
  ~EvidenceIntake();
  EvidenceIntake(const EvidenceIntake&) = delete;
  EvidenceIntake& operator=(const EvidenceIntake&) = delete;

  void start();
  void stop();  // the watches must have been stopped before

  // What the watches of the seven collections feed. Each borrows this.
  kube::WatchHandler nodes();
  kube::WatchHandler evidences();
  kube::WatchHandler quotes();
  kube::WatchHandler policies();
  kube::WatchHandler namespaces();
  kube::WatchHandler inventories();
  kube::WatchHandler epoch_secret();

  std::shared_ptr<const Snapshot> snapshot() const;
  // Names of nodes of which anything is kept: those of live Nodes, and of objects that outlive theirs.
  std::size_t remembered() const;
  std::shared_ptr<const Generations> keys() const;  // as last read; never null

 private:
  enum Collection : std::size_t {
    kNodes,
    kEvidences,
    kQuotes,
    kPolicies,
    kNamespaces,
    kInventories,
    kSecret,
    kCollections
  };

  // What is known of one node's name; the Node itself may be missing.
  struct Record {
    std::optional<Shared<attest::BootIdentity>> node;
    std::string system_uuid;                            // of the Node; empty when it reports none
    std::uint64_t image = 0;                            // image_key, as of the boot
    Shared<std::map<std::string, std::string>> labels;  // ours
    Shared<std::vector<wire::Taint>> taints;            // likewise
    Received<wire::EvidenceSummary> summary;            // of the evidence as received
    Received<wire::NodeEvidence> evidence;              // the whole of it, until `boot` is settled
    Received<wire::NodeQuote> quote;
    bool quote_spent = false;  // `trust` was made from it, so it was dropped
    std::shared_ptr<const VerifiedBoot> boot;
    std::shared_ptr<const NodeTrust> trust;
    std::shared_ptr<const CounterMark> mark;     // of this Node's quotes
    std::shared_ptr<const NodeEntry> published;  // null: to be made anew from the above
    bool disputed = false;                       // `published` says so instead of `trust`
    bool judging = false;                        // one verifier is at it, with the lock released
    bool changed = false;                        // meanwhile
  };
  using Records = std::map<std::string, Record>;  // by name of the Node

  // Feeds (evidence_feeds.cpp). Those that end in `_locked` are called with the lock held.
  // `keep(Record&, Received<T>)` files an object, or its absence when null; `has(Record)` says whether one is
  // there. `held`: where it is kept while it is read.
  template <typename T, typename Parse, typename Keep, typename Has>
  kube::WatchHandler received(Collection collection, Received<T> Record::*held, Parse parse, Keep keep,
                              Has has);
  template <typename Map, typename Put>
  kube::WatchHandler published(Collection collection, std::shared_ptr<const Map> Snapshot::*part, Put put);
  void put_node_locked(const attest::JsonValue& object);
  void note_unreadable_locked(const std::string& name, const Error& why);
  void end_node_locked(const std::string& name);
  void forget_node_locked(const std::string& name);
  void put_keys(const attest::JsonValue& secret);
  void listed_locked(Collection collection);
  void await_nodes_locked();
  void wait_for_nodes();
  void wait_for_room(std::unique_lock<std::mutex>& lock);
  void touch_locked(const std::string& name);
  void node_changed_locked(const std::string& name, Record& record);
  void erase_if_empty_locked(Records::iterator record);
  template <typename Map>
  void publish_locked(std::shared_ptr<const Map> Snapshot::*part, Map map);

  // On the verifiers' threads.
  void run(const std::stop_token& stop);
  void judge_next(const std::string& name, KnownParts& known, std::unique_lock<std::mutex>& lock);
  struct Judgement {
    std::shared_ptr<const VerifiedBoot> boot;
    std::shared_ptr<const NodeTrust> trust;
  };
  Judgement judged(const std::string& name, const Record& record, const Generations& keys,
                   KnownParts& known) const;
  void keep_locked(const std::string& name, Record& record, const Record& judged, Judgement judgement);
  std::map<std::string, NodeTrust> disputed_locked() const;
  void publish_nodes_locked();
  void set_snapshot(std::shared_ptr<const Snapshot> next);

  const TrustParameters parameters_;
  const Clock& clock_;
  const NodeAttestations& remembered_;
  const Observer observer_;
  const std::size_t verifiers_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::condition_variable room_;  // a verifier has finished, or the nodes were listed
  Records records_;
  std::shared_ptr<const Generations> keys_ = std::make_shared<const Generations>();
  AkHolders holders_;
  SharedValues<std::map<std::string, std::string>> labels_;
  SharedValues<std::vector<wire::Taint>> taints_;
  VerificationQueue queue_;
  bool nodes_dirty_ = false;
  std::chrono::steady_clock::time_point nodes_published_{};
  bool listed_[kCollections] = {};
  bool all_listed_ = false;
  // Until `complete`, once all is listed: the nodes that have not been judged from the whole of it.
  std::set<std::string> awaited_;
  std::set<std::string> unreadable_nodes_;  // names of Nodes that were told of as such

  // Written with both locks held, so that admission waits for a pointer to be copied and nothing else.
  mutable std::mutex snapshot_mutex_;
  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<const Snapshot>();
  std::vector<std::jthread> threads_;
};

}  // namespace nodeproof::webhook
