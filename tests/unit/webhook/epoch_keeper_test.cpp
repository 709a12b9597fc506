#include "webhook/epoch_keeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/webhook/fake_cluster_api.hpp"
#include "tests/unit/webhook/forged_node.hpp"
#include "tests/unit/webhook/json_objects.hpp"

namespace nodeproof::webhook {
namespace {

using testing::FakeClusterApi;
using testing::JsonObject;
using testing::kEpoch;
using testing::kEpochLength;
using testing::kKid;
using testing::kNow;

constexpr Seconds kMaxReportAge = std::chrono::hours(24);
const std::string kSecretPath = "/api/v1/namespaces/np/secrets/nodeproof-epoch-key";
const std::string kMapPath = "/api/v1/namespaces/np/configmaps/nodeproof-epoch";

struct Row {
  std::string name;
  std::optional<Result<wire::PublishedEpoch>> published;
  Publication want;
};

wire::PublishedEpoch ours(std::uint64_t epoch) {
  wire::PublishedEpoch out;
  out.epoch = {kKid, epoch};
  out.nonce = attest::epoch_nonce(testing::generations().front().key, epoch);
  return out;
}
wire::PublishedEpoch forged(const std::function<void(wire::PublishedEpoch&)>& change) {
  wire::PublishedEpoch out = ours(kEpoch - 1);
  change(out);
  return out;
}

class Plan : public ::testing::TestWithParam<Row> {};

TEST_P(Plan, OnlyRaisesWhatIsOurs) {
  const auto& published = GetParam().published;
  EXPECT_EQ(plan_publication(published ? &*published : nullptr, testing::generations(), {kKid, kEpoch}),
            GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    All, Plan,
    ::testing::Values(
        Row{"none", {}, Publication::kCreate},
        Row{"earlier", Result<wire::PublishedEpoch>(ours(kEpoch - 1)), Publication::kRaise},
        Row{"this_one", Result<wire::PublishedEpoch>(ours(kEpoch)), Publication::kLeave},
        Row{"later", Result<wire::PublishedEpoch>(ours(kEpoch + 5)), Publication::kLeave},
        Row{"unreadable", Result<wire::PublishedEpoch>(Error{Errc::kMissing, "data", "is absent"}),
            Publication::kRewrite},
        Row{"other_nonce", Result<wire::PublishedEpoch>(forged([](auto& p) { p.nonce[31] ^= 1; })),
            Publication::kRewrite},
        Row{"later_with_other_nonce",
            Result<wire::PublishedEpoch>(forged([](auto& p) { p.epoch.number = kEpoch + 50; })),
            Publication::kRewrite},
        Row{"unknown_kid", Result<wire::PublishedEpoch>(forged([](auto& p) { p.epoch.kid = "feed"; })),
            Publication::kRewrite},
        Row{"outside_its_generation", Result<wire::PublishedEpoch>(ours(kEpoch + 101)), Publication::kRaise}),
    [](const auto& param) { return param.param.name; });

class Keeper : public ::testing::Test {
 protected:
  Generations secret() const {
    return wire::parse_epoch_secret(JsonObject(api_.objects.at(kSecretPath)).value()).value();
  }
  wire::PublishedEpoch map() const {
    return wire::parse_epoch_config_map(JsonObject(api_.objects.at(kMapPath)).value()).value();
  }

  void store_secret(const Generations& generations) {
    api_.store(kSecretPath, web::json::value::parse(wire::epoch_secret(generations, "np", "")));
  }

  FakeClusterApi api_;
  EpochKeeper keeper_{api_, "np", kEpochLength, kMaxReportAge, random_keys()};
};

TEST_F(Keeper, MakesSecretAndConfigMapAtTheFirstStep) {
  keeper_.step(kNow);
  ASSERT_EQ(secret().size(), 1U);
  EXPECT_EQ(secret()[0].first, kEpoch);
  EXPECT_EQ(map().epoch, (attest::Epoch{secret()[0].kid, kEpoch}));
  EXPECT_EQ(map().nonce, attest::epoch_nonce(secret()[0].key, kEpoch));
  EXPECT_EQ(keeper_.generation_end(), to_unix(attest::epoch_start(secret()[0].last + 1, kEpochLength)));
  EXPECT_EQ(keeper_.foreign_values(), 0U);
}

TEST_F(Keeper, RaisesTheEpochAndKeepsTheKey) {
  keeper_.step(kNow);
  const std::string secret_before = api_.objects.at(kSecretPath);
  keeper_.step(kNow + kEpochLength);
  EXPECT_EQ(map().epoch.number, kEpoch + 1);
  EXPECT_EQ(api_.objects.at(kSecretPath), secret_before);
  const std::size_t calls = api_.calls.size();
  keeper_.step(kNow + kEpochLength);
  keeper_.step(kNow);
  EXPECT_EQ(api_.calls.size(), calls) << "n only rises";
}

TEST_F(Keeper, MakesTheNextGenerationInTime) {
  keeper_.step(kNow);
  const std::string kid = map().epoch.kid;
  keeper_.step(kNow + kGenerationTime - Seconds(60));
  EXPECT_EQ(secret().size(), 2U);
  EXPECT_EQ(map().epoch.kid, kid);
  keeper_.step(kNow + kGenerationTime);
  EXPECT_EQ(map().epoch.kid, secret()[1].kid);
  EXPECT_NE(map().epoch.kid, kid);
}

TEST_F(Keeper, RewritesAForeignValueAndCountsIt) {
  keeper_.step(kNow);
  wire::PublishedEpoch foreign = map();
  foreign.nonce.fill(1);
  foreign.epoch.number += 1000;
  api_.store(kMapPath, web::json::value::parse(wire::epoch_config_map(foreign, "np")));
  keeper_.step(kNow);
  EXPECT_EQ(map().epoch.number, kEpoch);
  EXPECT_EQ(map().nonce, attest::epoch_nonce(secret()[0].key, kEpoch));
  EXPECT_EQ(keeper_.foreign_values(), 1U);
}

TEST_F(Keeper, ARevokedGenerationIsFollowedByANewOneWithoutAnAlarm) {
  keeper_.step(kNow);
  const std::string kid = map().epoch.kid;
  store_secret(*with_revoked(secret(), kid));
  keeper_.step(kNow);
  ASSERT_EQ(secret().size(), 2U);
  EXPECT_TRUE(is_revoked(secret(), kid));
  EXPECT_EQ(map().epoch, (attest::Epoch{secret()[1].kid, kEpoch}));
  EXPECT_EQ(map().nonce, *nonce_of(secret(), map().epoch));
  EXPECT_EQ(keeper_.foreign_values(), 0U) << "the epoch that stood there was ours";
}

// However fast epochs and generations follow each other, the published one always counts, and what was
// published a moment ago still does: nobody's quote is refused for the rotation.
TEST_F(Keeper, RotationKeepsEveryEpochGoodThatWasPublished) {
  std::set<std::string> kids;
  std::optional<attest::Epoch> last;
  for (int i = 0; i < 2000; ++i) {
    keeper_.step(kNow + i * kEpochLength);
    const attest::Epoch now = map().epoch;
    ASSERT_EQ(now.number, kEpoch + static_cast<std::uint64_t>(i));
    ASSERT_EQ(map().nonce, *nonce_of(secret(), now));
    ASSERT_TRUE(!last || nonce_of(secret(), *last)) << i;
    last = now;
    kids.insert(now.kid);
  }
  EXPECT_EQ(kids.size(), 3U);
  EXPECT_EQ(keeper_.foreign_values(), 0U);
}

TEST_F(Keeper, ALostSecretIsMadeAnew) {
  keeper_.step(kNow);
  const std::string kid = map().epoch.kid;
  api_.objects.erase(kSecretPath);
  keeper_.step(kNow);
  EXPECT_NE(map().epoch.kid, kid);
  EXPECT_EQ(map().nonce, *nonce_of(secret(), map().epoch));
}

TEST_F(Keeper, GarbageInTheConfigMapIsReplaced) {
  for (const char* data : {"{}", R"({"kid":"x"})", R"({"kid":1,"epoch":[],"nonce":null})"}) {
    keeper_.step(kNow);
    const std::uint64_t before = keeper_.foreign_values();
    api_.store(kMapPath, web::json::value::parse(R"({"metadata":{"name":"nodeproof-epoch"},"data":)" +
                                                 std::string(data) + "}"));
    keeper_.step(kNow);
    EXPECT_EQ(map().epoch.number, kEpoch) << data;
    EXPECT_EQ(keeper_.foreign_values(), before + 1) << data;
  }
}

// Its nonces are out: the generation ends before them, and the fleet goes on quoting epochs that have begun.
TEST_F(Keeper, ALeaderWhoseClockWasAnHourAheadIsMended) {
  keeper_.step(kNow);
  const std::string kid = map().epoch.kid;
  const attest::Epoch honest = map().epoch;
  keeper_.step(kNow + std::chrono::hours(1));
  const attest::Epoch leaked = map().epoch;
  ASSERT_EQ(leaked.number, kEpoch + 120);
  keeper_.step(kNow + kEpochLength);
  EXPECT_EQ(map().epoch.number, kEpoch + 1);
  EXPECT_TRUE(nonce_of(secret(), honest)) << "who quoted before stays verified";
  EXPECT_TRUE(nonce_of(secret(), map().epoch));
  EXPECT_FALSE(nonce_of(secret(), leaked)) << "who saw it cannot use it in an hour";
  keeper_.step(kNow + 3 * kEpochLength);
  EXPECT_NE(map().epoch.kid, kid);
  EXPECT_EQ(keeper_.foreign_values(), 0U);
}

TEST_F(Keeper, LeavesASecretAloneThatItCannotRead) {
  api_.store(kSecretPath,
             web::json::value::parse(R"({"metadata":{"name":"nodeproof-epoch-key"},"data":{}})"));
  EXPECT_THROW(keeper_.step(kNow), std::runtime_error);
  EXPECT_TRUE(api_.calls.empty());
}

TEST_F(Keeper, LosesARaceWithoutHarm) {
  keeper_.step(kNow);
  // Somebody else raises the epoch between our reading and our writing.
  api_.before = [this](const std::string& call) {
    if (!call.starts_with("replace")) return;
    api_.before = nullptr;
    api_.store(kMapPath, web::json::value::parse(api_.objects.at(kMapPath)));
  };
  EXPECT_THROW(keeper_.step(kNow + kEpochLength), kube::ApiError);
  keeper_.step(kNow + kEpochLength);
  EXPECT_EQ(map().epoch.number, kEpoch + 1);
}

TEST(RandomKeys, AreNotRepeated) {
  const KeySource keys = random_keys();
  const auto a = keys();
  const auto b = keys();
  EXPECT_EQ(a.kid.size(), 16U);
  EXPECT_NE(a.kid, b.kid);
  EXPECT_NE(a.key, b.key);
  EXPECT_FALSE(all_zero(a.key));
}

}  // namespace
}  // namespace nodeproof::webhook
