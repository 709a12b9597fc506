// A LIST of pods, page by page, so that it costs the memory of one page whatever its length.
#pragma once

#include "attest/strict_json_fwd.hpp"
#include "webhook/cluster_api.hpp"
#include "webhook/sweep.hpp"

namespace nodeproof::webhook {

// Remembers how many pods made a page that was not too long. For one thread.
class PodPages {
 public:
  explicit PodPages(ClusterApi& api);  // borrowed

  // The page after the one that gave `token`; the first for an empty one. `path` has a query. Throws
  // kube::ApiError, and std::runtime_error when the answer is no list.
  PodPage read(const std::string& path, const std::string& token, attest::JsonParser& parser);
  // All that runs on a node, read in one go.
  std::vector<RunningPod> on_node(const std::string& node);

 private:
  ClusterApi& api_;
  std::size_t limit_;  // pods a page
};

}  // namespace nodeproof::webhook
