#include "wire/node_inventory.hpp"

#include "tests/fuzz/json_object.hpp"

namespace nodeproof::fuzz {

bool one_input(ByteView input) {
  const auto inventory = parse_json(input, wire::parse_node_inventory);
  if (!accepted(inventory)) return false;
  const auto back =
      accepted_again(parse_json(as_bytes(wire::to_json(*inventory)), wire::parse_node_inventory));
  require(back.name == inventory->name && back.nodes == inventory->nodes,
          "NodeInventory goes through JSON unchanged");
  return true;
}

}  // namespace nodeproof::fuzz
