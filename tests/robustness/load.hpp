// Constant honest load on replicas, from clients that behave as the API server behind a Service: they keep
// their connections, take the replicas in turn, and open none to a replica once its /readyz says no.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace nodeproof::test {

struct LoadOptions {
  // Connections that are open go on being used when the replica is unready, as those are whose way
  // kube-proxy chose when they were opened; else they are left alone.
  bool keeps_connections = false;
  std::size_t clients = 4;
  std::chrono::milliseconds pause{2};  // between the requests of one client
};

class Load {
 public:
  static constexpr std::size_t kReplicas = 2;

  explicit Load(LoadOptions options = {});
  ~Load();  // stops
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // A replica is there, at these ports, and gets requests as soon as it is ready.
  void add(std::size_t replica, std::uint16_t port, std::uint16_t health_port);
  // Whether it is known as ready.
  bool uses(std::size_t replica) const { return replicas_[replica].used; }
  std::uint64_t answered() const { return answered_; }
  // The first few requests that got no answer or a wrong one, each in words.
  std::vector<std::string> failures() const;
  void stop();  // joins

 private:
  struct Replica {
    std::atomic<std::uint16_t> port{0};
    std::atomic<std::uint16_t> health_port{0};
    std::atomic<bool> used{false};
  };
  void probe(const std::stop_token& stop);
  void ask(const std::stop_token& stop, std::size_t first);
  void fail(const std::string& what);

  const LoadOptions options_;
  std::array<Replica, kReplicas> replicas_;
  std::atomic<std::uint64_t> answered_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> failures_;
  std::vector<std::jthread> threads_;
};

}  // namespace nodeproof::test
