// POST /admit: bytes of an AdmissionReview in, bytes of its answer out.
#pragma once

#include <atomic>
#include <functional>

#include "base/clock.hpp"
#include "webhook/http_server.hpp"
#include "webhook/metrics.hpp"
#include "webhook/pod_directory.hpp"

namespace nodeproof::webhook {

// What the handler uses; all of it thread-safe and outliving it.
struct AdmissionParts {
  std::function<std::shared_ptr<const Snapshot>()> snapshot;
  const PodDirectory& pods;
  PodReader& reader;
  const Clock& clock;
  Metrics& metrics;
  std::function<std::optional<Refusal>(UnixTime now)> unfit;  // why the snapshot must not be relied on
};

// May be called by several threads at a time. Blocks until `deadline` at most, and only for the
// Binding of a pod that the directory does not hold.
class AdmissionHandler {
 public:
  explicit AdmissionHandler(AdmissionParts parts) : parts_(std::move(parts)) {}

  // A decision is always 200. What is no review that we understand is 400 with the named error: the
  // API server then fails the request, as it does with every webhook that does not answer.
  HttpResponse operator()(const HttpRequest& request, PodReader::Deadline deadline);

 private:
  HttpResponse answer(const HttpRequest& request, PodReader::Deadline deadline);
  HttpResponse malformed(const Error& error);
  PodLookup look_up(const wire::AdmissionRequest& review, PodReader::Deadline deadline);

  AdmissionParts parts_;
  // Any pod may send garbage: at most one line of log a second says so.
  std::atomic<std::int64_t> logged_at_{0};  // Unix time
};

}  // namespace nodeproof::webhook
