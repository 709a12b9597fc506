#include "webhook/status_writer.hpp"

#include <spdlog/spdlog.h>

#include "attest/strict_json.hpp"
#include "wire/event.hpp"

namespace nodeproof::webhook {
namespace {

// Absent when the object has none: then it belongs to no Node that we know.
std::string node_uid_of(const attest::JsonValue& object) {
  const auto spec = object.optional("spec");
  if (!spec || !*spec) return {};
  const auto uid = (*spec)->optional("nodeUID");
  if (!uid || !*uid) return {};
  auto text = (*uid)->text();
  return text ? *std::move(text) : std::string();
}

}  // namespace

void StatusWriter::note(const attest::JsonValue& object) {
  const auto meta = wire::parse_metadata(object);
  if (!meta) return;
  const std::lock_guard lock(mutex_);
  (listing_ ? *listing_ : existing_)[meta->name] = node_uid_of(object);
}

kube::WatchHandler StatusWriter::handler() {
  kube::WatchHandler out;
  out.begin = [this] {
    const std::lock_guard lock(mutex_);
    listing_.emplace();
  };
  out.listed = [this] {
    const std::lock_guard lock(mutex_);
    existing_ = *std::move(listing_);
    listing_.reset();
  };
  out.update = [this](const attest::JsonValue& object) { note(object); };
  out.remove = [this](const attest::JsonValue& object) {
    const auto meta = wire::parse_metadata(object);
    if (!meta) return;
    const std::lock_guard lock(mutex_);
    existing_.erase(meta->name);
  };
  return out;
}

std::optional<std::string> StatusWriter::existing(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = existing_.find(name);
  return found == existing_.end() ? std::nullopt : std::optional(found->second);
}

void StatusWriter::forget() {
  written_.clear();
  told_boots_.clear();
}

void StatusWriter::pass(const Snapshot& snapshot, UnixTime now, const std::function<bool()>& leading,
                        const UnprovenCounts* unproven) {
  const Seconds heartbeat = std::max(Seconds(1), shortest_max_age(*snapshot.policies) / 2);
  const auto gone = [&snapshot](const auto& item) { return !snapshot.nodes->contains(item.first); };
  std::erase_if(written_, gone);
  std::erase_if(told_boots_, gone);
  for (const NodeMap::Entry& node : *snapshot.nodes) {
    const std::string& name = node->name;
    if (!leading()) return;
    if (!node->trust) continue;
    try {
      wire::NodeAttestationStatus status = status_of(*node, snapshot, now);
      if (unproven != nullptr) status.unproven_pods = unproven->on_node(name);
      write_labels(name, *node, status);
      write_status(name, *node, status, heartbeat, now);
      report_log_change(name, *node, now);
    } catch (const kube::ApiError& e) {
      spdlog::warn("the status of node {} could not be written: {}", name, e.what());
      if (e.status() == 0 || e.status() == 429) return;
    }
  }
}

// Once for each boot, whoever leads: a second Event of the same name is refused.
void StatusWriter::report_log_change(const std::string& name, const NodeEntry& node, UnixTime now) {
  const NodeTrust& trust = *node.trust;
  if (trust.log_change.empty() || told_boots_[name] == trust.boot.boot_id) return;
  const std::string note =
      "this boot's event log differs from that of the previous boot of the same node image, first in " +
      trust.log_change + "; nodeproof node log " + name + " lists it";
  const wire::Event event{{"Node", "", name, node.uid}, true, "BootLogChanged", note, trust.boot.boot_id};
  try {
    api_.create(wire::event_path(event), wire::to_json(event, now));
    spdlog::warn("node {}: {}", name, note);
  } catch (const kube::ApiError& e) {
    if (e.status() != 409) throw;
  }
  told_boots_[name] = trust.boot.boot_id;
}

void StatusWriter::write_labels(const std::string& name, const NodeEntry& node,
                                const wire::NodeAttestationStatus& status) {
  const auto patch = label_patch(node, labels_of(status));
  if (!patch) return;
  api_.merge_patch("/api/v1/nodes/" + name, *patch);
  spdlog::info("node {}: labelled {}", name, wire::attestation_label(status.phase));
}

// An object of an earlier Node with this name is left to garbage collection, then made anew.
void StatusWriter::write_status(const std::string& name, const NodeEntry& node,
                                const wire::NodeAttestationStatus& status, Seconds heartbeat, UnixTime now) {
  const auto there = existing(name);
  if (there && *there != node.uid) return;
  const auto last = written_.find(name);
  const bool current = there && last != written_.end() && last->second.uid == node.uid &&
                       !differs(last->second.status, status) && now - last->second.at < heartbeat;
  if (current) return;
  if (!there) {
    try {
      api_.create(kPath, wire::new_node_attestation(name, node.uid));
    } catch (const kube::ApiError& e) {
      if (e.status() != 409) throw;
      return;  // the watch will tell whose it is
    }
  }
  api_.merge_patch(std::string(kPath) + "/" + name + "/status", wire::status_patch(status));
  written_.insert_or_assign(name, Written{node.uid, status, now});
}

}  // namespace nodeproof::webhook
