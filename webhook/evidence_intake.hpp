// From watch events to the snapshot: keeps what the watches tell, judges nodes whose objects have
// changed on one thread of its own, and publishes the outcome.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/clock.hpp"
#include "kube/list_watch.hpp"
#include "webhook/snapshot.hpp"
#include "webhook/verification_queue.hpp"

namespace nodeproof::webhook {

// All public members are thread-safe but start and stop, which are for one thread.
class EvidenceIntake {
 public:
  // Told after each judgement, on the intake's thread.
  using Observer = std::function<void(const NodeTrust&, std::chrono::steady_clock::duration)>;

  // `clock` must outlive it.
  EvidenceIntake(TrustParameters parameters, const Clock& clock, Observer observer);
  ~EvidenceIntake();
  EvidenceIntake(const EvidenceIntake&) = delete;
  EvidenceIntake& operator=(const EvidenceIntake&) = delete;

  void start();
  void stop();  // the watches must have been stopped before

  // What the watches of the six collections feed. Each borrows this.
  kube::WatchHandler nodes();
  kube::WatchHandler evidences();
  kube::WatchHandler quotes();
  kube::WatchHandler policies();
  kube::WatchHandler namespaces();
  kube::WatchHandler epoch_secret();

  std::shared_ptr<const Snapshot> snapshot() const;

 private:
  enum Collection : std::size_t {
    kNodes,
    kEvidences,
    kQuotes,
    kPolicies,
    kNamespaces,
    kSecret,
    kCollections
  };

  // What is known of one node's name; the Node itself may be missing.
  struct Record {
    std::optional<attest::BootIdentity> node;
    std::map<std::string, std::string> labels;  // ours
    Received<wire::NodeEvidence> evidence;
    Received<wire::NodeQuote> quote;
    std::shared_ptr<const VerifiedBoot> boot;
    std::shared_ptr<const NodeTrust> trust;
  };

  template <typename T, typename Parse>
  kube::WatchHandler received(Collection collection, Received<T> Record::*member, Parse parse);
  void listed(Collection collection);
  void put_node(const attest::JsonValue& object);
  void remove_node(const std::string& name);
  void touch(const std::string& name);
  void put_keys(const attest::JsonValue& secret);

  void run(const std::stop_token& stop);
  void judge_next(const std::string& name, std::unique_lock<std::mutex>& lock);
  void publish_nodes();
  template <typename Map>
  void publish(std::shared_ptr<const Map> Snapshot::*part, Map map);

  const TrustParameters parameters_;
  const Clock& clock_;
  const Observer observer_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, Record> records_;  // by name of the Node
  std::shared_ptr<const Generations> keys_ = std::make_shared<const Generations>();
  VerificationQueue queue_;
  bool nodes_dirty_ = false;
  bool listed_[kCollections] = {};
  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<const Snapshot>();
  attest::EndorsementCache endorsements_;  // the worker's own
  std::jthread worker_;
};

}  // namespace nodeproof::webhook
