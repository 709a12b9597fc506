#include "webhook/evidence_intake.hpp"

#include "webhook/phase_log.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace nodeproof::webhook {
namespace {

using std::chrono::steady_clock;

// While nodes are being judged, what is done so far is published this often; less so until the view is
// complete, for nobody is admitted from it before.
constexpr std::chrono::milliseconds kPublishInterval{50};
constexpr std::chrono::milliseconds kFirstInterval{500};
constexpr std::size_t kMaxVerifiers = 8;
// Of each verifier. The CAs stay known because every node uses them; a VCEK comes again only with new
// evidence of its own node, hours later, so remembering many would cost memory and spare little.
constexpr std::size_t kKnownEndorsements = 16;
// Likewise: of a dozen for each image, those of one node alone are forgotten first.
constexpr std::size_t kKnownPcrs = 256;

NodeTrust not_judged(const std::string& why) {
  NodeTrust out;
  out.code = "verification-error";
  out.detail = "the evidence could not be verified: " + why;
  out.remedy = "look at the log of the nodeproof webhook";
  return out;
}

void log_if_changed(const std::string& name, const NodeTrust* before, const NodeTrust& now) {
  if (before != nullptr && before->phase == now.phase && before->code == now.code) return;
  log_phase(name, now.phase, now.code, now.detail);
}

// `trust`: what counts now; null while the node is judged anew.
void log_dispute(const std::string& name, const NodeTrust* trust) {
  if (trust != nullptr && is_dispute(*trust)) {
    spdlog::warn("node {}: {}: {}", name, trust->code, trust->detail);
  } else {
    spdlog::info("node {}: its attestation key is not disputed any more", name);
  }
}

}  // namespace

std::size_t EvidenceIntake::default_verifiers() {
  return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMaxVerifiers);
}

EvidenceIntake::EvidenceIntake(TrustParameters parameters, const Clock& clock,
                               const NodeAttestations& remembered, Observer observer, std::size_t verifiers)
    : parameters_(std::move(parameters)),
      clock_(clock),
      remembered_(remembered),
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

std::size_t EvidenceIntake::remembered() const {
  const std::lock_guard lock(mutex_);
  return records_.size();
}

std::shared_ptr<const Generations> EvidenceIntake::keys() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

void EvidenceIntake::set_snapshot(std::shared_ptr<const Snapshot> next) {
  const std::lock_guard lock(snapshot_mutex_);
  snapshot_.swap(next);
}

void EvidenceIntake::run(const std::stop_token& stop) {
  KnownParts known(kKnownEndorsements, kKnownPcrs);
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto now = steady_clock::now();
    const auto name = queue_.pop(now);
    if (name) judge_next(*name, known, lock);
    const auto interval = snapshot_->complete ? kPublishInterval : kFirstInterval;
    if (nodes_dirty_ && (!name || now - nodes_published_ >= interval)) {
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
void EvidenceIntake::judge_next(const std::string& name, KnownParts& known,
                                std::unique_lock<std::mutex>& lock) {
  const auto found = records_.find(name);
  if (found == records_.end() || !found->second.node) return;
  found->second.judging = true;
  const Record record = found->second;
  const auto keys = keys_;
  const bool from_all = all_listed_;
  lock.unlock();
  const auto began = steady_clock::now();
  Judgement judgement = judged(name, record, *keys, known);
  if (observer_) observer_(*judgement.trust, steady_clock::now() - began);
  log_if_changed(name, record.trust.get(), *judgement.trust);
  lock.lock();

  const auto again = records_.find(name);  // never erased while it is being judged
  again->second.judging = false;
  if (from_all) awaited_.erase(name);
  room_.notify_all();
  if (std::exchange(again->second.changed, false)) touch_locked(name);
  if (again->second.node == record.node) {
    keep_locked(name, again->second, record, std::move(judgement));
  }
  erase_if_empty_locked(again);
}

// What nobody reads any more goes: evidence whose verification is settled, and a quote from which the
// trust was made. Either comes again when its object changes.
void EvidenceIntake::keep_locked(const std::string& name, Record& record, const Record& judged,
                                 Judgement judgement) {
  const bool settled = judgement.boot && is_settled(*judgement.boot);
  if (settled && record.evidence == judged.evidence) record.evidence = nullptr;
  const bool fresh = judgement.trust->phase == wire::Phase::kVerified &&
                     (!judged.trust || judgement.trust->claims != judged.trust->claims);
  if (fresh && record.quote == judged.quote) {
    record.quote = nullptr;
    record.quote_spent = true;
  }
  record.boot = std::move(judgement.boot);
  record.mark = judgement.trust->mark;
  record.trust = std::move(judgement.trust);
  node_changed_locked(name, record);
}

EvidenceIntake::Judgement EvidenceIntake::judged(const std::string& name, const Record& record,
                                                 const Generations& keys, KnownParts& known) const {
  Judgement out{record.boot, record.trust};
  if (record.quote_spent && !record.evidence && record.trust) {  // nothing new to judge from but the keys
    if (auto ended = ended_by_revocation(*record.trust, keys))
      out.trust = std::make_shared<const NodeTrust>(*std::move(ended));
    return out;
  }
  try {
    const UnixTime now = clock_.now();
    const bool readable = record.evidence && *record.evidence;
    if (readable)
      out.boot = verify_evidence(**record.evidence, record.image, out.boot, keys, parameters_, now, &known);
    NodeView view;
    view.node = *record.node;
    view.system_uuid = record.system_uuid;
    view.evidence = record.summary.get();
    view.quote = record.quote.get();
    view.boot = out.boot.get();
    view.generations = keys;
    view.previous = record.trust.get();
    if (record.mark) view.mark = *record.mark;
    if (const auto stored = remembered_.counters_of(name, (*record.node)->node_uid))
      view.mark = joined(view.mark, *stored);
    out.trust = std::make_shared<const NodeTrust>(judge(view, parameters_, now));
  } catch (const std::exception& e) {
    spdlog::error("node {} could not be judged: {}", name, e.what());
    out.trust = record.trust ? record.trust : std::make_shared<const NodeTrust>(not_judged(e.what()));
  }
  return out;
}

std::map<std::string, NodeTrust> EvidenceIntake::disputed_locked() const {
  return disputed(
      holders_, [this](const std::string& name) { return records_.at(name).trust; }, *snapshot_->inventory,
      longest_max_age(*snapshot_->policies), clock_.now());
}

void EvidenceIntake::publish_nodes_locked() {
  nodes_dirty_ = false;
  auto nodes = std::make_shared<NodeMap>();
  nodes->reserve(records_.size());
  std::map<std::string, NodeTrust> in_dispute = disputed_locked();
  for (auto& [name, record] : records_) {
    if (!record.node) continue;
    const auto dispute = in_dispute.empty() ? in_dispute.end() : in_dispute.find(name);
    const bool is_disputed = dispute != in_dispute.end();
    if (!record.published || is_disputed || record.disputed) {
      auto trust = is_disputed ? std::make_shared<const NodeTrust>(std::move(dispute->second)) : record.trust;
      if (is_disputed != record.disputed) log_dispute(name, trust.get());
      record.published = std::make_shared<const NodeEntry>(
          NodeEntry{name, *record.node, std::move(trust), record.labels, record.taints});
      record.disputed = is_disputed;
    }
    nodes->put(record.published);
  }
  auto next = std::make_shared<Snapshot>(*snapshot_);
  next->nodes = std::move(nodes);
  const bool completes = !next->complete && all_listed_ && awaited_.empty();
  next->complete = next->complete || completes;
  set_snapshot(std::move(next));
  if (completes) spdlog::info("all collections are listed and every node is judged");
}

}  // namespace nodeproof::webhook
