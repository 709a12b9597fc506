#include "webhook/leader.hpp"

#include <spdlog/spdlog.h>

namespace nodeproof::webhook {
namespace {

constexpr const char* kLeaseName = "nodeproof-webhook";

}  // namespace

Leader::Leader(kube::ApiClient& client, ClusterApi& api, const Clock& clock, const LeaderOptions& options)
    : client_(client),
      lease_(client, options.ns, kLeaseName, options.identity),
      epochs_(api, options.ns, options.epoch_length, options.max_report_age, random_keys()),
      clock_(clock),
      epoch_length_(options.epoch_length) {}

void Leader::step() {
  if (!may_lead()) {
    resign();
    // Nothing else would tell when this clock is right again.
    return lease_.look(std::chrono::steady_clock::now());
  }
  const bool holds = lease_.step(std::chrono::steady_clock::now());
  leads_until_ = lease_.renewed_at() + lease_.times().renew_deadline;
  leading_ = holds;
  if (!holds) {
    published_.reset();
    return;
  }
  // The lease's reply may be the first to tell that this clock is wrong.
  if (!may_lead()) return resign();
  if (keys_changed_.exchange(false)) published_.reset();
  const UnixTime now = clock_.now();
  const std::uint64_t epoch = attest::epoch_at(now, epoch_length_);
  if (published_ == epoch) return;
  epochs_.step(now);
  published_ = epoch;
}

void Leader::resign() {
  if (!leading_) return;
  leading_ = false;
  published_.reset();
  lease_.release();
  spdlog::info("this replica gives the lead up");
}

}  // namespace nodeproof::webhook
