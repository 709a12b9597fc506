#include "wire/node_quote.hpp"

#include "tests/unit/wire/json_text.hpp"

namespace nodeproof::wire {
namespace {

NodeQuote sample() {
  NodeQuote quote;
  quote.name = "aks-node-1";
  quote.resource_version = "4711";
  quote.boot = {"0f8fad5b-d9cb-469f-a165-70867728950e", "7c9e6679-7425-40de-944b-e07fc1f90ae7"};
  quote.epoch = {"00112233aabbccdd", 59587200};
  quote.nonce.fill(0x11);
  quote.evidence_digest.fill(0x22);
  quote.attest = Bytes(145, 0x33);
  quote.signature = Bytes(256, 0x44);
  for (unsigned pcr = 0; pcr < attest::kPcrCount; ++pcr) {
    if (attest::kNodeQuotePcrs.contains(pcr)) quote.pcrs[pcr].fill(static_cast<std::uint8_t>(pcr));
  }
  return quote;
}

TEST(NodeQuote, GoesThroughJsonUnchanged) {
  const auto back = parsed(to_json(sample()), parse_node_quote);
  ASSERT_TRUE(back) << to_string(back.error());
  const NodeQuote expected = sample();
  EXPECT_EQ(back->name, expected.name);
  EXPECT_EQ(back->resource_version, expected.resource_version);
  EXPECT_EQ(back->boot, expected.boot);
  EXPECT_EQ(back->epoch, expected.epoch);
  EXPECT_EQ(back->nonce, expected.nonce);
  EXPECT_EQ(back->evidence_digest, expected.evidence_digest);
  EXPECT_EQ(back->attest, expected.attest);
  EXPECT_EQ(back->signature, expected.signature);
  EXPECT_EQ(back->pcrs, expected.pcrs);
}

// DESIGN 3: a refresh stores one object of at most 4 KiB, of which managedFields take their part.
TEST(NodeQuote, IsSmall) {
  EXPECT_LT(to_json(sample()).size(), 3000U);
}

const std::string kSmall = R"({"apiVersion": "nodeproof.dev/v1alpha1", "kind": "NodeQuote",
  "metadata": {"name": "n"}, "spec": {"nodeUID": "0f8fad5b-d9cb-469f-a165-70867728950e",
  "bootID": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "kid": "k1", "epoch": 5,
  "nonce": "1111111111111111111111111111111111111111111111111111111111111111",
  "evidenceDigest": "2222222222222222222222222222222222222222222222222222222222222222",
  "attest": "AAEC", "signature": "AQID",
  "pcrs": {"7": "3333333333333333333333333333333333333333333333333333333333333333"}}})";

TEST(NodeQuote, RefusesOtherObjectsAndMembers) {
  const Refusal cases[] = {
      {R"("nodeproof.dev/v1alpha1")", R"("v1")", Errc::kUnsupported, "apiVersion"},
      {R"("NodeQuote")", R"("NodeEvidence")", Errc::kUnsupported, "kind"},
      {R"("kid": "k1")", R"("kid": "k1", "kid": "k2")", Errc::kDuplicate, "kid"},
      {R"("nodeUID")", R"("nodeUid")", Errc::kMissing, "nodeUID"},
      {R"("spec")", R"("Spec")", Errc::kMissing, "spec"},
      {R"("kid": "k1", )", "", Errc::kMissing, "kid"},
      {R"("epoch": 5,)", "", Errc::kMissing, "epoch"},
      {R"("attest": "AAEC", )", "", Errc::kMissing, "attest"},
      {R"("signature": "AQID",)", "", Errc::kMissing, "signature"},
  };
  expect_refusals(kSmall, parse_node_quote, cases);
}

TEST(NodeQuote, WhatALaterReleaseAddsIsPassedOver) {
  const std::string later = edited(to_json(sample()), R"("spec":{)", R"("spec":{"banks":{"sha384":[1]},)");
  const auto back = parsed(later, parse_node_quote);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(to_json(*back), to_json(sample()));
}

TEST(NodeQuote, RefusesBadValues) {
  const std::string digest(64, '2');
  const Refusal cases[] = {
      {"0f8fad5b", "0f8fad5g", Errc::kBadValue, "nodeUID"},
      {"7c9e6679", "7C9e6679", Errc::kBadValue, "bootID"},
      {digest, digest.substr(2), Errc::kBadValue, "evidenceDigest"},
      {digest, digest + "22", Errc::kBadValue, "evidenceDigest"},
      {digest, digest.substr(1), Errc::kTruncated, "evidenceDigest"},
      {std::string(64, '1'), std::string(63, '1') + "x", Errc::kBadValue, "nonce"},
      {R"("AAEC")", R"("")", Errc::kBadValue, "attest"},
      {R"("AAEC")", R"("AAEC\n")", Errc::kTruncated, "attest"},
      {R"("AAEC")", "\"" + to_base64(Bytes(385)) + "\"", Errc::kTooLarge, "attest"},
      {R"("AQID")", "\"" + to_base64(Bytes(385)) + "\"", Errc::kTooLarge, "signature"},
      {R"("AQID")", "true", Errc::kWrongType, "signature"},
  };
  expect_refusals(kSmall, parse_node_quote, cases);
}

TEST(NodeQuote, PcrNumbersHaveOneText) {
  for (const char* key :
       {"07", "+7", " 7", "7 ", "24", "-1", "0x7", "seven", "", "77777777777777777777", "7.0"}) {
    const auto result =
        parsed(edited(kSmall, R"({"7":)", R"({")" + std::string(key) + R"(":)"), parse_node_quote);
    ASSERT_FALSE(result) << key;
    EXPECT_EQ(result.error().code, Errc::kBadValue) << key;
  }
  const Refusal cases[] = {
      {R"("7": ")" + std::string(64, '3') + R"(")", "", Errc::kBadValue, "pcrs"},
      {std::string(64, '3'), std::string(62, '3'), Errc::kBadValue, "pcrs.7"},
      {R"({"7":)", R"({"7": "00", "7":)", Errc::kDuplicate, "pcrs.7"},
  };
  expect_refusals(kSmall, parse_node_quote, cases);
}

TEST(NodeQuote, EveryPrefixIsRefused) {
  expect_prefixes_refused(kSmall, parse_node_quote);
}

}  // namespace
}  // namespace nodeproof::wire
