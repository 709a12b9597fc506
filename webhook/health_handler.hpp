// GET /livez, /healthz, /readyz and /metrics, in the clear: they tell nothing that a pod may not know.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "webhook/condition.hpp"
#include "webhook/http_server.hpp"

namespace nodeproof::webhook {

struct HealthParts {
  std::function<std::vector<Condition>()> conditions;  // of being ready
  std::function<std::string()> metrics;                // in Prometheus' text format
};

// /livez, and /healthz as its older name, say that this process answers, whatever the API server does:
// killing it would not help. /readyz says what keeps it from being ready; /readyz?verbose lists every
// condition, as the API server does.
HttpResponse answer_health(const HttpRequest& request, const HealthParts& parts);

}  // namespace nodeproof::webhook
