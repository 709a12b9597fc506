#include "webhook/pod_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/json_objects.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

const std::string kFirst = "00000001-0000-4000-8000-0123456789ab";
const std::string kSecond = "00000002-0000-4000-8000-0123456789ab";
const std::string kSameHash = "00000001-ffff-4000-8000-0123456789ab";

std::string pod(const std::string& name, const std::string& uid, const std::string& annotations = "{}",
                const std::string& spec = "{}", const std::string& ns = "demo") {
  return R"({"metadata":{"name":")" + name + R"(","namespace":")" + ns + R"(","uid":")" + uid +
         R"(","annotations":)" + annotations + R"(},"spec":)" + spec + "}";
}

class Directory : public ::testing::Test {
 protected:
  void list(const std::vector<std::string>& pods) { testing::replace(handler_, pods); }
  void update(const std::string& json) { testing::update(handler_, json); }

  PodDirectory directory_;
  kube::WatchHandler handler_ = directory_.handler();
};

TEST_F(Directory, KeepsWhatADecisionNeeds) {
  list({pod("web-0", kFirst,
            R"({"a":"b","nodeproof.dev/policy":"confidential","nodeproof.dev/max-evidence-age":""})"),
        pod("web-1", kSecond, "null", "{}", "other")});
  const auto first = directory_.find(kFirst);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->name, "web-0");
  EXPECT_EQ(first->ns, "demo");
  EXPECT_EQ(first->uid, kFirst);
  EXPECT_EQ(first->node_name, "");
  EXPECT_THAT(first->markers, ElementsAre(Pair("nodeproof.dev/max-evidence-age", ""),
                                          Pair("nodeproof.dev/policy", "confidential")));
  const auto second = directory_.find(kSecond);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->ns, "other");
  EXPECT_THAT(second->markers, IsEmpty());
}

TEST_F(Directory, TheWholeUidCounts) {
  list({pod("web-0", kFirst)});
  EXPECT_FALSE(directory_.find(kSameHash));
  EXPECT_FALSE(directory_.find(kSecond));
  for (const char* uid : {"", "x", "00000001-0000-4000-8000-0123456789AB", "00000001"}) {
    EXPECT_FALSE(directory_.find(uid)) << uid;
  }
}

TEST_F(Directory, FollowsEvents) {
  list({pod("web-0", kFirst)});
  update(pod("web-0", kFirst, R"({"nodeproof.dev/policy":"p"})"));
  EXPECT_THAT(directory_.find(kFirst)->markers, ElementsAre(Pair("nodeproof.dev/policy", "p")));
  update(pod("web-1", kSecond));
  EXPECT_EQ(directory_.size(), 2U);
  testing::remove(handler_, pod("web-0", kFirst));
  EXPECT_FALSE(directory_.find(kFirst));
  update(pod("web-1", kSecond, "{}", R"({"nodeName":"cvm-1"})"));
  EXPECT_FALSE(directory_.find(kSecond)) << "bound pods leave";
  testing::remove(handler_, pod("web-1", kSecond));
  EXPECT_EQ(directory_.size(), 0U);
}

TEST_F(Directory, WhatAListDoesNotBringIsGoneWhenItEnds) {
  list({pod("web-0", kFirst), pod("web-1", kSecond)});
  handler_.begin();
  EXPECT_TRUE(directory_.find(kFirst)) << "known until the list says otherwise";
  update(pod("web-1", kSecond));
  handler_.begin();  // that list failed half-way
  update(pod("web-0", kFirst));
  handler_.listed();
  EXPECT_TRUE(directory_.find(kFirst));
  EXPECT_FALSE(directory_.find(kSecond));
}

TEST_F(Directory, HoldsAsManyAsWait) {
  const auto uid = [](int i) { return "0000" + std::to_string(1000 + i) + "-0000-4000-8000-0123456789ab"; };
  for (const int count : {3000, 1, 500}) {
    std::vector<std::string> pods;
    for (int i = 0; i < count; ++i) {
      // Of all lengths, also some that no pool of memory takes.
      const std::string value(static_cast<std::size_t>(i % 700), 'v');
      pods.push_back(pod("web-" + std::to_string(i), uid(i), R"({"nodeproof.dev/policy":")" + value + "\"}",
                         "{}", "team-" + std::to_string(i % 7)));
    }
    list(pods);
    ASSERT_EQ(directory_.size(), static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      const auto found = directory_.find(uid(i));
      ASSERT_TRUE(found) << i;
      EXPECT_EQ(found->name, "web-" + std::to_string(i));
      EXPECT_EQ(found->ns, "team-" + std::to_string(i % 7));
      EXPECT_EQ(found->markers.at("nodeproof.dev/policy").size(), static_cast<std::size_t>(i % 700));
    }
    EXPECT_FALSE(directory_.find(uid(count)));
    list({});
    ASSERT_EQ(directory_.size(), 0U);
  }
}

TEST_F(Directory, PodsThatCannotBeReadAreNotKept) {
  const std::string nul = "web-0\\u0000x";
  list({pod("web-0", "not-a-uuid"), pod(nul, kFirst), pod("", kSecond), pod("web-0", kFirst, "[]"),
        pod("web-0", kFirst, R"({"nodeproof.dev/policy":7})"), pod("web-0", kFirst, "{}", "null"), "{}"});
  EXPECT_EQ(directory_.size(), 0U);
  update(pod("web-0", kFirst));
  update(pod(nul, kFirst));
  EXPECT_FALSE(directory_.find(kFirst)) << "nor is what was known before";
}

}  // namespace
}  // namespace nodeproof::webhook
