#include "wire/epoch.hpp"

#include "tests/unit/wire/json_text.hpp"

namespace nodeproof::wire {
namespace {

PublishedEpoch sample_epoch() {
  PublishedEpoch epoch;
  epoch.epoch = {"00112233aabbccdd", 59587200};
  epoch.nonce.fill(0xAB);
  epoch.resource_version = "12";
  return epoch;
}

TEST(EpochConfigMap, GoesThroughJsonUnchanged) {
  const auto back = parsed(epoch_config_map(sample_epoch(), "nodeproof-system"), parse_epoch_config_map);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(back->epoch, sample_epoch().epoch);
  EXPECT_EQ(back->nonce, sample_epoch().nonce);
  EXPECT_EQ(back->resource_version, "12");
}

TEST(EpochConfigMap, RefusesBadValues) {
  const Refusal cases[] = {
      {R"("epoch":"59587200")", R"("epoch":"059587200")", Errc::kBadValue, "data.epoch"},
      {R"("epoch":"59587200")", R"("epoch":"-1")", Errc::kBadValue, "data.epoch"},
      {R"("epoch":"59587200")", R"("epoch":"")", Errc::kBadValue, "data.epoch"},
      {R"("epoch":"59587200")", R"("epoch":"5 ")", Errc::kBadValue, "data.epoch"},
      {R"("epoch":"59587200")", R"("epoch":"9223372036854775808")", Errc::kBadValue, "data.epoch"},
      {R"("epoch":"59587200")", R"("epoch":59587200)", Errc::kWrongType, "data.epoch"},
      {R"("epoch":"59587200")", R"("Epoch":"59587200")", Errc::kMissing, "data.epoch"},
      {R"("kid":"00112233aabbccdd")", R"("kid":"a/b")", Errc::kBadValue, "data.kid"},
      {"abab\"", "ab\"", Errc::kBadValue, "data.nonce"},
      {R"("data")", R"("Data")", Errc::kMissing, "data"},
  };
  expect_refusals(epoch_config_map(sample_epoch(), "ns"), parse_epoch_config_map, cases);
}

TEST(EpochConfigMap, WhatALaterReleaseAddsIsPassedOver) {
  const std::string later = edited(epoch_config_map(sample_epoch(), "ns"), R"("epoch":"59587200")",
                                   R"("epoch":"59587200","cadence":"30s")");
  const auto back = parsed(later, parse_epoch_config_map);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(back->epoch, sample_epoch().epoch);
  EXPECT_EQ(back->nonce, sample_epoch().nonce);
}

EpochKeyGeneration generation(const std::string& kid, std::uint8_t fill, std::uint64_t first,
                              std::uint64_t last) {
  EpochKeyGeneration out{kid, {}, first, last};
  out.key.fill(fill);
  return out;
}

std::string secret_of(const std::string& generations) {
  return R"({"metadata": {"name": "nodeproof-epoch-key"}, "data": {"generations": ")" +
         to_base64(as_bytes(generations)) + "\"}}";
}

TEST(EpochSecret, GoesThroughJsonUnchanged) {
  const std::vector<EpochKeyGeneration> generations{generation("00112233aabbccdd", 1, 100, 820),
                                                    generation("ffeeddccbbaa9988", 2, 820, 1540)};
  const std::string json = epoch_secret(generations, "nodeproof-system", "99");
  EXPECT_NE(json.find(R"("resourceVersion":"99")"), std::string::npos);
  const auto back = parsed(json, parse_epoch_secret);
  ASSERT_TRUE(back) << to_string(back.error());
  ASSERT_EQ(back->size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ((*back)[i].kid, generations[i].kid);
    EXPECT_EQ((*back)[i].key, generations[i].key);
    EXPECT_EQ((*back)[i].first, generations[i].first);
    EXPECT_EQ((*back)[i].last, generations[i].last);
  }
}

TEST(EpochSecret, ARevokedGenerationStaysSo) {
  EpochKeyGeneration generation{"00112233aabbccdd", {}, 1, 2, true};
  const auto back = parsed(epoch_secret({generation}, "ns", "1"), parse_epoch_secret);
  ASSERT_TRUE(back);
  EXPECT_TRUE(back->front().revoked);
  generation.revoked = false;
  EXPECT_FALSE(parsed(epoch_secret({generation}, "ns", "1"), parse_epoch_secret)->front().revoked);
}

TEST(EpochSecret, RefusesBadGenerations) {
  const std::string good =
      R"([{"kid": "00112233aabbccdd", "key": ")" + to_base64(Bytes(32)) + R"(", "first": 1, "last": 2}])";
  ASSERT_TRUE(parsed(secret_of(good), parse_epoch_secret));
  struct Case {
    std::string json;
    Errc code;
  };
  const Case cases[] = {
      {"", Errc::kBadValue},
      {"[]", Errc::kBadValue},
      {"{}", Errc::kWrongType},
      {"[1]", Errc::kWrongType},
      {good + " x", Errc::kBadValue},
      {edited(good, R"("first": 1, )", ""), Errc::kMissing},
      {edited(good, R"("first": 1)", R"("first": 3)"), Errc::kBadValue},
      {edited(good, R"("first": 1)", R"("first": -1)"), Errc::kWrongType},
      {edited(good, R"("last": 2)", R"("last": 9223372036854775808)"), Errc::kBadValue},
      {edited(good, R"("last": 2)", R"("last": 2, "ended": true)"), Errc::kUnknownField},
      {edited(good, R"("last": 2)", R"("last": 2, "revoked": "yes")"), Errc::kWrongType},
      {edited(good, "00112233aabbccdd", "00112233AABBCCDD"), Errc::kBadValue},
      {edited(good, "00112233aabbccdd", "00112233"), Errc::kBadValue},
      {edited(good, to_base64(Bytes(32)), to_base64(Bytes(31))), Errc::kBadValue},
      {edited(good, to_base64(Bytes(32)), to_base64(Bytes(33))), Errc::kTooLarge},
      {edited(good, "}]", "}, " + good.substr(1)), Errc::kDuplicate},
  };
  for (const Case& c : cases) {
    const auto result = parsed(secret_of(c.json), parse_epoch_secret);
    ASSERT_FALSE(result) << c.json;
    EXPECT_STREQ(to_string(result.error().code), to_string(c.code)) << to_string(result.error());
    EXPECT_NE(result.error().where.find("data.generations"), std::string::npos) << result.error().where;
  }
}

TEST(EpochSecret, RefusesMoreGenerationsThanItsLimit) {
  std::string list;
  for (std::size_t i = 0; i < 257; ++i) {
    const std::string kid = "00112233aabb" + to_hex(Bytes{static_cast<std::uint8_t>(i / 256),
                                                          static_cast<std::uint8_t>(i % 256)});
    list += std::string(i == 0 ? "[" : ",") + R"({"kid":")" + kid + R"(","key":")" + to_base64(Bytes(32)) +
            R"(","first":1,"last":2})";
  }
  const auto result = parsed(secret_of(list + "]"), parse_epoch_secret);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kTooLarge) << to_string(result.error());
  EXPECT_NE(result.error().detail.find("257"), std::string::npos) << to_string(result.error());
}

TEST(EpochSecret, ErrorsDoNotShowTheKey) {
  const std::string key = to_base64(Bytes(31, 0x5A));
  const auto result =
      parsed(secret_of(R"([{"kid": "00112233aabbccdd", "key": ")" + key + R"(", "first": 1, "last": 2}])"),
             parse_epoch_secret);
  ASSERT_FALSE(result);
  EXPECT_EQ(to_string(result.error()).find(key.substr(0, 8)), std::string::npos);
}

TEST(Epoch, EveryPrefixIsRefused) {
  expect_prefixes_refused(epoch_config_map(sample_epoch(), "ns"), parse_epoch_config_map);
  // The list within the Secret is a document of its own.
  const std::string whole =
      R"([{"kid":"00112233aabbccdd","key":")" + to_base64(Bytes(32, 1)) + R"(","first":1,"last":2}])";
  ASSERT_TRUE(parsed(secret_of(whole), parse_epoch_secret));
  expect_prefixes_refused(secret_of(whole), parse_epoch_secret);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parsed(secret_of(whole.substr(0, size)), parse_epoch_secret)) << size;
  }
}

}  // namespace
}  // namespace nodeproof::wire
