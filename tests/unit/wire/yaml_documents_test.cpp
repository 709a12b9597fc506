#include "wire/yaml_documents.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nodeproof::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string one(const std::string& yaml) {
  const auto documents = yaml_documents(yaml, "f.yaml");
  if (!documents) return to_string(documents.error());
  return documents->size() == 1 ? documents->front() : std::to_string(documents->size()) + " documents";
}

TEST(YamlDocuments, ScalarsBecomeWhatJsonWouldWrite) {
  EXPECT_EQ(one("{n: null, e: , t: true, i: 12, m: -3, z: 0}"),
            R"({"e":null,"i":12,"m":-3,"n":null,"t":true,"z":0})");
  EXPECT_EQ(one(R"({q: "12", s: 'true', h: 0x10, o: 010, y: yes, d: 1.5, big: 9999999999999999999})"),
            R"({"big":"9999999999999999999","d":"1.5","h":"0x10","o":"010","q":"12","s":"true","y":"yes"})");
  EXPECT_EQ(one("a: [1, {b: c}]\n"), R"({"a":[1,{"b":"c"}]})");
}

TEST(YamlDocuments, SeveralComeInOrderAndEmptyOnesAreLeftOut) {
  const auto documents = yaml_documents("---\na: 1\n---\n---\nb: 2\n", "f.yaml");
  ASSERT_TRUE(documents) << to_string(documents.error());
  EXPECT_THAT(*documents, ElementsAre(R"({"a":1})", R"({"b":2})"));
  std::string many;
  for (int i = 0; i <= kMaxYamlDocuments; ++i) many += "---\na: 1\n";
  EXPECT_THAT(one(many), HasSubstr("more than 64 YAML documents"));
}

TEST(YamlDocuments, WhatMeansTwoThingsOrNeverEndsIsRefused) {
  EXPECT_THAT(one("a: 1\na: 2\n"), HasSubstr("f.yaml:2:1: a: appears twice"));
  EXPECT_THAT(one(", x"), HasSubstr("f.yaml"));
  EXPECT_THAT(one("a: [\n"), HasSubstr("f.yaml:"));
  EXPECT_THAT(one("a: \x04"), HasSubstr("control character"));
  std::string bomb = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + ", " + before + "]\n";
  }
  EXPECT_THAT(one(bomb), HasSubstr("too-large"));
}

}  // namespace
}  // namespace nodeproof::wire
