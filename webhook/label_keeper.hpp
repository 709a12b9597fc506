// The leader's hand on the labels of Nodes under our prefixes: what stands there is what the evidence says,
// and who wrote something else is told of.
#pragma once

#include <atomic>
#include <span>
#include <unordered_map>

#include "webhook/cluster_api.hpp"
#include "webhook/event_writer.hpp"
#include "webhook/node_attestations.hpp"
#include "webhook/snapshot.hpp"

namespace nodeproof::webhook {

// For one thread, but for repairs().
class LabelKeeper {
 public:
  using Labels = std::map<std::string, std::string>;

  // All is borrowed. `events`: about Nodes.
  LabelKeeper(ClusterApi& api, EventWriter& events) : api_(api), events_(events) {}

  // Patches the Node when its labels, as watched, are not `want`. Throws kube::ApiError; a conflict is tried
  // again once.
  void keep(const NodeEntry& node, const Labels& want, UnixTime now);

  // Nodes that are gone. `uids`: hash_of_uid of those that are there, ascending.
  void keep_only(std::span<const std::size_t> uids);
  // After leadership was lost: somebody else may have written since.
  void forget() { written_.clear(); }

  // How often labels that somebody else had written or removed were put right.
  std::uint64_t repairs() const { return repairs_; }

 private:
  struct Written {
    std::size_t labels = 0;  // a hash of what we wrote last: thousands are kept
    UnixTime at;
    bool seen = false;  // the watch has shown it since
  };
  bool stood(const NodeEntry& node, std::size_t labels, UnixTime now) const;
  void patch(const std::string& name, const std::string& json);
  void report(const NodeEntry& node, const std::string& what, UnixTime now);

  ClusterApi& api_;
  EventWriter& events_;
  std::unordered_map<std::size_t, Written> written_;  // by hash_of_uid of the Node
  std::atomic<std::uint64_t> repairs_{0};
};

}  // namespace nodeproof::webhook
