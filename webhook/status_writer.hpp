// The leader's reports: NodeAttestation objects, Node labels and Events on Nodes, written only when something
// that a reader would act on has changed, or as a sign of life every half of the shortest maxEvidenceAge.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_map>

#include "webhook/cluster_api.hpp"
#include "webhook/label_keeper.hpp"
#include "webhook/node_attestations.hpp"
#include "webhook/node_status.hpp"
#include "webhook/pass_failures.hpp"
#include "webhook/sweep.hpp"

namespace nodeproof::webhook {

// One thread calls pass and forget.
class StatusWriter {
 public:
  // All are borrowed. `events`: about Nodes.
  StatusWriter(ClusterApi& api, EventWriter& events, NodeAttestations& objects)
      : api_(api), events_(events), objects_(objects) {}

  // Writes what differs, node by node, while `leading` says so. A node whose write fails is tried again at
  // the next pass, and logged when that is news; when the API server does not answer, the pass ends.
  // `unproven`: of the last sweep; null before the first.
  void pass(const Snapshot& snapshot, UnixTime now, const std::function<bool()>& leading,
            const UnprovenCounts* unproven = nullptr);

  // After leadership was lost: somebody else may have written since.
  void forget();

  // See LabelKeeper; any thread.
  std::uint64_t label_repairs() const { return labels_.repairs(); }

 private:
  // Small, for thousands are kept.
  struct Written {
    std::size_t gist = 0;  // gist_of the status
    KeptStatus status;
    UnixTime at;
  };
  bool report(const NodeEntry& node, const Snapshot& snapshot, UnixTime now, const UnprovenCounts* unproven);
  void write_status(const NodeEntry& node, const wire::NodeAttestationStatus& status, Seconds heartbeat,
                    UnixTime now);
  void forget_gone(const NodeMap& nodes);
  const Written* written(const NodeEntry& node) const;  // null: nothing of this Node
  bool create(const NodeEntry& node);
  void tell_change(const NodeEntry& node, const KeptStatus& before, const wire::NodeAttestationStatus& status,
                   UnixTime now);
  void report_log_change(const std::string& name, const NodeEntry& node, UnixTime now);

  ClusterApi& api_;
  EventWriter& events_;
  NodeAttestations& objects_;
  LabelKeeper labels_{api_, events_};
  PassFailures failures_{"writing the status of nodes"};
  std::unordered_map<std::size_t, Written> written_;  // by hash_of_uid of the Node
  std::map<std::string, std::string> told_boots_;     // by name: boot ID of the last change of log told
  KeptStatus::Pool words_;
};

}  // namespace nodeproof::webhook
