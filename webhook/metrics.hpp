// Everything that GET /metrics tells (DESIGN 10). Counters and histograms grow here; the rest is a
// MetricsState.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "webhook/decide.hpp"
#include "webhook/metrics_state.hpp"

namespace nodeproof::webhook {

// Thread-safe.
class Metrics {
 public:
  using Duration = std::chrono::steady_clock::duration;
  Metrics();
  ~Metrics();

  void count_admission(const AdmissionDecision& decision, Duration took);
  void count_malformed_review();
  void count_verification(const NodeTrust& trust, Duration took);

  // Prometheus' text format.
  std::string render(const MetricsState& state, UnixTime now) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodeproof::webhook
