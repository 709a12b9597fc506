#include "webhook/evidence_intake.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace nodeproof::webhook {
namespace {

using std::chrono::steady_clock;

// While nodes are being judged, what is done so far is published this often.
constexpr std::chrono::milliseconds kPublishInterval{50};
constexpr std::size_t kMaxVerifiers = 8;
// Of each verifier. The CAs stay known because every node uses them; a VCEK comes again only with new
// evidence of its own node, hours later, so remembering thousands would cost memory and spare little.
constexpr std::size_t kKnownEndorsements = 64;

NodeTrust not_judged(const std::string& why) {
  NodeTrust out;
  out.code = "verification-error";
  out.detail = "the evidence could not be verified: " + why;
  out.remedy = "look at the log of the nodeproof webhook";
  return out;
}

void log_if_changed(const std::string& name, const NodeTrust* before, const NodeTrust& now) {
  if (before != nullptr && before->phase == now.phase && before->code == now.code) return;
  spdlog::info("node {}: {} {}{}{}", name, wire::to_string(now.phase), now.code,
               now.detail.empty() ? "" : ": ", now.detail);
}

}  // namespace

std::size_t EvidenceIntake::default_verifiers() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMaxVerifiers);
}

EvidenceIntake::EvidenceIntake(TrustParameters parameters, const Clock& clock, Observer observer,
                               std::size_t verifiers)
    : parameters_(std::move(parameters)),
      clock_(clock),
      observer_(std::move(observer)),
      verifiers_(verifiers) {}

EvidenceIntake::~EvidenceIntake() {
  stop();
}

void EvidenceIntake::start() {
  while (threads_.size() < verifiers_) {
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
  }
}

void EvidenceIntake::stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

std::shared_ptr<const Snapshot> EvidenceIntake::snapshot() const {
  const std::lock_guard lock(snapshot_mutex_);
  return snapshot_;
}

void EvidenceIntake::set_snapshot(std::shared_ptr<const Snapshot> next) {
  const std::lock_guard lock(snapshot_mutex_);
  snapshot_.swap(next);
}

void EvidenceIntake::run(const std::stop_token& stop) {
  attest::EndorsementCache known(kKnownEndorsements);
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto now = steady_clock::now();
    const auto name = queue_.pop(now);
    if (name) judge_next(*name, known, lock);
    if (nodes_dirty_ && (!name || now - nodes_published_ >= kPublishInterval)) {
      publish_nodes_locked();
      nodes_published_ = now;
    }
    if (name) continue;
    const auto due = queue_.due();
    const auto woken = [this, due] { return nodes_dirty_ || queue_.due() != due; };
    if (due) {
      changed_.wait_until(lock, stop, *due, woken);
    } else {
      changed_.wait(lock, stop, woken);
    }
  }
}

// Judges with the lock released, from what was known when it began; what changes meanwhile puts the
// node into the queue again when this is done, so that an older judgement never follows a newer one.
void EvidenceIntake::judge_next(const std::string& name, attest::EndorsementCache& known,
                                std::unique_lock<std::mutex>& lock) {
  const auto found = records_.find(name);
  if (found == records_.end() || !found->second.node) return;
  found->second.judging = true;
  const Record record = found->second;
  const auto keys = keys_;
  lock.unlock();
  const auto began = steady_clock::now();
  Judgement judgement = judged(name, record, *keys, known);
  if (observer_) observer_(*judgement.trust, steady_clock::now() - began);
  log_if_changed(name, record.trust.get(), *judgement.trust);
  lock.lock();

  const auto again = records_.find(name);  // never erased while it is being judged
  again->second.judging = false;
  if (std::exchange(again->second.changed, false)) touch_locked(name);
  if (again->second.node == record.node) {
    const bool settled = judgement.boot && is_settled(*judgement.boot);
    if (settled && again->second.evidence == record.evidence) again->second.evidence = nullptr;
    again->second.boot = std::move(judgement.boot);
    again->second.trust = std::move(judgement.trust);
    again->second.published = nullptr;
    nodes_dirty_ = true;
  }
  erase_if_empty_locked(again);
}

EvidenceIntake::Judgement EvidenceIntake::judged(const std::string& name, const Record& record,
                                                 const Generations& keys,
                                                 attest::EndorsementCache& known) const {
  Judgement out{record.boot, nullptr};
  try {
    const UnixTime now = clock_.now();
    const bool readable = record.evidence && *record.evidence;
    if (readable) out.boot = verify_evidence(**record.evidence, out.boot, keys, parameters_, now, &known);
    NodeView view;
    view.node = *record.node;
    view.evidence = record.summary.get();
    view.quote = record.quote.get();
    view.boot = out.boot ? &out.boot->verification : nullptr;
    view.generations = keys;
    view.previous = record.trust.get();
    out.trust = std::make_shared<const NodeTrust>(judge(view, parameters_, now));
  } catch (const std::exception& e) {
    spdlog::error("node {} could not be judged: {}", name, e.what());
    out.trust = record.trust ? record.trust : std::make_shared<const NodeTrust>(not_judged(e.what()));
  }
  return out;
}

void EvidenceIntake::publish_nodes_locked() {
  nodes_dirty_ = false;
  auto nodes = std::make_shared<NodeMap>();
  bool all_judged = true;
  for (auto& [name, record] : records_) {
    if (!record.node) continue;
    all_judged = all_judged && record.trust;
    if (!record.published) {
      record.published =
          std::make_shared<const NodeEntry>(NodeEntry{record.node->node_uid, record.trust, record.labels});
    }
    nodes->emplace_hint(nodes->end(), name, record.published);
  }
  const bool all_listed =
      std::all_of(std::begin(listed_), std::end(listed_), [](bool listed) { return listed; });
  auto next = std::make_shared<Snapshot>(*snapshot_);
  next->nodes = std::move(nodes);
  const bool completes = !next->complete && all_listed && all_judged;
  next->complete = next->complete || completes;
  set_snapshot(std::move(next));
  if (completes) spdlog::info("all collections are listed and every node is judged");
}

}  // namespace nodeproof::webhook
