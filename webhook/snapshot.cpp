#include "webhook/snapshot.hpp"

#include <algorithm>
#include <stdexcept>

namespace nodeproof::webhook {
namespace {

bool precedes(const NodeMap::Entry& entry, std::string_view name) {
  return entry->name < name;
}

}  // namespace

void NodeMap::put(Entry entry) {
  if (entries_.empty() || entries_.back()->name < entry->name) return entries_.push_back(std::move(entry));
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), entry->name, precedes);
  if ((*at)->name == entry->name) {
    *at = std::move(entry);
  } else {
    entries_.insert(at, std::move(entry));
  }
}

const NodeEntry* NodeMap::find(std::string_view name) const {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), name, precedes);
  return at != entries_.end() && (*at)->name == name ? at->get() : nullptr;
}

const NodeEntry& NodeMap::at(std::string_view name) const {
  if (const NodeEntry* entry = find(name)) return *entry;
  throw std::out_of_range("there is no node " + std::string(name));
}

PodEntry entry_of(const wire::Pod& pod) {
  PodEntry out{pod.meta.ns, pod.meta.name, pod.meta.uid, pod.node_name, {}};
  for (const auto& [key, value] : pod.meta.annotations) {
    if (key.starts_with(wire::kOurPrefix)) out.markers.emplace(key, value);
  }
  return out;
}

NamespaceEntry entry_of(const wire::Namespace& ns) {
  NamespaceEntry out;
  if (const auto label = ns.meta.labels.find(std::string(wire::kEnforceLabel));
      label != ns.meta.labels.end()) {
    out.enforce = label->second;
  }
  if (const auto floor = ns.meta.annotations.find(std::string(wire::kPolicyAnnotation));
      floor != ns.meta.annotations.end()) {
    out.policy = floor->second;
  }
  out.break_glass = ns.meta.labels.contains(std::string(wire::kBreakGlassLabel));
  return out;
}

Seconds shortest_max_age(const PolicyMap& policies) {
  std::optional<Seconds> shortest;
  for (const auto& [name, policy] : policies) {
    if (policy && (!shortest || policy->max_evidence_age < *shortest)) shortest = policy->max_evidence_age;
  }
  return shortest.value_or(attest::AppraisalPolicy{}.max_evidence_age);
}

}  // namespace nodeproof::webhook
