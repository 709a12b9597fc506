#include "wire/brake.hpp"

#include "tests/unit/wire/json_text.hpp"

namespace nodeproof::wire {
namespace {

const UnixTime kAt = from_unix(1787616000);  // 2026-08-25T00:00:00Z

BrakeState sample() {
  BrakeState out;
  out.engaged = kAt;
  out.reason = "too many \"nodes\"";
  out.nodes = {{"11111111-2222-4333-8444-555555555555", kAt - Seconds(5)}};
  out.evictions = {{kAt - Seconds(60), 7}, {kAt, 1}};
  out.resource_version = "12";
  return out;
}

TEST(Brake, GoesThroughJsonUnchanged) {
  for (const bool engaged : {true, false}) {
    BrakeState state = sample();
    if (!engaged) {
      state.engaged.reset();
      state.reason.clear();
      state.nodes.clear();
      state.evictions.clear();
    }
    const auto back = parsed(brake_config_map(state, "nodeproof-system"), parse_brake_config_map);
    ASSERT_TRUE(back) << to_string(back.error());
    EXPECT_EQ(back->engaged, state.engaged);
    EXPECT_EQ(back->reason, state.reason);
    EXPECT_EQ(back->nodes, state.nodes);
    EXPECT_EQ(back->evictions, state.evictions);
    EXPECT_EQ(back->resource_version, "12");
  }
}

TEST(Brake, ANewObjectHasNoVersion) {
  BrakeState state = sample();
  state.resource_version.clear();
  EXPECT_EQ(brake_config_map(state, "ns").find("resourceVersion"), std::string::npos);
}

// An unreadable brake is an engaged one, so that nothing may pass for readable.
TEST(Brake, RefusesBadValues) {
  const Refusal cases[] = {
      {R"("engagedAt":"2026-08-25T00:00:00Z")", R"("engagedAt":"soon")", Errc::kBadValue, "data.engagedAt"},
      {R"("engagedAt":"2026-08-25T00:00:00Z")", R"("engagedAt":7)", Errc::kWrongType, "data.engagedAt"},
      {R"("engagedAt":"2026-08-25T00:00:00Z",)", "", Errc::kMissing, "data.engagedAt"},
      {R"("evictions":)", R"("evicted":)", Errc::kUnknownField, "data.evicted"},
      {R"("nodes":)", R"("nodes":"","x":)", Errc::kUnknownField, "data.x"},
      {R"(:7)", R"(:-7)", Errc::kWrongType, "data.evictions"},
      {R"(2026-08-24T23:59:00Z)", "a minute", Errc::kBadValue, "data.evictions"},
      {R"(2026-08-24T23:59:55Z)", "now", Errc::kBadValue, "data.nodes"},
      {R"("data")", R"("Data")", Errc::kMissing, "data"},
  };
  expect_refusals(brake_config_map(sample(), "ns"), parse_brake_config_map, cases);
}

TEST(Brake, RefusesEveryPrefix) {
  expect_prefixes_refused(brake_config_map(sample(), "ns"), parse_brake_config_map);
}

TEST(Brake, CreationTimeIsRead) {
  const std::string json = R"({"metadata":{"creationTimestamp":"2026-08-25T00:00:00Z"}})";
  const auto at = parsed(json, creation_time);
  ASSERT_TRUE(at) << to_string(at.error());
  EXPECT_EQ(*at, kAt);
  const Refusal cases[] = {
      {R"("2026-08-25T00:00:00Z")", "null", Errc::kMissing, "creationTimestamp"},
      {"2026-08-25T00:00:00Z", "yesterday", Errc::kBadValue, "creationTimestamp"},
  };
  expect_refusals(json, creation_time, cases);
}

}  // namespace
}  // namespace nodeproof::wire
