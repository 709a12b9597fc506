#include "wire/node_evidence.hpp"
#include "attest/event_log.hpp"
#include "attest/gzip.hpp"
#include "attest/strict_json.hpp"

#include "tests/unit/wire/json_text.hpp"

namespace nodeproof::wire {
namespace {

constexpr std::string_view kUid = "0f8fad5b-d9cb-469f-a165-70867728950e";
constexpr std::string_view kBootId = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

NodeEvidence sample() {
  NodeEvidence evidence;
  evidence.name = "aks-node-1";
  evidence.resource_version = "4711";
  evidence.boot = {std::string(kUid), std::string(kBootId)};
  evidence.platform = kPlatformSnp;
  evidence.collected = {"00112233aabbccdd", 9007199254740993ULL};  // no double holds it
  evidence.hcl_report = Bytes(2600, 0xA5);
  evidence.ak_certificate = Bytes(900, 0x30);
  evidence.certificates = {Bytes(1200, 1), Bytes(1300, 2), Bytes(1400, 3)};
  evidence.event_log = Bytes(60000, 0x5A);
  evidence.efi = {true, false, "integrity"};
  evidence.collection = {"endorsements-unreachable", "THIM answers 503; \"later\" \n"};
  evidence.collected_at = "2026-11-24T10:00:00Z";
  return evidence;
}

void expect_same(const NodeEvidence& a, const NodeEvidence& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.resource_version, b.resource_version);
  EXPECT_EQ(a.boot, b.boot);
  EXPECT_EQ(a.platform, b.platform);
  EXPECT_EQ(a.collected, b.collected);
  EXPECT_EQ(a.hcl_report, b.hcl_report);
  EXPECT_EQ(a.ak_certificate, b.ak_certificate);
  EXPECT_EQ(a.certificates, b.certificates);
  EXPECT_EQ(a.event_log, b.event_log);
  EXPECT_EQ(a.no_event_log, b.no_event_log);
  EXPECT_EQ(a.efi, b.efi);
  EXPECT_EQ(a.activation, b.activation);
  EXPECT_EQ(a.collection, b.collection);
  EXPECT_EQ(a.collected_at, b.collected_at);
}

TEST(NodeEvidence, GoesThroughJsonUnchanged) {
  const auto back = parsed(to_json(sample()), parse_node_evidence);
  ASSERT_TRUE(back) << to_string(back.error());
  expect_same(*back, sample());
}

TEST(NodeEvidence, ANodeWithNothingToProve) {
  NodeEvidence evidence;
  evidence.name = "aks-node-2";
  evidence.boot = {std::string(kUid), std::string(kBootId)};
  evidence.collection = {"no-tpm", "there is no /dev/tpmrm0"};
  const std::string json = to_json(evidence);
  for (const char* absent :
       {"kid", "epoch", "hclReport", "akCertificate", "certificates", "resourceVersion", "ventLog", "efi"}) {
    EXPECT_EQ(json.find(absent), std::string::npos) << absent;
  }
  const auto back = parsed(json, parse_node_evidence);
  ASSERT_TRUE(back) << to_string(back.error());
  expect_same(*back, evidence);
}

TEST(NodeEvidence, SaysWhyThereIsNoEventLog) {
  NodeEvidence evidence = sample();
  evidence.event_log.clear();
  evidence.no_event_log = {"no-log", "/sys/kernel/security/tpm0/binary_bios_measurements is not there"};
  const auto back = parsed(to_json(evidence), parse_node_evidence);
  ASSERT_TRUE(back) << to_string(back.error());
  expect_same(*back, evidence);
}

// It comes after the quotes that were made over the evidence.
TEST(NodeEvidence, AnAnswerToACredentialIsOutsideTheDigest) {
  NodeEvidence evidence = sample();
  evidence.activation = ActivationAnswer{"k2", ByteArray<32>{9}};
  EXPECT_EQ(evidence.digest(), sample().digest());
  const std::string json = to_json(evidence);
  const auto back = parsed(json, parse_node_evidence);
  ASSERT_TRUE(back) << to_string(back.error());
  expect_same(*back, evidence);
  const Refusal cases[] = {
      {R"("kid":"k2")", R"("kid":"K2")", Errc::kBadValue, "activation.kid"},
      {R"("secret":"09)", R"("secret":"9)", Errc::kTruncated, "activation.secret"},
  };
  expect_refusals(json, parse_node_evidence, cases);
}

TEST(NodeEvidence, NamesItsNodeAsOwner) {
  auto document = attest::JsonDocument::parse(as_bytes(to_json(sample())), 1U << 20U, "object");
  ASSERT_TRUE(document);
  const auto owner = document->root().required("metadata")->required("ownerReferences")->array()->at(0);
  EXPECT_EQ(*owner.required("apiVersion")->text(), "v1");
  EXPECT_EQ(*owner.required("kind")->text(), "Node");
  EXPECT_EQ(*owner.required("name")->text(), "aks-node-1");
  EXPECT_EQ(*owner.required("uid")->text(), kUid);
}

TEST(NodeEvidence, WhatTheServerAddsIsTolerated) {
  const std::string json = edited(to_json(sample()), R"("metadata":{)",
                                  R"("status":{},"metadata":{"generation":3,"managedFields":[{"f":{}}],)");
  EXPECT_TRUE(parsed(json, parse_node_evidence));
  // Items of a list need not repeat what they are.
  const std::string item = edited(to_json(sample()), R"("kind":"NodeEvidence",)", "");
  EXPECT_TRUE(parsed(item, parse_node_evidence));
}

// A small object, so that each refusal stands for one edit.
const std::string kSmall = R"({"apiVersion": "nodeproof.dev/v1alpha1", "kind": "NodeEvidence",
  "metadata": {"name": "n"}, "spec": {"nodeUID": "0f8fad5b-d9cb-469f-a165-70867728950e",
  "bootID": "7c9e6679-7425-40de-944b-e07fc1f90ae7", "platform": "azure-sev-snp", "kid": "k1", "epoch": 5,
  "hclReport": "AAEC", "akCertificate": "MAA=", "certificates": ["AQID"],
  "collection": {"code": "complete"}, "collectedAt": "2026-11-24T10:00:00Z"}})";

std::string base64_of(std::size_t size) {
  return "\"" + to_base64(Bytes(size, 7)) + "\"";
}

TEST(NodeEvidence, RefusesWhatItDoesNotKnow) {
  const Refusal cases[] = {
      {R"("nodeproof.dev/v1alpha1")", R"("nodeproof.dev/v1")", Errc::kUnsupported, "apiVersion"},
      {R"("NodeEvidence")", R"("NodeQuote")", Errc::kUnsupported, "kind"},
      {R"("spec")", R"("Spec")", Errc::kMissing, "spec"},
      {R"("bootID")", R"("bootId")", Errc::kMissing, "spec.bootID"},
      {R"("azure-sev-snp")", R"("gcp-sev-snp")", Errc::kUnsupported, "platform"},
      {R"("platform": "azure-sev-snp")", R"("platform": null)", Errc::kMissing, "platform"},
  };
  expect_refusals(kSmall, parse_node_evidence, cases);
}

// With everything that evidence can hold.
NodeEvidence full() {
  NodeEvidence out = sample();
  out.activation = ActivationAnswer{"k2", ByteArray<32>{9}};
  return out;
}

// An agent of a later release: its fields are in nothing that the quote covers, so they neither count nor
// harm.
TEST(NodeEvidence, WhatALaterReleaseAddsIsPassedOver) {
  const std::string edits[][2] = {
      {R"("spec":{)", R"("spec":{"proven":true,)"},
      {R"("efi":{)", R"("efi":{"bootMode":"uefi",)"},
      {R"("activation":{)", R"("activation":{"scheme":{"rsa":2048},)"},
      {R"("collection":{)", R"("collection":{"tries":[1],)"},
  };
  for (const auto& [from, to] : edits) {
    const auto back = parsed(edited(to_json(full()), from, to), parse_node_evidence);
    ASSERT_TRUE(back) << to << ": " << to_string(back.error());
    EXPECT_EQ(to_json(*back), to_json(full())) << to;
    EXPECT_EQ(back->digest(), full().digest()) << to;
  }
}

TEST(NodeEvidence, RefusesBadIdentities) {
  const Refusal cases[] = {
      {"0f8fad5b-d9cb", "0F8FAD5B-d9cb", Errc::kBadValue, "nodeUID"},
      {"0f8fad5b-d9cb", "0f8fad5bd9cb", Errc::kBadValue, "nodeUID"},
      {"7c9e6679-", "", Errc::kBadValue, "bootID"},
      {R"("7c9e6679-7425-40de-944b-e07fc1f90ae7")", "7", Errc::kWrongType, "bootID"},
      {R"("kid": "k1", )", "", Errc::kMissing, "kid"},
      {R"("kid": "k1")", R"("kid": "K1")", Errc::kBadValue, "kid"},
      {R"("kid": "k1")", R"("kid": "")", Errc::kBadValue, "kid"},
      {R"("k1")", "\"" + std::string(65, 'a') + "\"", Errc::kBadValue, "kid"},
      {R"("epoch": 5,)", "", Errc::kMissing, "epoch"},
      {R"("epoch": 5)", R"("epoch": -5)", Errc::kWrongType, "epoch"},
      {R"("epoch": 5)", R"("epoch": 5.0)", Errc::kWrongType, "epoch"},
      {R"("epoch": 5)", R"("epoch": "5")", Errc::kWrongType, "epoch"},
      {R"("epoch": 5)", R"("epoch": 9223372036854775808)", Errc::kBadValue, "epoch"},
  };
  expect_refusals(kSmall, parse_node_evidence, cases);
}

TEST(NodeEvidence, RefusesBadBytes) {
  const Refusal cases[] = {
      {R"("AAEC")", R"("AAE")", Errc::kTruncated, "hclReport"},
      {R"("AAEC")", R"("AA C")", Errc::kBadValue, "hclReport"},
      {R"("AAEC")", R"("")", Errc::kBadValue, "hclReport"},
      {R"("AAEC")", "7", Errc::kWrongType, "hclReport"},
      {R"("AAEC")", base64_of(16 * 1024 + 1), Errc::kTooLarge, "hclReport"},
      {R"("MAA=")", base64_of(16 * 1024 + 1), Errc::kTooLarge, "akCertificate"},
      {R"("AQID")", base64_of(16 * 1024 + 1), Errc::kTooLarge, "certificates"},
      {R"("AQID")", R"("AQID", 5)", Errc::kWrongType, "certificates"},
      {R"(["AQID"])", R"("AQID")", Errc::kWrongType, "certificates"},
      {R"("AQID")", R"("AA==","AA==","AA==","AA==","AA==","AA==","AA==","AA==","AA==")", Errc::kTooLarge,
       "certificates"},
  };
  expect_refusals(kSmall, parse_node_evidence, cases);
}

std::string packed_log(std::size_t size) {
  return R"("eventLog": ")" + to_base64(attest::gzip(Bytes(size, 7))) + R"(", "collection")";
}

TEST(NodeEvidence, RefusesBadEventLogs) {
  const std::string both = packed_log(9).substr(0, packed_log(9).find(", \"coll"));
  const Refusal cases[] = {
      {R"("collection")", R"("eventLog": "AAEC", "collection")", Errc::kBadValue, "spec.eventLog"},
      {R"("collection")", R"("eventLog": 7, "collection")", Errc::kWrongType, "eventLog"},
      {R"("collection")", "\"eventLog\": " + base64_of(256 * 1024 + 1) + ", \"collection\"", Errc::kTooLarge,
       "eventLog"},
      {R"("collection")", packed_log(attest::kMaxEventLog + 1), Errc::kTooLarge, "spec.eventLog"},
      {R"("collection")", both + R"(, "noEventLog": {"code": "no-log"}, "collection")", Errc::kBadValue,
       "noEventLog"},
      {R"("collection")", R"("noEventLog": {}, "collection")", Errc::kMissing, "noEventLog.code"},
      {R"("collection")", R"("efi": {"secureBoot": "true"}, "collection")", Errc::kWrongType,
       "efi.secureBoot"},
  };
  expect_refusals(kSmall, parse_node_evidence, cases);
  EXPECT_TRUE(
      parsed(edited(kSmall, R"("collection")", packed_log(attest::kMaxEventLog)), parse_node_evidence));
}

TEST(NodeEvidence, RefusesBadCollections) {
  const Refusal cases[] = {
      {R"({"code": "complete"})", R"({})", Errc::kMissing, "collection.code"},
      {R"({"code": "complete"})", R"("complete")", Errc::kWrongType, "collection"},
      {R"("complete")", R"("")", Errc::kBadValue, "collection.code"},
      {R"("complete")", R"("Not a code")", Errc::kBadValue, "collection.code"},
      {R"("complete")", "\"" + std::string(64, 'a') + "\"", Errc::kTooLarge, "collection.code"},
      {R"("complete")", R"("complete", "detail": ")" + std::string(5000, 'a') + "\"", Errc::kTooLarge,
       "collection.detail"},
      {R"("2026-11-24T10:00:00Z")", R"("yesterday")", Errc::kBadValue, "collectedAt"},
  };
  expect_refusals(kSmall, parse_node_evidence, cases);
}

TEST(NodeEvidence, TheLimitsThemselvesAreAccepted) {
  EXPECT_TRUE(parsed(edited(kSmall, R"("AAEC")", base64_of(16 * 1024)), parse_node_evidence));
  EXPECT_TRUE(
      parsed(edited(kSmall, R"("AQID")", R"("AA==","AA==","AA==","AA==","AA==","AA==","AA==","AA==")"),
             parse_node_evidence));
}

TEST(NodeEvidence, EveryPrefixIsRefused) {
  expect_prefixes_refused(kSmall, parse_node_evidence);
}

TEST(NodeEvidence, DigestCoversWhatDesignSaysAndNoEndorsement) {
  const Sha256Digest digest = sample().digest();
  NodeEvidence other = sample();
  other.certificates.clear();
  other.ak_certificate.clear();
  other.collected_at.clear();
  other.efi = {};
  other.collection = {};
  EXPECT_EQ(other.digest(), digest);
  const auto changed = [&digest](auto edit) {
    NodeEvidence evidence = sample();
    edit(evidence);
    return evidence.digest() != digest;
  };
  EXPECT_TRUE(changed([](NodeEvidence& e) { e.platform = kPlatformNone; }));
  EXPECT_TRUE(changed([](NodeEvidence& e) { e.boot.node_uid[0] = '1'; }));
  EXPECT_TRUE(changed([](NodeEvidence& e) { e.boot.boot_id[0] = '1'; }));
  EXPECT_TRUE(changed([](NodeEvidence& e) { e.collected.kid = "k"; }));
  EXPECT_TRUE(changed([](NodeEvidence& e) { ++e.collected.number; }));
  EXPECT_TRUE(changed([](NodeEvidence& e) { e.hcl_report.back() ^= 1; }));
  EXPECT_TRUE(changed([](NodeEvidence& e) { e.event_log.back() ^= 1; }));
}

}  // namespace
}  // namespace nodeproof::wire
