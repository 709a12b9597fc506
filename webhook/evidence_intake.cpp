#include "webhook/evidence_intake.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "attest/strict_json.hpp"
#include "wire/attestation_policy.hpp"

namespace nodeproof::webhook {
namespace {

using attest::JsonValue;
using std::chrono::steady_clock;

// While nodes are being judged, what is done so far is published this often.
constexpr std::chrono::milliseconds kPublishInterval{50};

// The API server names every object; one without a name is passed over.
std::string name_of(const JsonValue& object) {
  const auto meta = wire::parse_metadata(object);
  if (meta) return meta->name;
  spdlog::warn("an object of a watch has no readable metadata: {}", to_string(meta.error()));
  return {};
}

std::map<std::string, std::string> our_labels(const std::map<std::string, std::string>& labels) {
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : labels) {
    if (key.starts_with(wire::kNodeLabelPrefix)) out.emplace(key, value);
  }
  return out;
}

NodeTrust not_judged(const std::string& why) {
  NodeTrust out;
  out.code = "verification-error";
  out.detail = "the evidence could not be verified: " + why;
  out.remedy = "look at the log of the nodeproof webhook";
  return out;
}

}  // namespace

EvidenceIntake::EvidenceIntake(TrustParameters parameters, const Clock& clock, Observer observer)
    : parameters_(std::move(parameters)), clock_(clock), observer_(std::move(observer)) {}

EvidenceIntake::~EvidenceIntake() {
  stop();
}

void EvidenceIntake::start() {
  worker_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void EvidenceIntake::stop() {
  worker_.request_stop();
  if (worker_.joinable()) worker_.join();
}

std::shared_ptr<const Snapshot> EvidenceIntake::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

// ---- From the watches -------------------------------------------------------------------------

// Called with the lock held.
void EvidenceIntake::listed(Collection collection) {
  listed_[collection] = true;
  nodes_dirty_ = true;  // `complete` may have become true
  changed_.notify_all();
}

void EvidenceIntake::touch(const std::string& name) {
  const auto record = records_.find(name);
  if (record == records_.end() || !record->second.node) return;
  queue_.push(name);
  changed_.notify_all();
}

void EvidenceIntake::put_node(const JsonValue& object) {
  const auto node = wire::parse_node(object);
  if (!node) {
    const std::string name = name_of(object);
    spdlog::error("Node {} cannot be read, it counts as gone: {}", name, to_string(node.error()));
    return remove_node(name);
  }
  Record& record = records_[node->meta.name];
  attest::BootIdentity identity{node->meta.uid, node->boot_id};
  const bool same = record.node == identity;
  if (!same) {
    // Claims of another boot end here and now, not when the node's turn comes.
    record.trust = nullptr;
    nodes_dirty_ = true;
  }
  record.node = std::move(identity);
  auto labels = our_labels(node->meta.labels);
  if (record.labels != labels) {
    record.labels = std::move(labels);
    nodes_dirty_ = true;
    changed_.notify_all();
  }
  // Kubelets report every few seconds; only another boot or another Node matters here.
  if (!same) touch(node->meta.name);
}

void EvidenceIntake::remove_node(const std::string& name) {
  const auto found = records_.find(name);
  if (found == records_.end()) return;
  Record& record = found->second;
  record.node.reset();
  record.labels.clear();
  record.trust = nullptr;
  record.boot = nullptr;
  if (!record.evidence && !record.quote) records_.erase(found);
  queue_.forget(name);
  nodes_dirty_ = true;
  changed_.notify_all();
}

kube::WatchHandler EvidenceIntake::nodes() {
  kube::WatchHandler out;
  out.replace = [this](const std::vector<JsonValue>& objects) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> gone;
    for (const auto& [name, record] : records_) {
      if (record.node) gone.push_back(name);
    }
    for (const JsonValue& object : objects) {
      put_node(object);
      std::erase(gone, name_of(object));
    }
    for (const std::string& name : gone) remove_node(name);
    listed(kNodes);
  };
  out.update = [this](const JsonValue& object) {
    const std::lock_guard lock(mutex_);
    put_node(object);
  };
  out.remove = [this](const JsonValue& object) {
    const std::lock_guard lock(mutex_);
    remove_node(name_of(object));
  };
  return out;
}

template <typename T, typename Parse>
kube::WatchHandler EvidenceIntake::received(Collection collection, Received<T> Record::*member, Parse parse) {
  const auto put = [this, member, parse](const JsonValue& object) {
    std::string name = name_of(object);
    if (name.empty()) return name;
    auto parsed = std::make_shared<const Result<T>>(parse(object));
    if (!*parsed)
      spdlog::warn("the evidence or quote of node {} cannot be read: {}", name, to_string(parsed->error()));
    const std::lock_guard lock(mutex_);
    records_[name].*member = std::move(parsed);
    touch(name);
    return name;
  };
  const auto drop = [this, member](const std::string& name) {
    const auto found = records_.find(name);
    if (found == records_.end()) return;
    found->second.*member = nullptr;
    if (!found->second.node && !found->second.evidence && !found->second.quote) records_.erase(found);
    touch(name);
  };
  kube::WatchHandler out;
  out.replace = [this, collection, member, put, drop](const std::vector<JsonValue>& objects) {
    std::set<std::string> there;
    for (const JsonValue& object : objects) there.insert(put(object));
    const std::lock_guard lock(mutex_);
    std::vector<std::string> gone;
    for (const auto& [name, record] : records_) {
      if (record.*member && !there.contains(name)) gone.push_back(name);
    }
    for (const std::string& name : gone) drop(name);
    listed(collection);
  };
  out.update = put;
  out.remove = [this, drop](const JsonValue& object) {
    const std::lock_guard lock(mutex_);
    drop(name_of(object));
  };
  return out;
}

kube::WatchHandler EvidenceIntake::evidences() {
  return received(kEvidences, &Record::evidence, wire::parse_node_evidence);
}
kube::WatchHandler EvidenceIntake::quotes() {
  return received(kQuotes, &Record::quote, wire::parse_node_quote);
}

template <typename Map>
void EvidenceIntake::publish(std::shared_ptr<const Map> Snapshot::*part, Map map) {
  auto next = std::make_shared<Snapshot>(*snapshot_);
  (*next).*part = std::make_shared<const Map>(std::move(map));
  snapshot_ = std::move(next);
}

kube::WatchHandler EvidenceIntake::policies() {
  const auto put = [](PolicyMap& map, const JsonValue& object) {
    const std::string name = name_of(object);
    if (name.empty()) return;
    auto parsed = wire::parse_attestation_policy(object);
    if (!parsed) spdlog::error("AttestationPolicy {} cannot be used: {}", name, to_string(parsed.error()));
    map.insert_or_assign(name, std::move(parsed));
  };
  kube::WatchHandler out;
  out.replace = [this, put](const std::vector<JsonValue>& objects) {
    PolicyMap map;
    for (const JsonValue& object : objects) put(map, object);
    const std::lock_guard lock(mutex_);
    publish(&Snapshot::policies, std::move(map));
    listed(kPolicies);
  };
  out.update = [this, put](const JsonValue& object) {
    const std::lock_guard lock(mutex_);
    PolicyMap map = *snapshot_->policies;
    put(map, object);
    publish(&Snapshot::policies, std::move(map));
  };
  out.remove = [this](const JsonValue& object) {
    const std::lock_guard lock(mutex_);
    PolicyMap map = *snapshot_->policies;
    map.erase(name_of(object));
    publish(&Snapshot::policies, std::move(map));
  };
  return out;
}

kube::WatchHandler EvidenceIntake::namespaces() {
  const auto put = [](NamespaceMap& map, const JsonValue& object) {
    const auto ns = wire::parse_namespace(object);
    if (ns) {
      map.insert_or_assign(ns->meta.name, entry_of(*ns));
    } else {
      spdlog::error("a Namespace cannot be read, it counts as not enrolled: {}", to_string(ns.error()));
      map.erase(name_of(object));
    }
  };
  kube::WatchHandler out;
  out.replace = [this, put](const std::vector<JsonValue>& objects) {
    NamespaceMap map;
    for (const JsonValue& object : objects) put(map, object);
    const std::lock_guard lock(mutex_);
    publish(&Snapshot::namespaces, std::move(map));
    listed(kNamespaces);
  };
  out.update = [this, put](const JsonValue& object) {
    const std::lock_guard lock(mutex_);
    NamespaceMap map = *snapshot_->namespaces;
    put(map, object);
    publish(&Snapshot::namespaces, std::move(map));
  };
  out.remove = [this](const JsonValue& object) {
    const std::lock_guard lock(mutex_);
    NamespaceMap map = *snapshot_->namespaces;
    map.erase(name_of(object));
    publish(&Snapshot::namespaces, std::move(map));
  };
  return out;
}

// A Secret that is gone or unreadable takes no key away: what was verified stays, and the leader or
// a person mends it.
void EvidenceIntake::put_keys(const JsonValue& secret) {
  auto keys = wire::parse_epoch_secret(secret);
  if (!keys) {
    spdlog::error("the Secret {} cannot be read, the keys known so far stay: {}", wire::kEpochSecret,
                  to_string(keys.error()));
    return;
  }
  const std::lock_guard lock(mutex_);
  keys_ = std::make_shared<const Generations>(*std::move(keys));
  for (const auto& [name, record] : records_) touch(name);
}

kube::WatchHandler EvidenceIntake::epoch_secret() {
  kube::WatchHandler out;
  out.replace = [this](const std::vector<JsonValue>& objects) {
    for (const JsonValue& object : objects) put_keys(object);
    const std::lock_guard lock(mutex_);
    listed(kSecret);
  };
  out.update = [this](const JsonValue& object) { put_keys(object); };
  out.remove = [](const JsonValue&) {
    spdlog::error("the Secret {} was deleted; the keys known so far stay", wire::kEpochSecret);
  };
  return out;
}

// ---- On the intake's own thread ---------------------------------------------------------------

void EvidenceIntake::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  steady_clock::time_point published{};
  while (!stop.stop_requested()) {
    const auto now = steady_clock::now();
    const auto name = queue_.pop(now);
    if (name) judge_next(*name, lock);
    if (nodes_dirty_ && (!name || now - published >= kPublishInterval)) {
      publish_nodes();
      published = now;
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

// Judges with the lock released, from what was known when it began; a change meanwhile has put the
// node into the queue again.
void EvidenceIntake::judge_next(const std::string& name, std::unique_lock<std::mutex>& lock) {
  const auto found = records_.find(name);
  if (found == records_.end() || !found->second.node) return;
  const Record record = found->second;
  const auto keys = keys_;
  lock.unlock();

  const auto began = steady_clock::now();
  std::shared_ptr<const VerifiedBoot> boot = record.boot;
  auto trust = std::make_shared<NodeTrust>();
  try {
    const UnixTime now = clock_.now();
    const bool readable = record.evidence && *record.evidence;
    if (readable) boot = verify_evidence(**record.evidence, boot, *keys, parameters_, now, &endorsements_);
    NodeView view;
    view.node = *record.node;
    view.evidence = record.evidence.get();
    view.quote = record.quote.get();
    view.boot = readable ? &boot->verification : nullptr;
    view.generations = *keys;
    view.previous = record.trust.get();
    *trust = judge(view, parameters_, now);
  } catch (const std::exception& e) {
    spdlog::error("node {} could not be judged: {}", name, e.what());
    *trust = record.trust ? *record.trust : not_judged(e.what());
  }
  if (observer_) observer_(*trust, steady_clock::now() - began);
  const bool differs =
      !record.trust || record.trust->phase != trust->phase || record.trust->code != trust->code;
  if (differs) {
    spdlog::info("node {}: {} {}{}{}", name, wire::to_string(trust->phase), trust->code,
                 trust->detail.empty() ? "" : ": ", trust->detail);
  }

  lock.lock();
  const auto again = records_.find(name);
  if (again == records_.end() || again->second.node != record.node) return;
  again->second.boot = std::move(boot);
  again->second.trust = std::move(trust);
  nodes_dirty_ = true;
}

void EvidenceIntake::publish_nodes() {
  nodes_dirty_ = false;
  NodeMap map;
  bool all_judged = true;
  for (const auto& [name, record] : records_) {
    if (!record.node) continue;
    all_judged = all_judged && record.trust;
    map.emplace(name, NodeEntry{record.node->node_uid, record.trust, record.labels});
  }
  publish(&Snapshot::nodes, std::move(map));
  const bool all_listed =
      std::all_of(std::begin(listed_), std::end(listed_), [](bool listed) { return listed; });
  if (snapshot_->complete || !all_listed || !all_judged) return;
  auto next = std::make_shared<Snapshot>(*snapshot_);
  next->complete = true;
  snapshot_ = std::move(next);
  spdlog::info("all collections are listed and every node is judged");
}

}  // namespace nodeproof::webhook
