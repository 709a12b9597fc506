#include "webhook/snapshot.hpp"

#include <algorithm>
#include <stdexcept>

namespace nodeproof::webhook {
namespace {

bool precedes(const NodeMap::Entry& entry, std::string_view name) {
  return entry->name < name;
}

// The maxEvidenceAge that comes before all others of those that could be read; the default without any.
template <typename Before>
Seconds extreme_max_age(const PolicyMap& policies, Before before) {
  std::optional<Seconds> found;
  for (const auto& [name, policy] : policies) {
    if (policy && (!found || before(policy->max_evidence_age, *found))) found = policy->max_evidence_age;
  }
  return found.value_or(attest::AppraisalPolicy{}.max_evidence_age);
}

std::optional<BreakGlass> break_glass_of(const wire::ObjectMeta& meta) {
  const auto label = meta.labels.find(std::string(wire::kBreakGlassLabel));
  if (label == meta.labels.end()) return std::nullopt;
  const auto until = meta.annotations.find(std::string(wire::kBreakGlassUntilAnnotation));
  return BreakGlass{label->second, until == meta.annotations.end() ? std::string() : until->second, meta.uid,
                    meta.resource_version};
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

std::map<std::string, std::string> markers_of(const std::map<std::string, std::string>& annotations) {
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : annotations) {
    if (key.starts_with(wire::kOurPrefix)) out.emplace(key, value);
  }
  return out;
}

PodEntry entry_of(const wire::Pod& pod) {
  return {pod.meta.ns, pod.meta.name, pod.meta.uid, pod.node_name, markers_of(pod.meta.annotations)};
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
  out.break_glass = break_glass_of(ns.meta);
  return out;
}

const NamespaceEntry* find_namespace(const Snapshot& snapshot, std::string_view name) {
  const auto found = snapshot.namespaces->find(name);
  return found == snapshot.namespaces->end() ? nullptr : &found->second;
}

Seconds shortest_max_age(const PolicyMap& policies) {
  return extreme_max_age(policies, [](Seconds a, Seconds b) { return a < b; });
}
Seconds longest_max_age(const PolicyMap& policies) {
  return extreme_max_age(policies, [](Seconds a, Seconds b) { return a > b; });
}

}  // namespace nodeproof::webhook
