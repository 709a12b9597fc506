// The pods that wait for a node, by UID: those that a Binding may be about. Bound pods are not kept,
// so that the size follows the scheduler's queue and not the cluster.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "kube/list_watch.hpp"
#include "webhook/decide.hpp"

namespace nodeproof::webhook {

// Thread-safe.
class PodDirectory {
 public:
  // Only pods without a node; one that gets bound leaves the collection.
  static constexpr const char* kPath = "/api/v1/pods?fieldSelector=spec.nodeName%3D";

  kube::WatchHandler handler();  // borrows this
  std::optional<PodEntry> find(const std::string& uid) const;

 private:
  void put(const attest::JsonValue& object);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, PodEntry> pods_;
};

// Asks the API server for one pod. Blocks until `deadline` at most; failures are PodUnavailable.
class PodReader {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  virtual ~PodReader() = default;
  virtual PodLookup read(const std::string& ns, const std::string& name, Deadline deadline) = 0;
};

class ApiPodReader final : public PodReader {
 public:
  // `client` must outlive it. `timeout`: what one call of `client` may take.
  ApiPodReader(kube::ApiClient& client, Seconds timeout) : client_(client), timeout_(timeout) {}
  PodLookup read(const std::string& ns, const std::string& name, Deadline deadline) override;

 private:
  kube::ApiClient& client_;
  Seconds timeout_;
};

// A pod object as the API server writes it.
Result<PodEntry> parse_pod_entry(const std::string& json);

}  // namespace nodeproof::webhook
