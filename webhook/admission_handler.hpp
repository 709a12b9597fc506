// POST /admit and POST /mutate: bytes of an AdmissionReview in, bytes of its answer out.
#pragma once

#include <atomic>
#include <functional>

#include "attest/strict_json.hpp"
#include "base/clock.hpp"
#include "webhook/http_server.hpp"
#include "webhook/metrics.hpp"
#include "webhook/pod_directory.hpp"
#include "webhook/steering.hpp"

namespace nodeproof::webhook {

// What the handler uses; all of it thread-safe and outliving it.
struct AdmissionParts {
  std::function<std::shared_ptr<const Snapshot>()> snapshot;
  const PodDirectory& pods;
  PodReader& reader;
  const Clock& clock;
  Metrics& metrics;
  std::function<std::optional<Refusal>(UnixTime now)> unfit;  // why the snapshot must not be relied on
  EventWriter& events;
};

// A prompt handler: called by one thread at a time. Only two things are left to a worker, which then
// blocks until its deadline at most: the Binding of a pod that the directory does not hold, and a
// review so long that reading it would keep other requests waiting. Must outlive that work.
class AdmissionHandler {
 public:
  explicit AdmissionHandler(AdmissionParts parts) : parts_(std::move(parts)) {}

  // A decision is always 200. What is no review that we understand is 400 with the named error: the
  // API server then fails the request, as it does with every webhook that does not answer.
  HttpOutcome operator()(HttpRequest& request);

 private:
  using Review = Result<wire::AdmissionRequest>;
  using Time = std::chrono::steady_clock::time_point;

  enum class Question { kMayIt, kWhere };  // /admit, /mutate

  HttpOutcome answer(Question question, const Review& review, Time began);
  HttpResponse steered(const wire::AdmissionRequest& review, Time began);
  HttpResponse decided(const wire::AdmissionRequest& review, const PodLookup& pod, Time began);
  HttpResponse malformed(const Error& error);
  std::optional<PodLookup> look_up(const wire::AdmissionRequest& review) const;

  AdmissionParts parts_;
  attest::JsonParser parser_{};
  // Any pod may send garbage: at most one line of log a second says so.
  std::atomic<std::int64_t> logged_at_{0};  // Unix time
};

}  // namespace nodeproof::webhook
