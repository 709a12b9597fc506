#include "webhook/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>
#include <tuple>

#include "webhook/metric_words.hpp"

namespace nodeproof::webhook {
namespace {

double seconds(Metrics::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

const prometheus::Histogram::BucketBoundaries kAdmissionBuckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                                                0.01,   0.025,   0.1,    0.5,   1,      5};
const prometheus::Histogram::BucketBoundaries kVerificationBuckets{0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                                                   0.005,  0.01,    0.05,   0.25};

}  // namespace

struct Metrics::Impl {
  prometheus::Counter& admissions_like(const AdmissionDecision& decision);

  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& admissions =
      prometheus::BuildCounter()
          .Name("nodeproof_admission_requests_total")
          .Help("Admission requests by rule, decision and reason")
          .Register(registry);
  prometheus::Counter& malformed = prometheus::BuildCounter()
                                       .Name("nodeproof_admission_malformed_total")
                                       .Help("Requests that held no AdmissionReview that we understand")
                                       .Register(registry)
                                       .Add({});
  prometheus::Histogram& admission_seconds = prometheus::BuildHistogram()
                                                 .Name("nodeproof_admission_duration_seconds")
                                                 .Help("Time from a request's body to its answer")
                                                 .Register(registry)
                                                 .Add({}, kAdmissionBuckets);
  prometheus::Family<prometheus::Counter>& verifications =
      prometheus::BuildCounter()
          .Name("nodeproof_evidence_verifications_total")
          .Help("Judgements of nodes by result and finding")
          .Register(registry);
  prometheus::Histogram& verification_seconds = prometheus::BuildHistogram()
                                                    .Name("nodeproof_evidence_verification_duration_seconds")
                                                    .Help("Time that one judgement of a node took")
                                                    .Register(registry)
                                                    .Add({}, kVerificationBuckets);

  // Counters that were asked for before: the registry would build and hash a map of labels each time.
  std::mutex mutex;
  std::map<std::tuple<Rule, bool, std::string>, prometheus::Counter*> known_admissions;
};

prometheus::Counter& Metrics::Impl::admissions_like(const AdmissionDecision& decision) {
  const std::lock_guard lock(mutex);
  const auto found = known_admissions.find({decision.rule, decision.allowed, decision.reason});
  if (found != known_admissions.end()) return *found->second;
  const std::string reason = known_reason(decision);
  prometheus::Counter& counter = admissions.Add({{"rule", std::string(to_string(decision.rule))},
                                                 {"decision", decision.allowed ? "allowed" : "denied"},
                                                 {"reason", reason}});
  // Words of evidence that we do not know must not pile up here either.
  if (reason == decision.reason)
    known_admissions.emplace(std::tuple(decision.rule, decision.allowed, reason), &counter);
  return counter;
}

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::count_admission(const AdmissionDecision& decision, Duration took) {
  impl_->admissions_like(decision).Increment();
  impl_->admission_seconds.Observe(seconds(took));
}

void Metrics::count_malformed_review() {
  impl_->malformed.Increment();
}

void Metrics::count_verification(const NodeTrust& trust, Duration took) {
  impl_->verifications
      .Add({{"result", std::string(wire::to_string(trust.phase))}, {"finding", known_word(trust.code)}})
      .Increment();
  impl_->verification_seconds.Observe(seconds(took));
}

std::string Metrics::render(const MetricsState& state, UnixTime now) const {
  std::string out = prometheus::TextSerializer().Serializer::Serialize(impl_->registry.Collect());
  append(state, now, out);
  return out;
}

}  // namespace nodeproof::webhook
