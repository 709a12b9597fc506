#include "webhook/ak_holders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kNow;

constexpr Seconds kMaxAge{600};
constexpr const char* kOtherVm = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

// Of the same AK: nodes whose quotes are so old.
std::vector<AkHolder> holders(const std::vector<std::pair<std::string, Seconds>>& nodes) {
  std::vector<AkHolder> out;
  for (const auto& [name, age] : nodes) {
    NodeTrust trust = *testing::verified_trust();
    attest::NodeClaims claims = *trust.claims;
    claims.quoted_since = kNow - age;
    trust.claims = std::make_shared<const attest::NodeClaims>(std::move(claims));
    out.push_back({name, std::make_shared<const NodeTrust>(std::move(trust))});
  }
  return out;
}

Inventory naming(const std::vector<wire::InventoryNode>& nodes) {
  Inventory out;
  out.put("pool", wire::NodeInventory{"pool", nodes});
  return out;
}

struct Dispute {
  std::string name;
  std::vector<std::pair<std::string, Seconds>> nodes;
  std::vector<wire::InventoryNode> inventory;
  std::string losers;  // "b/other-holder"
};

class Disputed : public ::testing::TestWithParam<Dispute> {};

TEST_P(Disputed, IsSettledByTheInventoryOrByNobody) {
  const std::vector<AkHolder> all = holders(GetParam().nodes);
  std::string losers;
  for (const auto& [name, trust] : disputed(all, naming(GetParam().inventory), kMaxAge, kNow)) {
    EXPECT_EQ(trust.phase, wire::Phase::kFailed);
    EXPECT_EQ(trust.code, "duplicate-identity");
    EXPECT_FALSE(trust.claims) << "no policy may be met by it";
    EXPECT_FALSE(trust.remedy.empty());
    EXPECT_TRUE(is_dispute(trust));
    losers += (losers.empty() ? "" : " ") + name + "/" +
              attest::find(trust.findings, attest::Check::kDuplicateIdentity)->code;
  }
  EXPECT_EQ(losers, GetParam().losers);
}

const std::string kVm(forge::kVmId);

INSTANTIATE_TEST_SUITE_P(
    All, Disputed,
    ::testing::Values(
        Dispute{"one", {{"a", Seconds(0)}}, {}, ""},
        Dispute{"two", {{"a", Seconds(0)}, {"b", Seconds(0)}}, {}, "a/several-holders b/several-holders"},
        Dispute{"inventory_names_the_first",
                {{"a", Seconds(0)}, {"b", Seconds(0)}},
                {{"a", kVm}},
                "b/other-holder"},
        Dispute{"inventory_names_the_last_of_three",
                {{"a", Seconds(0)}, {"b", Seconds(0)}, {"c", Seconds(0)}},
                {{"a", kOtherVm}, {"c", kVm}},
                "a/other-holder b/other-holder"},
        Dispute{"inventory_names_other_nodes",
                {{"a", Seconds(0)}, {"b", Seconds(0)}},
                {{"z", kOtherVm}},
                "a/several-holders b/several-holders"},
        // The VM of both: then neither entry counts.
        Dispute{"inventory_is_ambiguous",
                {{"a", Seconds(0)}, {"b", Seconds(0)}},
                {{"a", kVm}, {"b", kVm}},
                "a/several-holders b/several-holders"},
        Dispute{"as_old_as_any_policy_allows",
                {{"a", kMaxAge}, {"b", Seconds(0)}},
                {},
                "a/several-holders b/several-holders"},
        // A Node that was left behind under an old name does not hold up the machine for ever.
        Dispute{"too_old_for_any_policy", {{"a", kMaxAge + Seconds(1)}, {"b", Seconds(0)}}, {}, ""}),
    [](const auto& param) { return param.param.name; });

TEST(Disputes, NameTheOthersAndNoMoreThanThree) {
  std::vector<std::pair<std::string, Seconds>> nodes;
  for (const char* name : {"a", "b", "c", "d", "e"}) nodes.emplace_back(name, Seconds(0));
  const auto all = disputed(holders(nodes), Inventory(), kMaxAge, kNow);
  EXPECT_THAT(all.at("b").detail, HasSubstr("also a, c, d and 1 more"));
  const auto won =
      disputed(holders({{"a", Seconds(0)}, {"b", Seconds(0)}}), naming({{"a", kVm}}), kMaxAge, kNow);
  EXPECT_THAT(won.at("b").detail, HasSubstr("for node a as well"));
}

TEST(Disputes, AreToldFromOtherFailures) {
  NodeTrust trust;
  trust.phase = wire::Phase::kFailed;
  trust.code = "quote-signature";
  EXPECT_FALSE(is_dispute(trust));
  EXPECT_FALSE(is_dispute(*testing::verified_trust()));
}

const NodeTrust& of_another_ak() {
  static const NodeTrust trust = [] {
    const forge::World world = forge::with_ak(forge::shared_world(), forge::PrivateKey::rsa(2048));
    testing::Scene scene;
    scene.evidence = Result<wire::NodeEvidence>(testing::make_evidence({}, testing::kEpoch - 3, world));
    scene.quote = Result<wire::NodeQuote>(testing::make_quote(**scene.evidence, {}, world));
    return scene.judge();
  }();
  return trust;
}

TEST(AkHolders, KnowWhoSharesAnAk) {
  const NodeTrust* proven = testing::verified_trust().get();
  ASSERT_TRUE(of_another_ak().claims) << of_another_ak().detail;
  AkHolders all;
  all.put("a", proven);
  all.put("b", &of_another_ak());
  all.put("c", nullptr);
  EXPECT_TRUE(all.shared().empty());

  all.put("c", proven);
  ASSERT_EQ(all.shared().size(), 1U);
  EXPECT_THAT(all.shared().front(), ElementsAre("a", "c"));
  all.put("c", proven);
  EXPECT_THAT(all.shared().front(), ElementsAre("a", "c")) << "the next quote changes nothing";

  // A copy of evidence brings no claims along.
  const NodeTrust without;
  all.put("c", &without);
  EXPECT_TRUE(all.shared().empty());
  all.put("b", proven);
  EXPECT_THAT(all.shared().front(), ElementsAre("a", "b")) << "it proves another AK now";
  all.put("a", nullptr);
  EXPECT_TRUE(all.shared().empty());
}

}  // namespace
}  // namespace nodeproof::webhook
