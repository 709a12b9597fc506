#include "webhook/pod_sweeper.hpp"

#include <cpprest/base_uri.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "attest/strict_json.hpp"

namespace nodeproof::webhook {
namespace {

constexpr std::size_t kMostPods = 100;
// What is parsed takes some 15 times its length. Pods of a hostile user may be of 1.5 MiB each: a longer page
// is asked for anew, with fewer pods.
constexpr std::size_t kLongestPage = std::size_t{4} << 20U;
constexpr std::size_t kLongestPod = std::size_t{8} << 20U;

std::string path_of(std::size_t limit, const std::string& token) {
  std::string out = std::string(kRunningPodsPath) + "&limit=" + std::to_string(limit);
  if (!token.empty()) out += "&continue=" + web::uri::encode_data_string(token);
  return out;
}

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

PodSweeper::PodSweeper(ClusterApi& api, const Clock& clock, Seconds interval)
    : api_(api), clock_(clock), interval_(interval), limit_(kMostPods) {}

void PodSweeper::step(const SnapshotSource& snapshot, const std::function<bool()>& may_go_on) {
  const UnixTime now = clock_.now();
  if (const auto done = last(); done && now >= done->at && now - done->at < interval_) return;
  SweepOutcome outcome;
  outcome.at = now;
  std::optional<UnprovenPod> first;
  attest::JsonParser parser;  // for this sweep alone: it holds what the longest page took
  std::string token;
  do {
    if (!may_go_on()) return;
    PodPage page = next_page(token, parser);
    const std::vector<UnprovenPod> parts[] = {sweep(page.running, *snapshot(), clock_.now()),
                                              unreadable(page.unreadable)};
    for (const auto& pods : parts) {
      outcome.counts.add(pods);
      if (!first && !pods.empty()) first = pods.front();
    }
    token = std::move(page.next);
  } while (!token.empty());
  finish(std::move(outcome), first);
}

PodPage PodSweeper::next_page(const std::string& token, attest::JsonParser& parser) {
  for (;;) {
    auto body = api_.get_if_exists(path_of(limit_, token));
    if (!body) throw std::runtime_error("the API server knows no pods");
    if (body->size() > kLongestPage && limit_ > 1) {
      limit_ /= 2;
      continue;
    }
    limit_ = std::min(kMostPods, 2 * limit_);
    auto document = attest::JsonDocument::parse_in_place(*body, kLongestPod, "pods", parser);
    auto page = document ? parse_pod_page(document->root()) : Result<PodPage>(document.error());
    if (!page) throw std::runtime_error("a list of pods cannot be read: " + to_string(page.error()));
    return *std::move(page);
  }
}

void PodSweeper::finish(SweepOutcome outcome, const std::optional<UnprovenPod>& first) {
  const auto before = last();
  if (!before || before->counts.by_reason != outcome.counts.by_reason) log_change(outcome.counts, first);
  auto now = std::make_shared<const SweepOutcome>(std::move(outcome));
  const std::lock_guard lock(mutex_);
  last_ = std::move(now);
}

void PodSweeper::forget() {
  const std::lock_guard lock(mutex_);
  last_.reset();
}

std::shared_ptr<const SweepOutcome> PodSweeper::last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace nodeproof::webhook
