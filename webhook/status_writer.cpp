#include "webhook/status_writer.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "webhook/phase_log.hpp"
#include "wire/event.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::webhook {
namespace {

// Somebody who led before us, and did not know yet that he no longer did, may have written after us.
bool says(const KeptStatus& told, const wire::NodeAttestationStatus& status) {
  return told.phase() == wire::to_string(status.phase) && told.code() == status.code;
}

}  // namespace

void StatusWriter::forget() {
  written_.clear();
  told_boots_.clear();
  labels_.forget();
}

void StatusWriter::pass(const Snapshot& snapshot, UnixTime now, const std::function<bool()>& leading,
                        const UnprovenCounts* unproven) {
  forget_gone(*snapshot.nodes);
  failures_.begin();
  for (const NodeMap::Entry& node : *snapshot.nodes) {
    if (!leading()) return;
    if (node->trust && !report(*node, snapshot, now, unproven)) break;
  }
  failures_.end();
}

void StatusWriter::forget_gone(const NodeMap& nodes) {
  std::erase_if(told_boots_, [&nodes](const auto& item) { return !nodes.contains(item.first); });
  std::vector<std::size_t> uids;
  uids.reserve(nodes.size());
  for (const NodeMap::Entry& node : nodes) uids.push_back(hash_of_uid(node->uid()));
  std::sort(uids.begin(), uids.end());
  std::erase_if(written_, [&uids](const auto& item) {
    return !std::binary_search(uids.begin(), uids.end(), item.first);
  });
  labels_.keep_only(uids);
}

// False when there is no use in going on.
bool StatusWriter::report(const NodeEntry& node, const Snapshot& snapshot, UnixTime now,
                          const UnprovenCounts* unproven) {
  const Seconds heartbeat = std::max(Seconds(1), shortest_max_age(*snapshot.policies) / 2);
  wire::NodeAttestationStatus status = status_of(node, snapshot, now);
  if (unproven != nullptr) status.unproven_pods = unproven->on_node(node.name);
  bool failed = false;
  // One write that is refused must not hold up the others of its node.
  const auto may_go_on_after = [&](const auto& write) {
    try {
      write();
    } catch (const kube::ApiError& e) {
      if (!std::exchange(failed, true)) failures_.add("node " + node.name, e.what());
      return e.status() != 0 && e.status() != 429;
    }
    return true;
  };
  return may_go_on_after([&] { labels_.keep(node, labels_of(status), now); }) &&
         may_go_on_after([&] { write_status(node, status, heartbeat, now); }) &&
         may_go_on_after([&] { report_log_change(node.name, node, now); });
}

// Once for each boot, whoever leads: a second Event of the same name is refused.
void StatusWriter::report_log_change(const std::string& name, const NodeEntry& node, UnixTime now) {
  const NodeTrust& trust = *node.trust;
  if (trust.log_change.empty() || told_boots_[name] == trust.boot->boot_id) return;
  const std::string note =
      "this boot's event log differs from that of the previous boot of the same node image, first in " +
      trust.log_change + "; nodeproof node log " + name + " lists it";
  const wire::Event event{{"Node", "", name, node.uid()}, true, "BootLogChanged", note, trust.boot->boot_id};
  try {
    api_.create(wire::event_path(event), wire::to_json(event, now));
    spdlog::warn("node {}: {}", name, note);
  } catch (const kube::ApiError& e) {
    if (e.status() != 409) throw;
  }
  told_boots_[name] = trust.boot->boot_id;
}

// A judgement that changes is logged where it is made; what time alone makes of one is logged here.
void StatusWriter::tell_change(const NodeEntry& node, const KeptStatus& before,
                               const wire::NodeAttestationStatus& status, UnixTime now) {
  auto event = phase_event(node, before, status);
  if (!event) return;
  const bool aged = status.phase != node.trust->phase;
  const bool renewed = before.phase() == wire::to_string(wire::Phase::kStale) &&
                       before.code() == attest::name_of(attest::Check::kEvidenceAge);
  if (aged || renewed) log_phase(node.name, status.phase, status.code, status.detail);
  events_.offer(*std::move(event), now, std::chrono::steady_clock::now());
}

const StatusWriter::Written* StatusWriter::written(const NodeEntry& node) const {
  const auto found = written_.find(hash_of_uid(node.uid()));
  return found != written_.end() ? &found->second : nullptr;
}

// An object of an earlier Node with this name is left to garbage collection, then made anew.
void StatusWriter::write_status(const NodeEntry& node, const wire::NodeAttestationStatus& status,
                                Seconds heartbeat, UnixTime now) {
  const auto there = objects_.find(node.name);
  if (there && there->node != hash_of_uid(node.uid())) return;
  const Written* last = there ? written(node) : nullptr;
  const std::size_t gist = gist_of(status);
  if (last != nullptr && (!there->since_written || says(there->status, status)) && last->gist == gist &&
      now - last->at < heartbeat)
    return;
  KeptStatus before;
  if (there) before = last != nullptr ? last->status : there->status;
  if (!there && !create(node)) return;
  std::vector<wire::StatusCondition> conditions = conditions_of(status, before.conditions(), now);
  objects_.note_status_written(node.name);
  api_.merge_patch(wire::object_path(wire::kNodeAttestationsPath, node.name) + "/status",
                   wire::status_patch(status, conditions));
  KeptStatus kept(std::string(wire::to_string(status.phase)), status.code, std::move(conditions), words_);
  written_.insert_or_assign(hash_of_uid(node.uid()), Written{gist, std::move(kept), now});
  tell_change(node, before, status, now);
}

// False when somebody was faster: the watch will tell whose it is.
bool StatusWriter::create(const NodeEntry& node) {
  try {
    api_.create(wire::kNodeAttestationsPath, wire::new_node_attestation(node.name, node.uid()));
  } catch (const kube::ApiError& e) {
    if (e.status() != 409) throw;
    return false;
  }
  return true;
}

}  // namespace nodeproof::webhook
