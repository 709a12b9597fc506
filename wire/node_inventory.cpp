#include "wire/node_inventory.hpp"

#include <cpprest/json.h>

#include <algorithm>
#include <map>

#include "attest/strict_json.hpp"
#include "base/uuid.hpp"
#include "wire/dns_names.hpp"
#include "wire/fields.hpp"
#include "wire/json_writer.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonValue;
using web::json::value;

constexpr std::string_view kKind = "NodeInventory";

std::string at(std::string_view path, std::size_t index) {
  return std::string(path) + "[" + std::to_string(index) + "]";
}

Result<InventoryNode> parse_entry(const JsonValue& entry) {
  NODEPROOF_CHECK(entry.only({"node", "vmId"}));
  NODEPROOF_TRY(node, entry.required("node"));
  NODEPROOF_TRY(node_text, node.string());
  NODEPROOF_TRY(name, object_name(node_text, node.path()));
  NODEPROOF_TRY(vm, entry.required("vmId"));
  NODEPROOF_TRY(vm_text, vm.string());
  NODEPROOF_TRY(vm_id, uuid_any_case(vm_text, vm.path()));
  return InventoryNode{std::move(name), std::move(vm_id)};
}

}  // namespace

std::string vm_key(std::string_view canonical) {
  return std::min(std::string(canonical), swapped_uuid(canonical));
}

Result<std::string> object_name(std::string_view text, std::string_view where) {
  if (is_dns_subdomain(text)) return std::string(text);
  return Error{Errc::kBadValue, std::string(where),
               "is not a name of 1 to 253 lower-case letters, digits, '-' and '.'"};
}

Status check_unique(const std::vector<InventoryNode>& nodes, std::string_view path) {
  std::map<std::string, std::size_t> names;
  std::map<std::string, std::size_t> machines;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto [name, new_name] = names.emplace(nodes[i].node, i);
    if (!new_name) {
      return Error{Errc::kDuplicate, at(path, i),
                   "names node " + nodes[i].node + ", as " + at(path, name->second) + " does"};
    }
    const auto [machine, new_machine] = machines.emplace(vm_key(nodes[i].vm_id), i);
    if (!new_machine) {
      return Error{Errc::kDuplicate, at(path, i),
                   "names VM " + nodes[i].vm_id + ", as " + at(path, machine->second) + " does"};
    }
  }
  return Ok{};
}

Result<NodeInventory> parse_node_inventory(const JsonValue& object) {
  NODEPROOF_CHECK(check_own_kind(object, kKind));
  NODEPROOF_TRY(meta, parse_metadata(object));
  NodeInventory out;
  NODEPROOF_TRY(name, object_name(meta.name, object.path() + ".metadata.name"));
  NODEPROOF_TRY(spec, object.required("spec"));
  NODEPROOF_CHECK(spec.only({"nodes"}));
  NODEPROOF_TRY(list, spec.required("nodes"));
  NODEPROOF_TRY(entries, list.array());
  if (entries.empty()) return Error{Errc::kBadValue, list.path(), "is empty; delete the object instead"};
  if (entries.size() > kMaxInventoryNodes) {
    return Error{Errc::kTooLarge, list.path(),
                 "has " + std::to_string(entries.size()) + " nodes, the limit is " +
                     std::to_string(kMaxInventoryNodes) + "; write one NodeInventory for each scale set"};
  }
  out.nodes.reserve(entries.size());
  for (const JsonValue& entry : entries) {
    NODEPROOF_TRY(node, parse_entry(entry));
    out.nodes.push_back(std::move(node));
  }
  NODEPROOF_CHECK(check_unique(out.nodes, list.path()));
  out.name = std::move(name);
  return out;
}

std::string to_json(const NodeInventory& inventory) {
  value nodes = value::array();
  for (std::size_t i = 0; i < inventory.nodes.size(); ++i) {
    nodes[i]["node"] = json_text(inventory.nodes[i].node);
    nodes[i]["vmId"] = json_text(inventory.nodes[i].vm_id);
  }
  value object = value::object();
  object["apiVersion"] = value::string(kOwnApiVersion);
  object["kind"] = value::string(std::string(kKind));
  object["metadata"]["name"] = json_text(inventory.name);
  object["spec"]["nodes"] = std::move(nodes);
  return object.serialize();
}

// Quoted, because a name may consist of digits.
std::string to_yaml(const NodeInventory& inventory) {
  std::string out = "apiVersion: " + std::string(kOwnApiVersion) + "\nkind: " + std::string(kKind) +
                    "\nmetadata:\n  name: \"" + inventory.name + "\"\nspec:\n  nodes:\n";
  for (const InventoryNode& item : inventory.nodes)
    out += "    - {node: \"" + item.node + "\", vmId: \"" + item.vm_id + "\"}\n";
  return out;
}

}  // namespace nodeproof::wire
