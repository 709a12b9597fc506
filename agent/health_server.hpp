// The agent's only listening port: GET /livez, /healthz, /readyz and /metrics, in the clear.
//
// /livez says that this process answers, however slow API server and TPM are: a restart would help neither.
// /readyz says that the node's proof is kept fresh, so that the rollout of an agent that cannot do so stops.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "agent/metrics.hpp"
#include "kube/settings.hpp"
#include "webhook/condition.hpp"
#include "webhook/http_server.hpp"

namespace nodeproof::agent {

// An agent is ready while its last success is at most so many refreshes old: one that fails is tried again
// within seconds, so three in a row are no accident.
inline constexpr int kReadyRefreshes = 3;

// What must hold for an agent to be ready. Pure.
std::vector<webhook::Condition> conditions(std::optional<UnixTime> last_success, Seconds refresh,
                                           UnixTime now);

// What a port that every pod may reach costs a node at most: a few kubelets and Prometheus are expected.
webhook::HttpLimits health_limits();

class HealthServer {
 public:
  // Borrows `metrics` and `clock`.
  HealthServer(const kube::Endpoint& listen, Seconds refresh, const Metrics& metrics, const Clock& clock);

  // Throws std::system_error naming address and port. Once.
  void start() { server_.start(); }
  // The port that is listened on. After start().
  std::uint16_t port() const { return server_.port(); }

 private:
  webhook::HttpServer server_;  // stopped by its destructor
};

}  // namespace nodeproof::agent
