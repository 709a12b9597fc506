// Everything that GET /metrics of the agent tells (DESIGN 10).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace nodeproof::agent {

// What came of one attestation: collecting what is due, quoting, and publishing both.
enum class AttestationResult {
  kPublished,  // everything that this node can prove
  kNoProof,    // published that this node can prove nothing, and why
  kApiFailure,
  kTpmFailure,
  kOtherFailure,
};
std::string_view to_string(AttestationResult result);

// Few: each is a histogram of every node.
enum class TpmOperation { kQuote, kReadNv, kActivate, kOther };
std::string_view to_string(TpmOperation operation);

// Thread-safe. Every series is there from the start, so that a first failure is an increase.
class Metrics {
 public:
  using Duration = std::chrono::nanoseconds;

  // `clock`, borrowed, dates the start and successes.
  Metrics(const std::string& version, const Clock& clock);
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  void count_attestation(AttestationResult result);
  // Of failed operations, too.
  void observe_tpm(TpmOperation operation, Duration took);

  // When an attestation last ended with kPublished or kNoProof; nothing before the first.
  std::optional<UnixTime> last_success() const;

  // Prometheus' text format.
  std::string render() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodeproof::agent
