#include "webhook/health_handler.hpp"

#include <algorithm>

namespace nodeproof::webhook {
namespace {

HttpResponse text(unsigned status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body)};
}

std::string verbose(const std::vector<Condition>& conditions) {
  std::string body;
  for (const Condition& condition : conditions) {
    body += (condition.holds() ? "[+]" : "[-]") + condition.name +
            (condition.holds() ? " ok" : " failed: " + condition.problem) + "\n";
  }
  return body + (all_hold(conditions) ? "readyz check passed\n" : "readyz check failed\n");
}

std::string brief(const std::vector<Condition>& conditions) {
  if (all_hold(conditions)) return "ok\n";
  std::string body = "not ready:\n";
  for (const Condition& condition : conditions) {
    if (!condition.holds()) body += "- " + condition.problem + "\n";
  }
  return body;
}

// As net/url reads it: a key alone, or with any value.
bool asks_verbose(std::string_view query) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    if (pair.substr(0, pair.find('=')) == "verbose") return true;
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return false;
}

HttpResponse ready(const std::vector<Condition>& conditions, std::string_view query) {
  return text(all_hold(conditions) ? 200 : 503,
              asks_verbose(query) ? verbose(conditions) : brief(conditions));
}

}  // namespace

HttpResponse answer_health(const HttpRequest& request, const HealthParts& parts) {
  if (request.method != "GET") return text(405, "only GET is answered here\n");
  if (request.path == "/livez" || request.path == "/healthz") return text(200, "ok\n");
  if (request.path == "/readyz") return ready(parts.conditions(), request.query);
  if (request.path == "/metrics") return {200, "text/plain; version=0.0.4; charset=utf-8", parts.metrics()};
  return text(404, "there are /livez, /healthz, /readyz and /metrics here\n");
}

}  // namespace nodeproof::webhook
