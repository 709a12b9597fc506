// What the watches tell EvidenceIntake.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>

#include "attest/strict_json.hpp"
#include "webhook/evidence_intake.hpp"
#include "wire/attestation_policy.hpp"
#include "wire/node_inventory.hpp"

namespace nodeproof::webhook {
namespace {

using attest::JsonValue;

// While a list is read; a stop waits no longer than these.
constexpr std::chrono::milliseconds kNodesFirst{1000};
constexpr std::chrono::milliseconds kLongestPause{50};
constexpr std::size_t kMaxWaiting = 128;  // nodes, of some 10 kB each

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
    if (key.starts_with(wire::kNodeLabelPrefix) || key.starts_with(wire::kPolicyLabelPrefix))
      out.emplace(key, value);
  }
  return out;
}

void put_policy(PolicyMap& map, const JsonValue& object) {
  const std::string name = name_of(object);
  if (name.empty()) return;
  auto parsed = wire::parse_attestation_policy(object);
  if (!parsed) spdlog::error("AttestationPolicy {} cannot be used: {}", name, to_string(parsed.error()));
  map.insert_or_assign(name, std::move(parsed));
}

void put_inventory(Inventory& inventory, const JsonValue& object) {
  const std::string name = name_of(object);
  if (name.empty()) return;
  auto parsed = wire::parse_node_inventory(object);
  if (!parsed) spdlog::error("NodeInventory {} cannot be used: {}", name, to_string(parsed.error()));
  inventory.put(name, std::move(parsed));
}

void put_namespace(NamespaceMap& map, const JsonValue& object) {
  const auto ns = wire::parse_namespace(object);
  if (ns) {
    map.insert_or_assign(ns->meta.name, entry_of(*ns));
    return;
  }
  spdlog::error("a Namespace cannot be read, it counts as not enrolled: {}", to_string(ns.error()));
  map.erase(name_of(object));
}

// Shares the identity of `node` where it is of the same boot.
Received<wire::EvidenceSummary> summarized(const Result<wire::NodeEvidence>& evidence,
                                           const std::optional<Shared<attest::BootIdentity>>& node) {
  if (!evidence) return std::make_shared<const Result<wire::EvidenceSummary>>(evidence.error());
  wire::EvidenceSummary summary = wire::summary_of(*evidence);
  if (node && summary.boot == *node) summary.boot = *node;
  return std::make_shared<const Result<wire::EvidenceSummary>>(std::move(summary));
}

// Not at every refresh of a node that goes on in the same way. `before`: null when it was readable and nobody
// reads it any more, or when there was none.
template <typename T>
void log_readability(const std::string& name, const Received<T>& before, const Result<T>& now) {
  constexpr std::string_view kWhat = std::is_same_v<T, wire::NodeQuote> ? "quote" : "evidence";
  const bool was_unreadable = before != nullptr && !*before;
  if (!now && !was_unreadable)
    spdlog::warn("the {} of node {} cannot be read: {}", kWhat, name, to_string(now.error()));
  if (now && was_unreadable) spdlog::info("the {} of node {} can be read again", kWhat, name);
}

// The names that a list under way has brought. What else is known is gone when the list ends.
class Listing {
 public:
  void begin() { seen_.emplace(); }
  bool under_way() const { return seen_.has_value(); }
  void saw(const std::string& name) {
    if (seen_) seen_->insert(name);
  }
  // Of `names`, those that the list did not bring.
  std::vector<std::string> end(std::vector<std::string> names) {
    std::erase_if(names, [this](const std::string& name) { return seen_->contains(name); });
    seen_.reset();
    return names;
  }

 private:
  std::optional<std::set<std::string>> seen_;
};

}  // namespace

void EvidenceIntake::listed_locked(Collection collection) {
  listed_[collection] = true;
  room_.notify_all();
  const bool all = std::all_of(std::begin(listed_), std::end(listed_), [](bool listed) { return listed; });
  if (!all || all_listed_) return;
  all_listed_ = true;
  await_nodes_locked();
  nodes_dirty_ = true;  // with no node to wait for, the view is complete now
  changed_.notify_all();
}

// What is being judged at this moment may rest on less than all lists: it is judged again.
void EvidenceIntake::await_nodes_locked() {
  for (auto& [name, record] : records_) {
    if (!record.node) continue;
    if (record.judging) record.changed = true;
    if (record.judging || !record.trust || queue_.contains(name)) awaited_.insert(name);
  }
}

void EvidenceIntake::touch_locked(const std::string& name) {
  const auto record = records_.find(name);
  if (record == records_.end() || !record->second.node) return;
  if (record->second.judging) {
    record->second.changed = true;
    return;
  }
  queue_.push(name);
  changed_.notify_one();
}

void EvidenceIntake::node_changed_locked(const std::string& name, Record& record) {
  holders_.put(name, record.trust.get());
  record.published = nullptr;
  nodes_dirty_ = true;
  changed_.notify_one();
}

void EvidenceIntake::erase_if_empty_locked(Records::iterator record) {
  const Record& held = record->second;
  if (!held.node && !held.summary && !held.quote && !held.quote_spent && !held.judging)
    records_.erase(record);
}

template <typename Map>
void EvidenceIntake::publish_locked(std::shared_ptr<const Map> Snapshot::*part, Map map) {
  auto next = std::make_shared<Snapshot>(*snapshot_);
  (*next).*part = std::make_shared<const Map>(std::move(map));
  set_snapshot(std::move(next));
  // Policies and inventory have a say in who is believed.
  if (holders_.shared().empty()) return;
  nodes_dirty_ = true;
  changed_.notify_one();
}

// ---- Nodes --------------------------------------------------------------------------------------

void EvidenceIntake::put_node_locked(const JsonValue& object) {
  const auto node = wire::parse_node(object);
  if (!node) {
    const std::string name = name_of(object);
    note_unreadable_locked(name, node.error());
    return end_node_locked(name);
  }
  if (unreadable_nodes_.erase(node->meta.name) != 0)
    spdlog::info("Node {} can be read again", node->meta.name);
  Record& record = records_[node->meta.name];
  const Shared<attest::BootIdentity> identity(attest::BootIdentity{node->meta.uid, node->boot_id});
  const auto labels = labels_.share(our_labels(node->meta.labels));
  const auto taints = taints_.share(node->taints);
  const bool same = record.node == identity && record.system_uuid == node->system_uuid;
  // Kubelets report every few seconds; only another boot, another Node, our labels or our taints matter here.
  if (same && record.labels == labels && record.taints == taints) return;
  record.labels = labels;
  record.taints = taints;
  if (!same) {
    // Claims of another boot end here and now, not when the node's turn comes.
    record.trust = nullptr;
    record.quote_spent = false;
    if (record.node && (*record.node)->node_uid != identity->node_uid) record.mark.reset();
    record.node = identity;
    record.system_uuid = node->system_uuid;
    record.image = image_key(node->image);
    touch_locked(node->meta.name);
  }
  node_changed_locked(node->meta.name, record);
}

// Once, for kubelets report all day.
void EvidenceIntake::note_unreadable_locked(const std::string& name, const Error& why) {
  if (unreadable_nodes_.insert(name).second)
    spdlog::error("Node {} cannot be read, it counts as gone: {}", name, to_string(why));
}

void EvidenceIntake::forget_node_locked(const std::string& name) {
  unreadable_nodes_.erase(name);
  end_node_locked(name);
}

void EvidenceIntake::end_node_locked(const std::string& name) {
  const auto found = records_.find(name);
  if (found == records_.end()) return;
  Record& record = found->second;
  record.node.reset();
  record.mark.reset();
  record.labels = {};
  record.taints = {};
  record.trust = nullptr;
  record.quote_spent = false;
  node_changed_locked(name, record);
  queue_.forget(name);
  awaited_.erase(name);
  erase_if_empty_locked(found);
}

kube::WatchHandler EvidenceIntake::nodes() {
  const auto listing = std::make_shared<Listing>();
  kube::WatchHandler out;
  out.begin = [listing] { listing->begin(); };
  out.update = [this, listing](const JsonValue& object) {
    // Kubelets report all day, and put_node_locked reads the name itself.
    if (listing->under_way()) listing->saw(name_of(object));
    const std::lock_guard lock(mutex_);
    put_node_locked(object);
  };
  out.remove = [this](const JsonValue& object) {
    const std::lock_guard lock(mutex_);
    forget_node_locked(name_of(object));
  };
  out.listed = [this, listing] {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> known(unreadable_nodes_.begin(), unreadable_nodes_.end());
    for (const auto& [name, record] : records_) {
      if (record.node) known.push_back(name);
    }
    for (const std::string& name : listing->end(std::move(known))) forget_node_locked(name);
    listed_locked(kNodes);
  };
  return out;
}

// ---- Evidence and quotes ------------------------------------------------------------------------

// A list of them is not read faster than it is verified: the evidence of thousands of nodes would be held
// at a time. Without its Node evidence cannot be verified, so nodes come first.
void EvidenceIntake::wait_for_nodes() {
  std::unique_lock lock(mutex_);
  room_.wait_for(lock, kNodesFirst, [this] { return listed_[kNodes]; });
}

// Bounded, because a queue whose nodes wait for their limited rate may stay long.
void EvidenceIntake::wait_for_room(std::unique_lock<std::mutex>& lock) {
  room_.wait_for(lock, kLongestPause, [this] { return queue_.size() <= kMaxWaiting; });
}

template <typename T, typename Parse, typename Keep, typename Has>
kube::WatchHandler EvidenceIntake::received(Collection collection, Received<T> Record::*held, Parse parse,
                                            Keep keep, Has has) {
  const auto listing = std::make_shared<Listing>();
  const auto drop = [this, keep](const std::string& name) {
    const auto found = records_.find(name);
    if (found == records_.end()) return;
    keep(found->second, nullptr);
    touch_locked(name);
    erase_if_empty_locked(found);
  };
  kube::WatchHandler out;
  out.begin = [this, listing] {
    listing->begin();
    wait_for_nodes();
  };
  out.update = [this, listing, held, parse, keep](const JsonValue& object) {
    const std::string name = name_of(object);
    if (name.empty()) return;
    listing->saw(name);
    auto parsed = std::make_shared<const Result<T>>(parse(object));
    std::unique_lock lock(mutex_);
    Record& record = records_[name];
    log_readability(name, record.*held, *parsed);
    keep(record, std::move(parsed));
    touch_locked(name);
    if (listing->under_way()) wait_for_room(lock);
  };
  out.remove = [this, drop](const JsonValue& object) {
    const std::lock_guard lock(mutex_);
    drop(name_of(object));
  };
  out.listed = [this, listing, collection, has, drop] {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> known;
    for (const auto& [name, record] : records_) {
      if (has(record)) known.push_back(name);
    }
    for (const std::string& name : listing->end(std::move(known))) drop(name);
    listed_locked(collection);
  };
  return out;
}

kube::WatchHandler EvidenceIntake::evidences() {
  const auto keep = [](Record& record, Received<wire::NodeEvidence> evidence) {
    if (evidence == nullptr) record.boot = nullptr;
    record.summary = evidence == nullptr ? nullptr : summarized(*evidence, record.node);
    record.evidence = std::move(evidence);
  };
  return received<wire::NodeEvidence>(kEvidences, &Record::evidence, wire::parse_node_evidence, keep,
                                      [](const Record& record) { return record.summary != nullptr; });
}
kube::WatchHandler EvidenceIntake::quotes() {
  const auto keep = [](Record& record, Received<wire::NodeQuote> quote) {
    record.quote = std::move(quote);
    record.quote_spent = false;
  };
  return received<wire::NodeQuote>(
      kQuotes, &Record::quote, wire::parse_node_quote, keep,
      [](const Record& record) { return record.quote != nullptr || record.quote_spent; });
}

// ---- Policies, namespaces, inventories: rarely changed, so each change publishes a copy -----------

template <typename Map, typename Put>
kube::WatchHandler EvidenceIntake::published(Collection collection,
                                             std::shared_ptr<const Map> Snapshot::*part, Put put) {
  // Gathers a list under way, so that it costs one copy.
  const auto listing = std::make_shared<std::optional<Map>>();
  kube::WatchHandler out;
  out.begin = [listing] { listing->emplace(); };
  out.update = [this, listing, part, put](const JsonValue& object) {
    if (*listing) return put(**listing, object);
    const std::lock_guard lock(mutex_);
    Map map = *((*snapshot_).*part);
    put(map, object);
    publish_locked(part, std::move(map));
  };
  out.remove = [this, part](const JsonValue& object) {
    const std::lock_guard lock(mutex_);
    Map map = *((*snapshot_).*part);
    map.erase(name_of(object));
    publish_locked(part, std::move(map));
  };
  out.listed = [this, listing, collection, part] {
    const std::lock_guard lock(mutex_);
    publish_locked(part, *std::exchange(*listing, std::nullopt));
    listed_locked(collection);
  };
  return out;
}

kube::WatchHandler EvidenceIntake::policies() {
  return published(kPolicies, &Snapshot::policies, put_policy);
}
kube::WatchHandler EvidenceIntake::namespaces() {
  return published(kNamespaces, &Snapshot::namespaces, put_namespace);
}
kube::WatchHandler EvidenceIntake::inventories() {
  return published(kInventories, &Snapshot::inventory, put_inventory);
}

// ---- Epoch keys ---------------------------------------------------------------------------------

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
  for (const auto& [name, record] : records_) touch_locked(name);
}

kube::WatchHandler EvidenceIntake::epoch_secret() {
  kube::WatchHandler out;
  out.begin = [] {};
  out.update = [this](const JsonValue& object) { put_keys(object); };
  out.remove = [](const JsonValue&) {
    spdlog::error("the Secret {} was deleted; the keys known so far stay", wire::kEpochSecret);
  };
  out.listed = [this] {
    const std::lock_guard lock(mutex_);
    listed_locked(kSecret);
  };
  return out;
}

}  // namespace nodeproof::webhook
