// The pods that wait for a node, by UID: those that a Binding may be about. Bound pods are not kept,
// so that the size follows the scheduler's queue and not the cluster.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "kube/list_watch.hpp"
#include "webhook/decide.hpp"

namespace nodeproof::webhook {

// Thread-safe. A pod costs some 110 bytes beside its markers, so that a scheduler which stands still in
// the largest cluster (150,000 pods) does not cost us our memory limit.
class PodDirectory {
 public:
  // Only pods without a node; one that gets bound leaves the collection.
  static constexpr const char* kPath = "/api/v1/pods?fieldSelector=spec.nodeName%3D";

  kube::WatchHandler handler();  // borrows this
  std::optional<PodEntry> find(const std::string& uid) const;
  std::size_t size() const;

 private:
  using Uid = std::array<std::uint8_t, 16>;
  struct UidHash {
    std::size_t operator()(const Uid& uid) const noexcept;
  };
  // Names of namespaces, each once, and how many pods are in it.
  using Namespaces = std::map<std::string, std::size_t, std::less<>>;
  struct Kept {
    Namespaces::iterator ns;
    // kListed or kUnlisted, then strings that end in NUL: the name, and a key and a value for each marker;
    // an empty key ends them.
    std::unique_ptr<char[]> text;
  };
  using Pods = std::unordered_map<Uid, Kept, UidHash>;

  void put(const attest::JsonValue& object);
  void keep_locked(const Uid& uid, const wire::PodSummary& pod);
  void drop_locked(Pods::iterator pod);
  void mark_unlisted();
  void drop_unlisted();

  mutable std::mutex mutex_;
  Namespaces namespaces_;
  Pods pods_;
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
