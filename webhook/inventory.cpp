#include "webhook/inventory.hpp"

#include <algorithm>

#include "base/uuid.hpp"

namespace nodeproof::webhook {
namespace {

using attest::Check;

constexpr Check kThis = Check::kNodeInventory;
constexpr const char* kImportRemedy =
    "ask a cluster administrator to write the node's scale set down in a "
    "NodeInventory (az vmss list-instances prints the vmId)";

}  // namespace

void Inventory::put(const std::string& object, Result<wire::NodeInventory> inventory) {
  objects_.insert_or_assign(object, std::move(inventory));
  index();
}

void Inventory::erase(const std::string& object) {
  if (objects_.erase(object) != 0) index();
}

// One object has each node and VM once; several together may not, and then none of the entries counts.
void Inventory::index() {
  nodes_.clear();
  std::map<std::string, std::string> holders;  // of a VM: the node
  for (const auto& [object, inventory] : objects_) {
    if (!inventory) continue;
    for (const wire::InventoryNode& item : inventory->nodes) {
      const auto [entry, first] = nodes_.emplace(item.node, Entry{item.vm_id, object, {}});
      if (!first)
        entry->second.conflict =
            "NodeInventories " + entry->second.object + " and " + object + " both name it";
      const auto [holder, free] = holders.emplace(wire::vm_key(item.vm_id), item.node);
      if (free || holder->second == item.node) continue;
      entry->second.conflict = "its VM is that of node " + holder->second + " as well";
      nodes_.at(holder->second).conflict = "its VM is that of node " + item.node + " as well";
    }
  }
}

attest::Finding Inventory::judge(std::string_view node, const attest::NodeClaims& claims) const {
  if (objects_.empty())
    return attest::not_checked(kThis, "no-inventory", "there is no NodeInventory", kImportRemedy);
  const auto found = nodes_.find(node);
  if (found == nodes_.end()) {
    const auto broken =
        std::find_if(objects_.begin(), objects_.end(), [](const auto& item) { return !item.second; });
    if (broken != objects_.end()) {
      return attest::not_checked(
          kThis, "unreadable",
          "NodeInventory " + broken->first + " cannot be used: " + to_string(broken->second.error()),
          "ask a cluster administrator to correct it");
    }
    return attest::not_checked(kThis, "not-listed", "no NodeInventory names this node", kImportRemedy);
  }
  const Entry& entry = found->second;
  if (!entry.conflict.empty()) {
    return attest::not_checked(kThis, "ambiguous",
                               "the inventory is ambiguous about this node: " + entry.conflict,
                               "ask a cluster administrator to correct it");
  }
  const std::string told = attest::vm_id_of(claims.boot, claims.quote);
  if (told.empty()) {
    return attest::not_checked(kThis, "no-vm-id", "nothing proves which VM the node is",
                               "see the findings of its NodeAttestation");
  }
  const auto proven = uuid_any_case(told, "vmUniqueId");
  if (proven && wire::vm_key(*proven) == wire::vm_key(entry.vm_id)) return attest::passed(kThis);
  return attest::failed(kThis, "other-vm",
                        "the evidence is of VM " + told + ", NodeInventory " + entry.object + " names VM " +
                            entry.vm_id + " for this node",
                        "if the node was replaced, correct the inventory; otherwise treat it as compromised: "
                        "its evidence is of another machine");
}

}  // namespace nodeproof::webhook
