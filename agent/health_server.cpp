#include "agent/health_server.hpp"

#include "webhook/health_handler.hpp"

namespace nodeproof::agent {
namespace {

using webhook::Condition;
using webhook::HttpLimits;
using webhook::HttpOutcome;
using webhook::HttpRequest;
using webhook::HttpServer;

std::string publication_problem(std::optional<UnixTime> last_success, Seconds refresh, UnixTime now) {
  if (!last_success) return "nothing has been published yet";
  const Seconds age = now - *last_success;
  const Seconds limit = refresh * kReadyRefreshes;
  if (age <= limit) return {};
  return "the last publication is " + to_duration(age) + " old, the limit is " + to_duration(limit);
}

}  // namespace

std::vector<Condition> conditions(std::optional<UnixTime> last_success, Seconds refresh, UnixTime now) {
  return {{"published", publication_problem(last_success, refresh, now)}};
}

// A GET has no body, and its header is well under 1 KiB and comes at once: whoever dawdles gives way to the
// kubelet's probe. All clients together cost under 2 MB.
HttpLimits health_limits() {
  HttpLimits out;
  out.connections = 128;
  out.header = 4U << 10U;
  out.header_time = std::chrono::milliseconds(2'000);
  out.body = 1U << 10U;
  out.bodies = out.connections * out.body;
  out.workers = 1;  // idle: everything is answered at once
  out.queue = out.connections;
  return out;
}

HealthServer::HealthServer(const kube::Endpoint& listen, Seconds refresh, const Metrics& metrics,
                           const Clock& clock)
    : server_({.address = listen.address, .port = listen.port, .limits = health_limits(), .tls = {}},
              [refresh, &metrics, &clock](HttpRequest& request) -> HttpOutcome {
                return answer_health(
                    request, {[&] { return conditions(metrics.last_success(), refresh, clock.now()); },
                              [&] { return metrics.render(); }});
              }) {}

}  // namespace nodeproof::agent
