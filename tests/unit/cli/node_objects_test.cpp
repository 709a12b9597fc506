#include "cli/node_objects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/cli/published_node.hpp"

namespace nodeproof::cli {
namespace {

using test::TemporaryFolder;
using ::testing::HasSubstr;
using testing::list_of;
using testing::make_node_evidence;
using testing::make_node_quote;

std::string error_of(const std::string& text, const std::string& node = {}) {
  const TemporaryFolder folder;
  const auto objects = read_node_objects(folder.write("f", text), node);
  return objects ? std::string() : to_string(objects.error());
}

std::string evidence_named(const std::string& name) {
  wire::NodeEvidence evidence = make_node_evidence();
  evidence.name = name;
  return to_json(evidence);
}

TEST(NodeObjects, OfSeveralNodesOneMustBeNamed) {
  const std::string both = list_of({evidence_named("a"), evidence_named("b")});
  EXPECT_THAT(error_of(both), HasSubstr("name one of a, b"));
  EXPECT_EQ(error_of(both, "b"), "");
  EXPECT_THAT(error_of(both, "c"), HasSubstr("holds nothing of node c"));
}

TEST(NodeObjects, WhatComesTwiceIsRefused) {
  EXPECT_THAT(error_of(list_of({evidence_named("a"), evidence_named("a")})),
              HasSubstr("is a second NodeEvidence a"));
  EXPECT_THAT(error_of("a: 1\na: 2\n"), HasSubstr("duplicate"));
}

TEST(NodeObjects, OtherKindsAreRefusedByName) {
  EXPECT_THAT(error_of("kind: Pod\nmetadata: {name: x}"), HasSubstr("is Pod, must be NodeEvidence"));
  EXPECT_THAT(error_of("metadata: {name: x}"), HasSubstr("kind"));
  EXPECT_THAT(error_of("kind: Node\nmetadata: {}"), HasSubstr("metadata.name"));
  EXPECT_THAT(error_of("# nothing\n"), HasSubstr("holds no NodeEvidence"));
}

TEST(NodeObjects, AnObjectThatCannotBeReadIsKeptAsAnError) {
  const TemporaryFolder folder;
  const auto objects =
      read_node_objects(folder.write("f", "kind: NodeQuote\nmetadata: {name: x}\nspec: {odd: 1}\n"), {});
  ASSERT_TRUE(objects) << to_string(objects.error());
  ASSERT_TRUE(objects->quote);
  EXPECT_FALSE(*objects->quote);
  EXPECT_FALSE(objects->evidence);
}

}  // namespace
}  // namespace nodeproof::cli
