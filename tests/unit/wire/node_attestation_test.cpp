#include "wire/node_attestation.hpp"
#include "attest/strict_json.hpp"

#include "tests/unit/wire/json_text.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonDocument;
using attest::JsonValue;

TEST(NodeAttestation, PhasesHaveTheirNamesAndLabels) {
  const std::pair<Phase, std::pair<std::string_view, std::string_view>> cases[] = {
      {Phase::kPending, {"Pending", "pending"}},
      {Phase::kVerified, {"Verified", "verified"}},
      {Phase::kStale, {"Stale", "stale"}},
      {Phase::kFailed, {"Failed", "failed"}},
      {Phase::kUnsupported, {"Unsupported", "unsupported"}},
  };
  for (const auto& [phase, names] : cases) {
    EXPECT_EQ(to_string(phase), names.first);
    EXPECT_EQ(attestation_label(phase), names.second);
  }
}

TEST(NodeAttestation, StatusPatchSaysEverything) {
  NodeAttestationStatus status;
  status.phase = Phase::kFailed;
  status.code = "quote-signature";
  status.detail = "the AK did not sign \"this\"\xFF";
  status.tee = "sev-snp";
  status.chip_id = "00ff";
  status.verified_at = "2026-11-24T10:00:00Z";
  status.findings = {attest::failed(attest::Check::kQuoteSignature, "signature-invalid", "d", "r"),
                     attest::not_checked(attest::Check::kEventLogReplay, "no-log", "d")};
  status.coverage = {"paravisor and firmware"};
  status.policies = {{"payments", false, "quote-signature", "d"}, {"any", true, "", ""}};

  const std::string json = status_patch(status, {});
  auto document = JsonDocument::parse(as_bytes(json), 1U << 20U, "patch");
  ASSERT_TRUE(document) << to_string(document.error()) << json;
  const JsonValue out = *document->root().required("status");
  EXPECT_EQ(*out.required("phase")->text(), "Failed");
  EXPECT_EQ(*out.required("code")->text(), "quote-signature");
  EXPECT_EQ(*out.required("detail")->text(), "the AK did not sign \"this\"\xEF\xBF\xBD");
  EXPECT_EQ(*out.required("tee")->text(), "sev-snp");
  EXPECT_EQ(*out.required("chipId")->text(), "00ff");
  EXPECT_EQ(*out.required("verifiedAt")->text(), "2026-11-24T10:00:00Z");
  EXPECT_EQ(*out.required("secureBoot")->text(), "unknown");
  const auto findings = *out.required("findings")->array();
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(*findings[0].required("check")->text(), "quote-signature");
  EXPECT_EQ(*findings[0].required("outcome")->text(), "failed");
  EXPECT_EQ(*findings[0].required("code")->text(), "signature-invalid");
  EXPECT_EQ(*findings[1].required("outcome")->text(), "not-checked");
  EXPECT_FALSE(findings[1].optional("remedy")->has_value());
  EXPECT_EQ(*out.required("coverage")->array()->at(0).text(), "paravisor and firmware");
  const auto policies = *out.required("policies")->array();
  ASSERT_EQ(policies.size(), 2U);
  EXPECT_FALSE(*policies[0].required("met")->boolean());
  EXPECT_TRUE(*policies[1].required("met")->boolean());
}

// In a merge patch only null removes what an earlier status said.
TEST(NodeAttestation, EmptyTextsClear) {
  const std::string json = status_patch({}, {});
  for (const char* key : {"code", "detail", "remedy", "product", "measurement", "chipId", "tcb", "vmId",
                          "evidenceDigest", "verifiedAt", "expiresAt"}) {
    EXPECT_NE(json.find("\"" + std::string(key) + "\":null"), std::string::npos) << key;
  }
  for (const char* key : {"findings", "coverage", "policies", "conditions"}) {
    EXPECT_NE(json.find("\"" + std::string(key) + "\":[]"), std::string::npos) << key;
  }
}

TEST(NodeAttestation, ConditionsAreAsKubernetesHasThem) {
  const StatusCondition condition{"Verified", "Unknown", "EvidenceAge", "silence", from_unix(1'800'000'000)};
  const std::string json = status_patch({}, {condition});
  EXPECT_NE(json.find(R"({"lastTransitionTime":"2027-01-15T08:00:00Z","message":"silence",)"
                      R"("reason":"EvidenceAge","status":"Unknown","type":"Verified"})"),
            std::string::npos)
      << json;
}

ToldAttestation told(const std::string& json) {
  const auto document = JsonDocument::parse(as_bytes(json), 1U << 20U, "object");
  return *parse_node_attestation(document->root());
}

TEST(NodeAttestation, TellsWhatStandsInIt) {
  const ToldAttestation full = told(
      R"({"metadata":{"name":"n"},"spec":{"nodeUID":"u"},"status":{"phase":"Stale","code":"evidence-age",)"
      R"("verifiedAt":"2027-01-15T08:00:00Z","conditions":[{"type":"Verified","status":"Unknown","reason":"R",)"
      R"("message":"m","lastTransitionTime":"2027-01-15T08:00:00Z"},{"type":"Old","status":"True"}]}})");
  EXPECT_EQ(full.name, "n");
  EXPECT_EQ(full.node_uid, "u");
  EXPECT_EQ(full.phase, "Stale");
  EXPECT_EQ(full.code, "evidence-age");
  EXPECT_EQ(full.verified_at, "2027-01-15T08:00:00Z");
  ASSERT_EQ(full.conditions.size(), 1U) << "one without its time is as none";
  EXPECT_EQ(full.conditions[0], (StatusCondition{"Verified", "Unknown", "R", "m", from_unix(1'800'000'000)}));
  EXPECT_EQ(told(R"({"metadata":{"name":"n"}})").phase, "");
}

TEST(NodeAttestation, LongTextsAreCutToTheLimitOfTheCrd) {
  NodeAttestationStatus status;
  status.detail = std::string(5000, 'x');
  const std::string json = status_patch(status, {});
  EXPECT_NE(json.find(std::string(1024, 'x')), std::string::npos);
  EXPECT_EQ(json.find(std::string(1025, 'x')), std::string::npos);
}

CounterMark some_mark() {
  return {Sha256Digest{0xab}, "boot-1", 4000000000U, 2, 1ULL << 40U, 59587200, true};
}

std::string stored(const std::string& status) {
  return R"({"metadata":{"name":"n"},"spec":{"nodeUID":"u-1"},)" + status.substr(1);
}

TEST(NodeAttestation, RemembersCounters) {
  NodeAttestationStatus status;
  EXPECT_EQ(status_patch(status, {}).find("counters"), std::string::npos) << "what stands there stays";
  status.counters = some_mark();
  const auto back = parsed(stored(status_patch(status, {})), parse_stored_mark);
  ASSERT_TRUE(back) << to_string(back.error());
  EXPECT_EQ(back->node_uid, "u-1");
  EXPECT_EQ(back->counters, some_mark());
  for (const char* none : {R"({"spec":{"nodeUID":"u-1"}})", R"({"spec":{"nodeUID":"u-1"},"status":{}})"}) {
    const auto mark = parsed(none, parse_stored_mark);
    ASSERT_TRUE(mark) << none;
    EXPECT_FALSE(mark->counters);
  }
}

TEST(NodeAttestation, RefusesCountersThatNoTpmHas) {
  NodeAttestationStatus status;
  status.counters = some_mark();
  const std::string json = stored(status_patch(status, {}));
  const Refusal cases[] = {
      {R"("nodeUID":"u-1")", R"("nodeUID":1)", Errc::kWrongType, "nodeUID"},
      {R"("resetCount":4000000000)", R"("resetCount":4294967296)", Errc::kBadValue, "resetCount"},
      {R"("resetCount":4000000000)", R"("resetCount":-1)", Errc::kWrongType, "resetCount"},
      {R"("restartCount":2)", R"("restartCount":4294967296)", Errc::kBadValue, "restartCount"},
      {R"("clock":1099511627776)", R"("clock":9223372036854775808)", Errc::kBadValue, "clock"},
      {R"("epoch":59587200)", R"("epoch":"x")", Errc::kWrongType, "epoch"},
      {R"("bootOver":true)", R"("bootOver":1)", Errc::kWrongType, "bootOver"},
      {R"("bootID":"boot-1")", R"("bootID":1)", Errc::kWrongType, "bootID"},
      {R"("ak":"ab)", R"("ak":"a)", Errc::kTruncated, "ak"},
  };
  expect_refusals(json, parse_stored_mark, cases);
  expect_prefixes_refused(json, parse_stored_mark);
}

ActivationOffer some_offer() {
  return {"k1", Sha256Digest{1}, Sha256Digest{2}, {Bytes(68, 3), Bytes(256, 4)}};
}

const auto parse_offer_of_u1 = [](const JsonValue& object) { return parse_activation_offer(object, "u-1"); };

TEST(NodeAttestation, OffersACredential) {
  const auto back = parsed(stored(activation_patch(some_offer())), parse_offer_of_u1);
  ASSERT_TRUE(back && *back);
  EXPECT_EQ((*back)->kid, "k1");
  EXPECT_EQ((*back)->ak, Sha256Digest{1});
  EXPECT_EQ((*back)->ek, Sha256Digest{2});
  EXPECT_EQ((*back)->credential.id_object, Bytes(68, 3));
  EXPECT_EQ((*back)->credential.encrypted_seed, Bytes(256, 4));
  const auto other = parsed(stored(activation_patch(some_offer())),
                            [](const JsonValue& object) { return parse_activation_offer(object, "u-2"); });
  ASSERT_TRUE(other);
  EXPECT_FALSE(*other) << "of an earlier Node";
  EXPECT_FALSE(*parsed(R"({"spec":{"nodeUID":"u-1"},"status":{}})", parse_offer_of_u1));
}

TEST(NodeAttestation, RefusesACredentialOfAnotherForm) {
  const std::string json = stored(activation_patch(some_offer()));
  const Refusal cases[] = {
      {R"("kid":"k1")", R"("kid":"K 1")", Errc::kBadValue, "kid"},
      {R"("ak":"01)", R"("ak":"1)", Errc::kTruncated, "ak"},
      {R"("ek":"02)", R"("ek":"zz)", Errc::kBadValue, "ek"},
      {R"("idObject":")", R"("idObject":"!)", Errc::kTruncated, "idObject"},
      {R"("encryptedSeed":")" + to_base64(Bytes(256, 4)), R"("encryptedSeed":")" + to_base64(Bytes(400, 4)),
       Errc::kTooLarge, "encryptedSeed"},
  };
  expect_refusals(json, parse_offer_of_u1, cases);
  expect_prefixes_refused(json, parse_offer_of_u1);
}

TEST(NodeAttestation, NewObjectBelongsToItsNode) {
  auto document = JsonDocument::parse(as_bytes(new_node_attestation("node-a", "u-1")), 1U << 20U, "object");
  ASSERT_TRUE(document);
  const JsonValue root = document->root();
  EXPECT_EQ(*root.required("apiVersion")->text(), "nodeproof.dev/v1alpha1");
  EXPECT_EQ(*root.required("kind")->text(), "NodeAttestation");
  const JsonValue metadata = *root.required("metadata");
  EXPECT_EQ(*metadata.required("name")->text(), "node-a");
  const JsonValue owner = metadata.required("ownerReferences")->array()->at(0);
  EXPECT_EQ(*owner.required("kind")->text(), "Node");
  EXPECT_EQ(*owner.required("uid")->text(), "u-1");
  EXPECT_EQ(*root.required("spec")->required("nodeUID")->text(), "u-1");
  EXPECT_FALSE(root.optional("status")->has_value());
}

}  // namespace
}  // namespace nodeproof::wire
