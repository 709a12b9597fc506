#include "webhook/node_taints.hpp"

#include <cpprest/json.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/json_objects.hpp"

namespace nodeproof::webhook {
namespace {

using testing::JsonObject;
using web::json::value;

const wire::Taint kTaint{"nodeproof.dev/failed", "NoExecute"};

// "key:effect key:effect"; absent: no list.
std::string node_with(const std::optional<std::string>& taints) {
  std::string list;
  if (taints) list = R"(,"taints":[)" + *taints + "]";
  return R"({"metadata":{"name":"n","uid":"u","resourceVersion":"7"},"spec":{"podCIDR":"x")" + list + "}}";
}
std::string taint(const std::string& key, const std::string& effect, const std::string& more = {}) {
  return R"({"key":")" + key + R"(","effect":")" + effect + "\"" + more + "}";
}

// The place that a path of a patch names: by members, an index of spec.taints, or "-" for its end.
value& at(value& root, const std::string& path) {
  value* place = &root;
  std::size_t begin = 1;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string step = path.substr(begin, end - begin);
    if (place->is_array()) {
      auto& items = place->as_array();
      place = &items[step == "-" ? items.size() : std::stoul(step)];
    } else {
      place = &(*place)[step];
    }
    begin = end + 1;
  }
  return *place;
}

// As RFC 6902 has test, add and remove, as far as patches of taints need; false when a test fails.
bool apply(value& node, const value& patch) {
  for (const value& step : patch.as_array()) {
    const std::string op = step.at("op").as_string();
    const std::string path = step.at("path").as_string();
    if (op == "test") {
      if (at(node, path) != step.at("value")) return false;
    } else if (op == "add") {
      at(node, path) = step.at("value");
    } else {
      const std::size_t slash = path.rfind('/');
      at(node, path.substr(0, slash)).as_array().erase(std::stoul(path.substr(slash + 1)));
    }
  }
  return true;
}

std::string keys_of(const value& node) {
  std::string out;
  if (!node.at("spec").has_field("taints")) return "none";
  for (const value& item : node.at("spec").at("taints").as_array())
    out += item.at("key").as_string() + ":" + item.at("effect").as_string() + " ";
  return out;
}

// What the Node's taints are afterwards; "unchanged", or "conflict" when the Node changed to `now` meanwhile.
std::string patched(const std::string& read, bool wanted,
                    const std::optional<std::string>& now = std::nullopt, const std::string& uid = "u") {
  const JsonObject object(read);
  const auto patch = taint_patch(object.value(), uid, kTaint, wanted);
  if (!patch) return to_string(patch.error());
  if (!*patch) return "unchanged";
  value node = value::parse(now.value_or(read));
  return apply(node, value::parse(**patch)) ? keys_of(node) : "conflict";
}

const std::string kOurs =
    taint("nodeproof.dev/failed", "NoExecute", R"(,"timeAdded":"2026-08-25T00:00:00Z")");
const std::string kForeign = taint("example.com/maintenance", "NoExecute");
const std::string kSameKey = taint("nodeproof.dev/failed", "NoSchedule");

TEST(NodeTaints, ArePutBesideTheOthers) {
  EXPECT_EQ(patched(node_with(std::nullopt), true), "nodeproof.dev/failed:NoExecute ");
  EXPECT_EQ(patched(node_with(""), true), "nodeproof.dev/failed:NoExecute ");
  EXPECT_EQ(
      patched(node_with(kForeign + "," + kSameKey), true),
      "example.com/maintenance:NoExecute nodeproof.dev/failed:NoSchedule nodeproof.dev/failed:NoExecute ");
  EXPECT_EQ(patched(node_with(kOurs), true), "unchanged");
}

// Neither what shares the effect nor what shares the key goes with it.
TEST(NodeTaints, AreTakenOffAlone) {
  EXPECT_EQ(patched(node_with(kForeign + "," + kOurs + "," + kSameKey), false),
            "example.com/maintenance:NoExecute nodeproof.dev/failed:NoSchedule ");
  EXPECT_EQ(patched(node_with(kOurs), false), "");
  for (const auto& taints : {std::optional<std::string>(), std::optional(kForeign), std::optional(kSameKey)})
    EXPECT_EQ(patched(node_with(taints), false), "unchanged");
}

TEST(NodeTaints, ANodeThatChangedMeanwhileIsLeftAlone) {
  EXPECT_EQ(patched(node_with(kForeign + "," + kOurs), false, node_with(kOurs + "," + kForeign)), "conflict");
  std::string begun = node_with(kForeign);
  begun.replace(begun.find("\"7\""), 3, "\"8\"");
  EXPECT_EQ(patched(node_with(std::nullopt), true, begun), "conflict")
      << "a list that somebody began is not replaced";
  EXPECT_EQ(
      patched(node_with(kForeign), true, node_with(kForeign + "," + kSameKey)),
      "example.com/maintenance:NoExecute nodeproof.dev/failed:NoSchedule nodeproof.dev/failed:NoExecute ");
  std::string other = node_with(kForeign);
  other.replace(other.find("\"u\""), 3, "\"v\"");
  EXPECT_EQ(patched(node_with(kForeign), true, other), "conflict") << "a new Node of that name";
}

TEST(NodeTaints, AnotherNodeThanWasMeantIsLeftAlone) {
  EXPECT_EQ(patched(node_with(kForeign), true, std::nullopt, "v"), "unchanged");
  EXPECT_EQ(patched(node_with(kOurs), false, std::nullopt, "v"), "unchanged");
}

TEST(NodeTaints, WhatCannotBeReadIsNotTouched) {
  EXPECT_NE(patched(R"({"metadata":{"uid":"u"}})", true).find("spec"), std::string::npos);
  EXPECT_NE(patched(R"({"metadata":{"uid":"u"},"spec":{"taints":{}}})", true).find("taints"),
            std::string::npos);
}

}  // namespace
}  // namespace nodeproof::webhook
