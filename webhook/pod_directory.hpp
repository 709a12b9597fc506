// The pods that wait for a node, by UID: those that a Binding may be about. Bound pods are not kept,
// so that the size follows the scheduler's queue and not the cluster.
#pragma once

#include <array>
#include <boost/intrusive/unordered_set.hpp>
#include <chrono>
#include <map>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <vector>

#include "kube/list_watch.hpp"
#include "webhook/decide.hpp"

namespace nodeproof::webhook {

// Thread-safe. A pod costs some 70 bytes beside its markers, so that a scheduler which stands still in
// the largest cluster (150,000 pods) does not cost us our memory limit. What was needed once is given back
// when no pod waits any more.
class PodDirectory {
 public:
  PodDirectory() = default;
  PodDirectory(const PodDirectory&) = delete;
  PodDirectory& operator=(const PodDirectory&) = delete;

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
  // One block of memory, with the text behind it.
  using Link =
      boost::intrusive::unordered_set_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>>;
  struct Kept : Link {
    Uid uid;
    Namespaces::iterator ns;
    // kListed or kUnlisted, then strings that end in NUL: the name, and a key and a value for each marker;
    // an empty key ends them.
    char* text() { return reinterpret_cast<char*>(this + 1); }
    const char* text() const { return reinterpret_cast<const char*>(this + 1); }
  };
  struct UidOf {
    using type = Uid;
    const Uid& operator()(const Kept& pod) const { return pod.uid; }
  };
  using Pods = boost::intrusive::unordered_set<
      Kept, boost::intrusive::key_of_value<UidOf>, boost::intrusive::hash<UidHash>,
      boost::intrusive::equal<std::equal_to<Uid>>, boost::intrusive::power_2_buckets<true>>;
  static constexpr std::size_t kFewestBuckets = 64;
  static constexpr std::size_t kPodsABucket = 2;  // at most, on average
  // Longer ones come from the heap one by one.
  static constexpr std::pmr::pool_options kPools{.max_blocks_per_chunk = 1024,
                                                 .largest_required_pool_block = 512};

  void put(const attest::JsonValue& object);
  void keep_locked(const Uid& uid, const wire::PodSummary& pod);
  void drop_locked(Kept& pod);
  void give_back_if_empty_locked();
  void use_buckets_locked(std::size_t count);
  void mark_unlisted();
  void drop_unlisted();

  mutable std::mutex mutex_;
  Namespaces namespaces_;
  std::pmr::unsynchronized_pool_resource memory_{kPools};  // of Kept
  std::vector<Pods::bucket_type> buckets_{kFewestBuckets};
  Pods pods_{Pods::bucket_traits(buckets_.data(), buckets_.size())};
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
