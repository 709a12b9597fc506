// GET /livez, /readyz and /metrics, in the clear: they tell nothing that a pod may not know.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "webhook/http_server.hpp"

namespace nodeproof::webhook {

struct HealthParts {
  std::function<std::vector<std::string>()> missing;  // what keeps the replica from being ready
  std::function<std::string()> metrics;               // in Prometheus' text format
};

// /livez says that this process answers, whatever the API server does: killing it would not help.
HttpResponse answer_health(const HttpRequest& request, const HealthParts& parts);

}  // namespace nodeproof::webhook
