// What the webhook decides from: an immutable picture of the objects it watches. Parts are shared
// between snapshots, so that publishing one costs what changed.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "attest/policy.hpp"
#include "base/shared_value.hpp"
#include "webhook/inventory.hpp"
#include "webhook/node_trust.hpp"
#include "wire/objects.hpp"

namespace nodeproof::webhook {

// A Node and what this replica concludes about it.
struct NodeEntry {
  std::string name;
  Shared<attest::BootIdentity> identity;  // shared with what was judged of it
  std::shared_ptr<const NodeTrust> trust;  // null until it has been judged once
  // Ours alone: they are what the leader compares with.
  Shared<std::map<std::string, std::string>> labels;
  Shared<std::vector<wire::Taint>> taints = {};
  const std::string& uid() const { return identity->node_uid; }
};

// What a namespace's label for break-glass says, and what ends it takes.
struct BreakGlass {
  std::string reason;            // the label's value
  std::string until;             // the annotation's; empty when absent
  std::string uid;               // of the namespace
  std::string resource_version;  // likewise, as this was read
};

struct NamespaceEntry {
  std::string enforce;                         // value of our label; empty: not enrolled
  std::optional<std::string> policy;           // our annotation: the floor
  std::optional<BreakGlass> break_glass = {};  // while the namespace is out of the gate
};

// Enough of a pod to decide about it.
struct PodEntry {
  std::string ns;
  std::string name;
  std::string uid;
  std::string node_name;                       // empty: not bound
  std::map<std::string, std::string> markers;  // annotations that start with nodeproof.dev/
};
// Those annotations that start with nodeproof.dev/.
std::map<std::string, std::string> markers_of(const std::map<std::string, std::string>& annotations);
PodEntry entry_of(const wire::Pod& pod);
NamespaceEntry entry_of(const wire::Namespace& ns);

// The nodes in the order of their names. Entries are shared between snapshots: a large cluster makes a new
// map many times a second, which costs a pointer a node.
class NodeMap {
 public:
  using Entry = std::shared_ptr<const NodeEntry>;  // never null

  void put(Entry entry);                               // replaces the one of that name; cheap at the end
  const NodeEntry* find(std::string_view name) const;  // null when absent
  const NodeEntry& at(std::string_view name) const;    // throws std::out_of_range when absent
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  void reserve(std::size_t nodes) { entries_.reserve(nodes); }
  std::vector<Entry>::const_iterator begin() const { return entries_.begin(); }
  std::vector<Entry>::const_iterator end() const { return entries_.end(); }

 private:
  std::vector<Entry> entries_;
};

using PolicyMap = std::map<std::string, Result<attest::AppraisalPolicy>, std::less<>>;  // by name
using NamespaceMap = std::map<std::string, NamespaceEntry, std::less<>>;                // by name

struct Snapshot {
  std::shared_ptr<const NodeMap> nodes = std::make_shared<const NodeMap>();
  std::shared_ptr<const PolicyMap> policies = std::make_shared<const PolicyMap>();
  std::shared_ptr<const NamespaceMap> namespaces = std::make_shared<const NamespaceMap>();
  std::shared_ptr<const Inventory> inventory = std::make_shared<const Inventory>();
  bool complete = false;  // every collection was listed, and every node judged from that
};

// Null when it is not known.
const NamespaceEntry* find_namespace(const Snapshot& snapshot, std::string_view name);

// The shortest maxEvidenceAge of the policies that could be read; the default without any.
Seconds shortest_max_age(const PolicyMap& policies);
// Likewise the longest: an older proof meets none of them.
Seconds longest_max_age(const PolicyMap& policies);

}  // namespace nodeproof::webhook
