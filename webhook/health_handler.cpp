#include "webhook/health_handler.hpp"

namespace nodeproof::webhook {
namespace {

HttpResponse text(unsigned status, std::string body) {
  return {status, "text/plain; charset=utf-8", std::move(body)};
}

HttpResponse ready(const std::vector<std::string>& missing) {
  if (missing.empty()) return text(200, "ok\n");
  std::string body = "not ready:\n";
  for (const std::string& clause : missing) body += "- " + clause + "\n";
  return text(503, std::move(body));
}

}  // namespace

HttpResponse answer_health(const HttpRequest& request, const HealthParts& parts) {
  if (request.method != "GET") return text(405, "only GET is answered here\n");
  if (request.path == "/livez") return text(200, "ok\n");
  if (request.path == "/readyz") return ready(parts.missing());
  if (request.path == "/metrics") return {200, "text/plain; version=0.0.4; charset=utf-8", parts.metrics()};
  return text(404, "there are /livez, /readyz and /metrics here\n");
}

}  // namespace nodeproof::webhook
