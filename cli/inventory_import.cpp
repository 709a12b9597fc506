#include "cli/inventory_import.hpp"

#include <algorithm>
#include <ostream>

#include "attest/strict_json.hpp"
#include "base/file.hpp"
#include "base/uuid.hpp"
#include "cli/input.hpp"

namespace nodeproof::cli {
namespace {

using attest::JsonValue;

constexpr std::size_t kMaxList = std::size_t{16} << 20U;  // bytes; an instance has some 5 KiB

Result<wire::InventoryNode> parse_instance(const JsonValue& instance) {
  NODEPROOF_TRY(vm, instance.required("vmId"));
  NODEPROOF_TRY(vm_text, vm.string());
  NODEPROOF_TRY(vm_id, uuid_any_case(vm_text, vm.path()));
  NODEPROOF_TRY(profile, instance.required("osProfile"));
  NODEPROOF_TRY(computer, profile.required("computerName"));
  NODEPROOF_TRY(text, computer.string());
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  NODEPROOF_TRY(node, wire::object_name(lower, computer.path()));
  return wire::InventoryNode{std::move(node), std::move(vm_id)};
}

}  // namespace

Result<wire::NodeInventory> inventory_of(ByteView instances, const std::string& name) {
  wire::NodeInventory out;
  NODEPROOF_TRY(object_name, wire::object_name(name, "--name"));
  out.name = std::move(object_name);
  NODEPROOF_TRY(document, attest::JsonDocument::parse(instances, kMaxList, "instances"));
  NODEPROOF_TRY(list, document.root().array());
  if (list.empty()) {
    return Error{Errc::kBadValue, "instances", "is empty; a scale set without instances needs no inventory"};
  }
  if (list.size() > wire::kMaxInventoryNodes) {
    return Error{Errc::kTooLarge, "instances",
                 "has " + std::to_string(list.size()) + " instances, the limit is " +
                     std::to_string(wire::kMaxInventoryNodes)};
  }
  for (const JsonValue& instance : list) {
    NODEPROOF_TRY(node, parse_instance(instance));
    out.nodes.push_back(std::move(node));
  }
  NODEPROOF_CHECK(wire::check_unique(out.nodes, "instances"));
  return out;
}

ExitCode import_inventory(const ImportOptions& options, std::ostream& out, std::ostream& err) {
  return run_verb("inventory import", err, [&]() -> Result<ExitCode> {
    NODEPROOF_TRY(inventory, inventory_of(read_file(options.file, kMaxList), options.name));
    out << (options.json ? wire::to_json(inventory) + "\n" : wire::to_yaml(inventory));
    return kVerified;
  });
}

}  // namespace nodeproof::cli
