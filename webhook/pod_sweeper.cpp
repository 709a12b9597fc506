#include "webhook/pod_sweeper.hpp"

#include <spdlog/spdlog.h>

#include "attest/strict_json.hpp"

namespace nodeproof::webhook {
namespace {

std::vector<UnprovenPod> unreadable(const std::vector<Error>& errors) {
  std::vector<UnprovenPod> out;
  for (const Error& error : errors) out.push_back(unreadable_pod(error));
  return out;
}

std::string described(const UnprovenCounts& counts) {
  std::string out;
  for (const auto& [reason, count] : counts.by_reason) {
    if (count == 0) continue;
    out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(to_string(reason));
  }
  return out;
}

void log_change(const UnprovenCounts& counts, const std::optional<UnprovenPod>& first) {
  if (counts.total() == 0) return spdlog::info("every running sensitive pod is proven");
  const std::string example = first->name.empty()
                                  ? one_line(first->unmet.detail, kMaxMessage)
                                  : pod_name(first->ns, first->name) + " on node " + first->node;
  spdlog::warn(
      "{} running sensitive pods are without proof ({}), {} among them; nodeproof pods --unproven lists them",
      counts.total(), described(counts), example);
}

}  // namespace

PodSweeper::PodSweeper(ClusterApi& api, const Clock& clock, Seconds interval, EventWriter& events)
    : pages_(api), events_(events), clock_(clock), interval_(interval) {}

// One that began before `after` may have come too early.
bool PodSweeper::is_due(UnixTime now, std::optional<UnixTime> after) const {
  const auto done = last();
  if (!done || now < done->at || now - done->at >= interval_) return true;
  return after && done->at < *after && now - done->at >= interval_ / 10;
}

void PodSweeper::step(const SnapshotSource& snapshot, const std::function<bool()>& may_go_on,
                      std::optional<UnixTime> after) {
  const UnixTime now = clock_.now();
  if (!is_due(now, after)) return;
  SweepOutcome outcome;
  outcome.at = now;
  events_.begin();
  std::optional<UnprovenPod> first;
  attest::JsonParser parser;  // for this sweep alone: it holds what the longest page took
  std::string token;
  do {
    if (!may_go_on()) return;
    PodPage page = pages_.read(kRunningPodsPath, token, parser);
    const std::vector<UnprovenPod> parts[] = {sweep(page.running, *snapshot(), clock_.now()),
                                              unreadable(page.unreadable)};
    for (const auto& pods : parts) {
      outcome.counts.add(pods);
      add_to(outcome.at_stake, pods);
      events_.tell(pods, now, std::chrono::steady_clock::now());
      if (!first && !pods.empty()) first = pods.front();
    }
    token = std::move(page.next);
  } while (!token.empty());
  finish(std::move(outcome), first);
}

void PodSweeper::finish(SweepOutcome outcome, const std::optional<UnprovenPod>& first) {
  const auto before = last();
  events_.finish();
  if (!before || before->counts.by_reason != outcome.counts.by_reason) log_change(outcome.counts, first);
  auto now = std::make_shared<const SweepOutcome>(std::move(outcome));
  const std::lock_guard lock(mutex_);
  last_ = std::move(now);
}

void PodSweeper::forget() {
  events_.forget();
  const std::lock_guard lock(mutex_);
  last_.reset();
}

std::shared_ptr<const SweepOutcome> PodSweeper::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace nodeproof::webhook
