#include "wire/serving_secret.hpp"

#include "tests/unit/wire/json_text.hpp"

namespace nodeproof::wire {
namespace {

Bytes bytes(std::string_view text) {
  return to_bytes(as_bytes(text));
}

ServingSecret sample() {
  return {bytes("authorities"), bytes("authority key"), bytes("certificate"), bytes("key")};
}

TEST(ServingSecret, GoesThroughJsonUnchanged) {
  const std::string json = serving_secret(sample(), "nodeproof-system", "7");
  const auto back = parsed(json, parse_serving_secret);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(back->authorities, sample().authorities);
  EXPECT_EQ(back->authority_key, sample().authority_key);
  EXPECT_EQ(back->certificate, sample().certificate);
  EXPECT_EQ(back->key, sample().key);
  for (const char* part : {R"("name":"nodeproof-serving-certificate")", R"("namespace":"nodeproof-system")",
                           R"("resourceVersion":"7")", R"("kind":"Secret")"}) {
    EXPECT_NE(json.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(serving_secret(sample(), "ns", "").find("resourceVersion"), std::string::npos);
}

TEST(ServingSecret, RefusesWhatIsNotWhole) {
  const Refusal cases[] = {
      {R"("ca.crt")", R"("ca.pem")", Errc::kMissing, "data.ca.crt"},
      {R"("ca.key")", R"("ca.pem")", Errc::kMissing, "data.ca.key"},
      {R"("tls.crt")", R"("tls.pem")", Errc::kMissing, "data.tls.crt"},
      {R"("tls.key")", R"("tls.pem")", Errc::kMissing, "data.tls.key"},
      {R"("tls.key":"a2V5")", R"("tls.key":"a2V")", Errc::kTruncated, "data.tls.key"},
      {R"("tls.key":"a2V5")", R"("tls.key":"")", Errc::kBadValue, "data.tls.key"},
      {R"("tls.key":"a2V5")", R"("tls.key":5)", Errc::kWrongType, "data.tls.key"},
      {R"("data")", R"("stringData")", Errc::kMissing, "data"},
  };
  expect_refusals(serving_secret(sample(), "ns", ""), parse_serving_secret, cases);
}

}  // namespace
}  // namespace nodeproof::wire
