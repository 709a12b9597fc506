#include "cli/inventory_import.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "attest/strict_json.hpp"
#include "tests/unit/cli/published_node.hpp"

namespace nodeproof::cli {
namespace {

using ::testing::HasSubstr;

constexpr const char* kVm1 = "6F9D0F6C-3C0A-4A51-9F43-4D0A5F3C2B10";
constexpr const char* kVm2 = "11111111-2222-4333-8444-555555555555";

std::string instance(const std::string& computer, const std::string& vm) {
  return R"({"instanceId":"0","name":"pool_0","zones":["1"],"vmId":")" + vm +
         R"(","osProfile":{"adminUsername":"azureuser","computerName":")" + computer + R"("}})";
}

Result<wire::NodeInventory> import(const std::string& json, const std::string& name = "pool") {
  return inventory_of(as_bytes(json), name);
}

TEST(InventoryImport, TakesNodeAndVmOfEachInstance) {
  const auto inventory =
      import("[" + instance("aks-Pool-vmss000000", kVm1) + "," + instance("aks-pool-vmss000001", kVm2) + "]");
  ASSERT_TRUE(inventory) << to_string(inventory.error());
  EXPECT_EQ(inventory->name, "pool");
  ASSERT_EQ(inventory->nodes.size(), 2U);
  EXPECT_EQ(inventory->nodes[0].node, "aks-pool-vmss000000");
  EXPECT_EQ(inventory->nodes[0].vm_id, "6f9d0f6c-3c0a-4a51-9f43-4d0a5f3c2b10");
}

TEST(InventoryImport, NamesWhatIsWrongAndWhere) {
  const std::string good = instance("node-1", kVm1);
  const auto refused = [](const std::string& json, const std::string& what,
                          const std::string& name = "pool") {
    const auto inventory = import(json, name);
    ASSERT_FALSE(inventory) << json;
    EXPECT_THAT(to_string(inventory.error()), HasSubstr(what)) << json;
  };
  refused("{}", "instances");
  refused("[]", "is empty");
  refused("[" + good, "instances");
  refused("[" + good + R"(,{"osProfile":{"computerName":"n"}}])", "[1].vmId");
  refused("[" + good + R"(,{"vmId":")" + kVm2 + R"("}])", "[1].osProfile");
  refused("[" + instance("node-1", "no-uuid") + "]", "[0].vmId");
  refused("[" + instance("node_1", kVm1) + "]", "[0].osProfile.computerName");
  refused("[" + good + "," + instance("node-1", kVm2) + "]", "instances[1]: names node node-1");
  refused("[" + good + "," + instance("node-2", kVm1) + "]", "instances[1]: names VM");
  refused("[" + good + "]", "--name", "Pool 1");
}

TEST(InventoryImport, PrintsAManifestOrNothing) {
  const test::TemporaryFolder folder;
  ImportOptions options{folder.write("list.json", "[" + instance("node-1", kVm1) + "]"), "pool", false};
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(import_inventory(options, out, err), kVerified) << err.str();
  EXPECT_THAT(out.str(), HasSubstr("kind: NodeInventory"));
  EXPECT_THAT(out.str(), HasSubstr(R"(- {node: "node-1", vmId: "6f9d0f6c-3c0a-4a51-9f43-4d0a5f3c2b10"})"));
  options.json = true;
  out.str({});
  EXPECT_EQ(import_inventory(options, out, err), kVerified);
  const auto document = attest::JsonDocument::parse(as_bytes(out.str()), 1U << 20U, "out");
  ASSERT_TRUE(document);
  EXPECT_TRUE(wire::parse_node_inventory(document->root()));
  options.file = folder.write("bad.json", "[{}]");
  out.str({});
  EXPECT_EQ(import_inventory(options, out, err), kUsage);
  EXPECT_EQ(out.str(), "");
  EXPECT_THAT(err.str(), HasSubstr("vmId"));
}

}  // namespace
}  // namespace nodeproof::cli
