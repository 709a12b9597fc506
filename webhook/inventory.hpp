// What the cluster's NodeInventories say of a node's VM (DESIGN 3.2 f). A value.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "attest/appraise.hpp"
#include "wire/node_inventory.hpp"

namespace nodeproof::webhook {

class Inventory {
 public:
  // Replaces the object of that name. An Error stays as such: the object may name any node.
  void put(const std::string& object, Result<wire::NodeInventory> inventory);
  void erase(const std::string& object);

  // Whether `claims` are of the VM that the inventory names for this node: passed, failed, or not checked
  // where it does not say. Only passed ties the node to its VM.
  attest::Finding judge(std::string_view node, const attest::NodeClaims& claims) const;

 private:
  struct Entry {
    std::string vm_id;
    std::string object;
    std::string conflict;  // with which other entry; empty: none
  };

  void index();

  std::map<std::string, Result<wire::NodeInventory>> objects_;
  std::map<std::string, Entry, std::less<>> nodes_;  // of all objects, by name of the Node
};

}  // namespace nodeproof::webhook
