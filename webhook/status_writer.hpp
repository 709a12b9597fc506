// The leader's reports: NodeAttestation objects, Node labels and Events on Nodes, written only when something
// that a reader would act on has changed, or as a sign of life every half of the shortest maxEvidenceAge.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "kube/list_watch.hpp"
#include "webhook/cluster_api.hpp"
#include "webhook/node_status.hpp"
#include "webhook/sweep.hpp"

namespace nodeproof::webhook {

// One thread calls pass and forget; the watch's thread feeds the handler.
class StatusWriter {
 public:
  static constexpr const char* kPath = "/apis/nodeproof.dev/v1alpha1/nodeattestations";

  explicit StatusWriter(ClusterApi& api) : api_(api) {}  // borrowed

  // What the watch of NodeAttestations feeds. Borrows this.
  kube::WatchHandler handler();

  // Writes what differs, node by node, while `leading` says so. A node whose write fails is logged and
  // tried again at the next pass; when the API server does not answer, the pass ends.
  // `unproven`: of the last sweep; null before the first.
  void pass(const Snapshot& snapshot, UnixTime now, const std::function<bool()>& leading,
            const UnprovenCounts* unproven = nullptr);

  // After leadership was lost: somebody else may have written since.
  void forget();

 private:
  struct Written {
    std::string uid;  // of the Node
    wire::NodeAttestationStatus status;
    UnixTime at;
  };

  void write_status(const std::string& name, const NodeEntry& node, const wire::NodeAttestationStatus& status,
                    Seconds heartbeat, UnixTime now);
  void report_log_change(const std::string& name, const NodeEntry& node, UnixTime now);
  void write_labels(const std::string& name, const NodeEntry& node,
                    const wire::NodeAttestationStatus& status);
  // nodeUID of the NodeAttestation with this name; nothing when there is none.
  std::optional<std::string> existing(const std::string& name) const;
  void note(const attest::JsonValue& object);

  ClusterApi& api_;
  std::map<std::string, Written> written_;         // by name of the Node
  std::map<std::string, std::string> told_boots_;  // likewise: boot ID of the last change of log told
  mutable std::mutex mutex_;
  using Existing = std::map<std::string, std::string>;  // name -> spec.nodeUID
  Existing existing_;                                   // as the watch tells
  std::optional<Existing> listing_;                     // while a list is under way: what it has brought
};

}  // namespace nodeproof::webhook
