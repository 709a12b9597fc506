#include "webhook/snapshot.hpp"

#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"

namespace nodeproof::webhook {
namespace {

using testing::entry;
using testing::kNodeUid;
using testing::kOtherUuid;

std::vector<std::string> names_in(const NodeMap& nodes) {
  std::vector<std::string> out;
  for (const NodeMap::Entry& node : nodes) out.push_back(node->name);
  return out;
}

NodeMap nodes_named(const std::vector<std::string>& names) {
  NodeMap out;
  for (const std::string& name : names) out.put(entry(name, kNodeUid, nullptr));
  return out;
}

TEST(NodeMap, IsInTheOrderOfNamesHoweverTheyCame) {
  EXPECT_EQ(names_in(nodes_named({"m", "z", "a", "n"})), (std::vector<std::string>{"a", "m", "n", "z"}));
}

TEST(NodeMap, FindsByTheWholeName) {
  const NodeMap nodes = nodes_named({"cvm-1", "cvm-10", "cvm-2"});
  EXPECT_EQ(nodes.size(), 3U);
  EXPECT_EQ(nodes.at("cvm-10").name, "cvm-10");
  for (const char* absent : {"", "cvm", "cvm-", "cvm-11", "cvm-3"}) {
    EXPECT_EQ(nodes.find(absent), nullptr) << absent;
    EXPECT_FALSE(nodes.contains(absent)) << absent;
    EXPECT_THROW(nodes.at(absent), std::out_of_range) << absent;
  }
}

TEST(NodeMap, ReplacesANodeOfTheSameName) {
  for (const char* name : {"a", "b", "c"}) {
    NodeMap nodes = nodes_named({"a", "b", "c"});
    nodes.put(entry(name, kOtherUuid, nullptr));
    EXPECT_EQ(names_in(nodes), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(nodes.at(name).uid(), kOtherUuid);
  }
}

TEST(NodeMap, IsEmptyAtFirst) {
  EXPECT_TRUE(NodeMap().empty());
  EXPECT_EQ(NodeMap().find("a"), nullptr);
}

}  // namespace
}  // namespace nodeproof::webhook
