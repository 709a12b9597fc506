// An API server of a large cluster, in a process of its own, so that what it costs counts as nobody's:
// forged confidential nodes with their evidence and quotes, and waiting pods of a usual size.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "tests/support/forge_node.hpp"
#include "webhook/node_trust.hpp"

namespace nodeproof::bench {

struct ClusterSize {
  std::size_t nodes = 0;
  std::size_t pods = 0;    // without a node
  std::size_t events = 0;  // MODIFIED events of some 4 kB on a watch of kEventsPath, as fast as they are read
};

inline constexpr const char* kEventsPath = "/api/v1/events";
inline constexpr std::size_t kPageSize = 500;

// Authorities with keys of AMD's sizes. Every node gets an AK of its own.
forge::World make_cluster_world();
// Judge at forge::kNow with what verifies the evidence of such a cluster.
webhook::TrustParameters trust_parameters(const forge::World& world);
std::string node_name(std::size_t index);
std::string pod_uid(std::size_t index);
// The pages of a PodList, kPageSize on each.
std::vector<std::string> pod_pages(std::size_t pods);

class Cluster {
 public:
  // Forks, so no thread may run yet. Returns when the server listens; forging 5,000 nodes takes a
  // minute, with progress on stderr. Throws std::runtime_error.
  Cluster(const ClusterSize& size, const forge::World& world);
  ~Cluster();  // ends the process
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  const std::string& url() const { return url_; }  // plain HTTP on loopback

 private:
  pid_t child_ = 0;
  std::string url_;
};

}  // namespace nodeproof::bench
