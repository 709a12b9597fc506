#include "wire/node_inventory.hpp"

#include "tests/unit/wire/json_text.hpp"

namespace nodeproof::wire {
namespace {

constexpr const char* kVm = "0f8fad5b-d9cb-469f-a165-70867728950e";
constexpr const char* kVmSwapped = "5bad8f0f-cbd9-9f46-a165-70867728950e";

const std::string kTwo = R"({"apiVersion": "nodeproof.dev/v1alpha1", "kind": "NodeInventory",
  "metadata": {"name": "pool"}, "spec": {"nodes": [
  {"node": "aks-pool-1", "vmId": "0F8FAD5B-d9cb-469f-a165-70867728950e"},
  {"node": "aks-pool-2", "vmId": "7c9e6679-7425-40de-944b-e07fc1f90ae7"}]}})";

std::string with_nodes(std::size_t count) {
  std::string nodes;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(10000 + i);
    nodes += (i == 0 ? "" : ",") +
             (R"({"node":"n-)" + number + R"(","vmId":"0f8fad5b-d9cb-469f-a165-7086772)") + number + R"("})";
  }
  return R"({"metadata":{"name":"pool"},"spec":{"nodes":[)" + nodes + "]}}";
}

TEST(NodeInventory, GoesThroughJsonUnchangedInLowerCase) {
  const auto inventory = parsed(kTwo, parse_node_inventory);
  ASSERT_TRUE(inventory) << to_string(inventory.error());
  EXPECT_EQ(inventory->name, "pool");
  ASSERT_EQ(inventory->nodes.size(), 2U);
  EXPECT_EQ(inventory->nodes[0], (InventoryNode{"aks-pool-1", kVm}));
  const auto back = parsed(to_json(*inventory), parse_node_inventory);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(back->name, inventory->name);
  EXPECT_EQ(back->nodes, inventory->nodes);
}

TEST(NodeInventory, YamlSaysTheSame) {
  EXPECT_EQ(
      to_yaml({"123", {{"456", kVm}}}),
      "apiVersion: nodeproof.dev/v1alpha1\nkind: NodeInventory\nmetadata:\n  name: \"123\"\nspec:\n  nodes:\n"
      "    - {node: \"456\", vmId: \"0f8fad5b-d9cb-469f-a165-70867728950e\"}\n");
}

TEST(NodeInventory, RefusesOtherObjectsAndMembers) {
  const Refusal cases[] = {
      {R"("nodeproof.dev/v1alpha1")", R"("v1")", Errc::kUnsupported, "apiVersion"},
      {R"("NodeInventory")", R"("NodeQuote")", Errc::kUnsupported, "kind"},
      {R"("pool")", R"("")", Errc::kBadValue, "metadata.name"},
      {R"("spec")", R"("Spec")", Errc::kMissing, "spec"},
      {R"("nodes")", R"("Nodes")", Errc::kUnknownField, "spec.Nodes"},
      {R"("spec": {)", R"("spec": {"source": "x", )", Errc::kUnknownField, "spec.source"},
      {R"("aks-pool-2", )", R"("aks-pool-2", "zone": 1, )", Errc::kUnknownField, "nodes[1].zone"},
      {R"("aks-pool-2", )", R"("aks-pool-2", "node": "b", )", Errc::kDuplicate, "node"},
      {R"("node": "aks-pool-2", )", "", Errc::kMissing, "nodes[1].node"},
  };
  expect_refusals(kTwo, parse_node_inventory, cases);
}

TEST(NodeInventory, RefusesBadValues) {
  const Refusal cases[] = {
      {"aks-pool-2", "aks_pool-2", Errc::kBadValue, "nodes[1].node"},
      {"aks-pool-2", "AKS-pool-2", Errc::kBadValue, "nodes[1].node"},
      {"aks-pool-2", "-aks-pool", Errc::kBadValue, "nodes[1].node"},
      {"aks-pool-2", "aks-pool.", Errc::kBadValue, "nodes[1].node"},
      {"aks-pool-2", "", Errc::kBadValue, "nodes[1].node"},
      {"aks-pool-2", std::string(254, 'a'), Errc::kBadValue, "nodes[1].node"},
      {"7c9e6679-7425-40de-944b-e07fc1f90ae7", "7c9e6679", Errc::kBadValue, "nodes[1].vmId"},
      {R"("7c9e6679-7425-40de-944b-e07fc1f90ae7")", "7", Errc::kWrongType, "nodes[1].vmId"},
  };
  expect_refusals(kTwo, parse_node_inventory, cases);
}

TEST(NodeInventory, EachNodeAndEachVmStandsThereOnce) {
  const Refusal cases[] = {
      {"aks-pool-2", "aks-pool-1", Errc::kDuplicate, "nodes[1]"},
      {"7c9e6679-7425-40de-944b-e07fc1f90ae7", kVm, Errc::kDuplicate, "nodes[1]"},
      {"7c9e6679-7425-40de-944b-e07fc1f90ae7", kVmSwapped, Errc::kDuplicate, "nodes[1]"},
  };
  expect_refusals(kTwo, parse_node_inventory, cases);
  const auto twice = parsed(edited(kTwo, "aks-pool-2", "aks-pool-1"), parse_node_inventory);
  EXPECT_NE(twice.error().detail.find("as object.spec.nodes[0] does"), std::string::npos)
      << twice.error().detail;
}

TEST(NodeInventory, HoldsOneToAThousandNodes) {
  EXPECT_FALSE(parsed(with_nodes(0), parse_node_inventory));
  EXPECT_TRUE(parsed(with_nodes(kMaxInventoryNodes), parse_node_inventory));
  const auto many = parsed(with_nodes(kMaxInventoryNodes + 1), parse_node_inventory);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, Errc::kTooLarge);
}

TEST(NodeInventory, EveryPrefixIsRefused) {
  expect_prefixes_refused(kTwo, parse_node_inventory);
}

TEST(NodeInventory, OneVmHasOneKeyInEitherByteOrder) {
  EXPECT_EQ(vm_key(kVm), vm_key(kVmSwapped));
  EXPECT_NE(vm_key(kVm), vm_key("7c9e6679-7425-40de-944b-e07fc1f90ae7"));
}

}  // namespace
}  // namespace nodeproof::wire
