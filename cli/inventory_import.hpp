// `nodeproof inventory import`: a NodeInventory of what `az vmss list-instances` prints.
#pragma once

#include <iosfwd>
#include <string>

#include "base/bytes.hpp"
#include "cli/verdict.hpp"
#include "wire/node_inventory.hpp"

namespace nodeproof::cli {

struct ImportOptions {
  std::string file;  // "-": standard input
  std::string name;  // of the NodeInventory: the scale set's
  bool json = false;
};

// A JSON array of instances; of each, vmId and osProfile.computerName, which in lower case is the Node's name
// on AKS. Other members are tolerated. Errors name the instance.
Result<wire::NodeInventory> inventory_of(ByteView instances, const std::string& name);

// Prints a manifest for kubectl apply -f -; nothing is printed of a file that has an error.
ExitCode import_inventory(const ImportOptions& options, std::ostream& out, std::ostream& err);

}  // namespace nodeproof::cli
