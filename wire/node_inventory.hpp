// NodeInventory (ninv): which Azure VM each node is, as a cluster admin wrote it down (DESIGN 3.2 f). One
// object for each scale set; the word of whoever wrote the object.
#pragma once

#include <string>
#include <vector>

#include "attest/strict_json_fwd.hpp"
#include "base/result.hpp"

namespace nodeproof::wire {

inline constexpr std::size_t kMaxInventoryNodes = 1000;  // the most instances that a scale set has

struct InventoryNode {
  std::string node;   // name of the Node
  std::string vm_id;  // canonical; in whichever byte order the writer had it
  bool operator==(const InventoryNode&) const = default;
};

struct NodeInventory {
  std::string name;
  std::vector<InventoryNode> nodes;  // 1 to kMaxInventoryNodes, each node and each VM once
};

// The same text for one VM in either byte order.
std::string vm_key(std::string_view canonical);

// A name that the API server accepts for a Node or a NodeInventory, or kBadValue at `where`.
Result<std::string> object_name(std::string_view text, std::string_view where);

// Refuses the second entry of one node or of one VM (in either byte order), naming the first. Errors name
// `path` with the index.
Status check_unique(const std::vector<InventoryNode>& nodes, std::string_view path);

Result<NodeInventory> parse_node_inventory(const attest::JsonValue& object);
std::string to_json(const NodeInventory& inventory);
// For people who review it before kubectl apply: a line for each node.
std::string to_yaml(const NodeInventory& inventory);

}  // namespace nodeproof::wire
