#include "agent/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <map>

namespace nodeproof::agent {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;

constexpr std::array kResults{AttestationResult::kPublished, AttestationResult::kNoProof,
                              AttestationResult::kApiFailure, AttestationResult::kTpmFailure,
                              AttestationResult::kOtherFailure};
constexpr std::array kOperations{TpmOperation::kQuote, TpmOperation::kReadNv, TpmOperation::kActivate,
                                 TpmOperation::kOther};

// A vTPM takes milliseconds to tens of them, and a busy host seconds.
const Histogram::BucketBoundaries kTpmBuckets{0.005, 0.025, 0.1, 0.5, 2.5};

double seconds(UnixTime time) {
  return static_cast<double>(to_unix(time));
}

}  // namespace

std::string_view to_string(AttestationResult result) {
  switch (result) {
    case AttestationResult::kPublished:
      return "published";
    case AttestationResult::kNoProof:
      return "no-proof";
    case AttestationResult::kApiFailure:
      return "api-error";
    case AttestationResult::kTpmFailure:
      return "tpm-error";
    case AttestationResult::kOtherFailure:
      break;
  }
  return "other-error";
}

std::string_view to_string(TpmOperation operation) {
  switch (operation) {
    case TpmOperation::kQuote:
      return "quote";
    case TpmOperation::kReadNv:
      return "read-nv";
    case TpmOperation::kActivate:
      return "activate";
    case TpmOperation::kOther:
      break;
  }
  return "other";
}

struct Metrics::Impl {
  Impl(const std::string& version, const Clock& time) : clock(time) {
    auto& family = prometheus::BuildCounter()
                       .Name("nodeproof_agent_attestations_total")
                       .Help("Attestations by what came of them")
                       .Register(registry);
    for (const AttestationResult result : kResults)
      attestations[result] = &family.Add({{"result", std::string(to_string(result))}});
    auto& durations = prometheus::BuildHistogram()
                          .Name("nodeproof_agent_tpm_duration_seconds")
                          .Help("Time that operations on the TPM took, failed ones as well")
                          .Register(registry);
    for (const TpmOperation operation : kOperations)
      tpm[operation] = &durations.Add({{"operation", std::string(to_string(operation))}}, kTpmBuckets);
    prometheus::BuildGauge()
        .Name("nodeproof_agent_start_time_seconds")
        .Help("When this agent started")
        .Register(registry)
        .Add({})
        .Set(seconds(clock.now()));
    prometheus::BuildGauge()
        .Name("nodeproof_agent_build_info")
        .Help("1, with the version of this agent")
        .Register(registry)
        .Add({{"version", version}})
        .Set(1);
  }

  const Clock& clock;
  prometheus::Registry registry;
  std::map<AttestationResult, Counter*> attestations;
  std::map<TpmOperation, Histogram*> tpm;
  Gauge& last_success = prometheus::BuildGauge()
                            .Name("nodeproof_agent_last_success_time_seconds")
                            .Help("When this agent last published what its node can prove; 0 before that")
                            .Register(registry)
                            .Add({});
};

Metrics::Metrics(const std::string& version, const Clock& clock)
    : impl_(std::make_unique<Impl>(version, clock)) {}
Metrics::~Metrics() = default;

void Metrics::count_attestation(AttestationResult result) {
  impl_->attestations.at(result)->Increment();
  if (result == AttestationResult::kPublished || result == AttestationResult::kNoProof)
    impl_->last_success.Set(seconds(impl_->clock.now()));
}

void Metrics::observe_tpm(TpmOperation operation, Duration took) {
  impl_->tpm.at(operation)->Observe(std::chrono::duration<double>(took).count());
}

std::optional<UnixTime> Metrics::last_success() const {
  const double at = impl_->last_success.Value();
  if (at == 0) return std::nullopt;
  return from_unix(static_cast<std::int64_t>(at));
}

std::string Metrics::render() const {
  return prometheus::TextSerializer().Serializer::Serialize(impl_->registry.Collect());
}

}  // namespace nodeproof::agent
