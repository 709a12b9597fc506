#include "wire/attestation_policy.hpp"

#include "tests/unit/wire/json_text.hpp"
#include "wire/placement.hpp"

namespace nodeproof::wire {
namespace {

using attest::EnforcementAction;
using attest::Product;
using attest::RequiredNodeClass;
using attest::Requirement;

const std::string kMeasurement(96, 'a');

const std::string kFull = R"({"apiVersion": "nodeproof.dev/v1alpha1", "kind": "AttestationPolicy",
  "metadata": {"name": "payments", "generation": 2}, "spec": {"enforcementAction": "Warn",
  "maxEvidenceAge": "5m", "nodeClass": "Confidential", "nodeIdentity": "SelfReported", "akCertificate": "Required",
  "sevSnp": {"products": ["Milan"],
    "minimumTcb": {"Milan": {"bootloader": 4, "tee": 0, "snp": 22, "microcode": 213}},
    "minimumGuestSvn": {"Milan": 10}, "measurements": [")" +
                          kMeasurement + R"("]}}})";

TEST(AttestationPolicy, IsRead) {
  const auto policy = parsed(kFull, parse_attestation_policy);
  ASSERT_TRUE(policy) << to_string(policy.error());
  EXPECT_EQ(policy->name, "payments");
  EXPECT_EQ(policy->enforcement_action, EnforcementAction::kWarn);
  EXPECT_EQ(policy->max_evidence_age, Seconds(300));
  EXPECT_EQ(policy->node_class, RequiredNodeClass::kConfidential);
  EXPECT_EQ(policy->ak_certificate, Requirement::kRequired);
  EXPECT_EQ(policy->products, std::vector<Product>{Product::kMilan});
  EXPECT_EQ(policy->minimum_tcb.at(Product::kMilan), (attest::TcbVersion{4, 0, 22, 213}));
  EXPECT_EQ(policy->minimum_guest_svn.at(Product::kMilan), 10U);
  ASSERT_EQ(policy->measurements.size(), 1U);
  EXPECT_EQ(to_hex(policy->measurements[0]), kMeasurement);
}

TEST(AttestationPolicy, AnEmptySpecMeansTheDocumentedDefaults) {
  const auto policy = parsed(R"({"metadata": {"name": "p"}, "spec": {}})", parse_attestation_policy);
  ASSERT_TRUE(policy) << to_string(policy.error());
  EXPECT_EQ(policy->enforcement_action, EnforcementAction::kDeny);
  EXPECT_EQ(policy->max_evidence_age, Seconds(600));
  EXPECT_EQ(policy->node_class, RequiredNodeClass::kConfidential);
  EXPECT_EQ(policy->ak_certificate, Requirement::kPreferred);
  EXPECT_TRUE(policy->products.empty());
}

TEST(AttestationPolicy, EmptyMapsAndMeasurementsDemandNothing) {
  const auto policy = parsed(
      R"({"metadata": {"name": "p"}, "spec": {"sevSnp": {"minimumTcb": {}, "minimumGuestSvn": {}, "measurements": []}}})",
      parse_attestation_policy);
  ASSERT_TRUE(policy) << to_string(policy.error());
  EXPECT_TRUE(policy->measurements.empty());
}

TEST(AttestationPolicy, EveryChoiceIsKnown) {
  for (const std::string action : {"Deny", "Warn", "DryRun"}) {
    const auto policy = parsed(edited(kFull, "\"Warn\"", "\"" + action + "\""), parse_attestation_policy);
    ASSERT_TRUE(policy);
    EXPECT_EQ(attest::to_string(policy->enforcement_action), action);
  }
  for (const std::string node_class : {"Confidential", "TrustedLaunch", "Any"}) {
    const auto policy = parsed(R"({"metadata": {"name": "p"}, "spec": {"nodeClass": ")" + node_class + "\"}}",
                               parse_attestation_policy);
    ASSERT_TRUE(policy);
    EXPECT_EQ(attest::to_string(policy->node_class), node_class);
  }
}

const std::string kPcr(64, 'b');

std::string with_boot(const std::string& boot) {
  return R"({"metadata": {"name": "p"}, "spec": {"nodeClass": "TrustedLaunch", "boot": )" + boot + "}}";
}

TEST(AttestationPolicy, BootIsRead) {
  const auto policy =
      parsed(with_boot(R"({"secureBoot": "Required", "measuredBoot": "Required", "pcrs": {"4": [")" + kPcr +
                       R"("]}})"),
             parse_attestation_policy);
  ASSERT_TRUE(policy) << to_string(policy.error());
  EXPECT_EQ(policy->boot.secure_boot, Requirement::kRequired);
  EXPECT_EQ(policy->boot.measured_boot, Requirement::kRequired);
  ASSERT_EQ(policy->boot.pcrs.size(), 1U);
  EXPECT_EQ(to_hex(policy->boot.pcrs.at(4).at(0)), kPcr);
  const auto empty = parsed(with_boot("{}"), parse_attestation_policy);
  ASSERT_TRUE(empty) << to_string(empty.error());
  EXPECT_EQ(empty->boot.secure_boot, Requirement::kPreferred);
  EXPECT_TRUE(empty->boot.pcrs.empty());
}

TEST(AttestationPolicy, EveryQuotedPcrCanBeListedAndNoOther) {
  for (unsigned pcr = 0; pcr < 26; ++pcr) {
    const auto policy =
        parsed(with_boot(R"({"pcrs": {")" + std::to_string(pcr) + R"(": [")" + kPcr + R"("]}})"),
               parse_attestation_policy);
    EXPECT_EQ(policy.has_value(), pcr < 16 && pcr != 10) << pcr;
    if (!policy) {
      EXPECT_EQ(policy.error().detail, "is for a PCR that no policy can name; use one of 0-9,11-15");
    }
  }
}

TEST(AttestationPolicy, RefusesBadBoots) {
  const std::string good = with_boot(R"({"secureBoot": "Required", "pcrs": {"4": [")" + kPcr + R"("]}})");
  const Refusal cases[] = {
      {R"("Required")", R"("required")", Errc::kBadValue, "boot.secureBoot"},
      {R"("Required")", "true", Errc::kWrongType, "boot.secureBoot"},
      {R"("4")", R"("04")", Errc::kBadValue, "boot.pcrs.04"},
      {R"("4")", R"("four")", Errc::kBadValue, "boot.pcrs.four"},
      {"[\"" + kPcr + "\"]", "[]", Errc::kBadValue, "boot.pcrs.4"},
      {"[\"" + kPcr + "\"]", "{}", Errc::kWrongType, "boot.pcrs.4"},
      {"{\"4\": [\"" + kPcr + "\"]}", "{}", Errc::kBadValue, "boot.pcrs"},
      {kPcr, kPcr.substr(2), Errc::kBadValue, "boot.pcrs.4"},
      {kPcr, kPcr.substr(1) + "x", Errc::kBadValue, "boot.pcrs.4"},
  };
  expect_refusals(good, parse_attestation_policy, cases);
}

std::string with_placement(const std::string& placement) {
  return R"({"metadata": {"name": "p"}, "spec": {"placement": )" + placement + "}}";
}

TEST(AttestationPolicy, PlacementIsRead) {
  const auto absent = parsed(R"({"metadata": {"name": "p"}, "spec": {}})", parse_attestation_policy);
  ASSERT_TRUE(absent) << to_string(absent.error());
  EXPECT_TRUE(absent->placement.require_node_label);
  EXPECT_TRUE(absent->placement.node_selector.empty());
  const auto pool =
      parsed(with_placement(R"({"nodeSelector": {"agentpool": "cvm", "example.com/a.b_C": ""}})"),
             parse_attestation_policy);
  ASSERT_TRUE(pool) << to_string(pool.error());
  EXPECT_TRUE(pool->placement.require_node_label);
  EXPECT_EQ(pool->placement.node_selector,
            (std::map<std::string, std::string>{{"agentpool", "cvm"}, {"example.com/a.b_C", ""}}));
  // Both together steer nowhere, which an admin may want.
  const auto none =
      parsed(with_placement(R"({"requireNodeLabel": false, "nodeSelector": {}})"), parse_attestation_policy);
  ASSERT_TRUE(none) << to_string(none.error());
  EXPECT_FALSE(none->placement.require_node_label);
  EXPECT_TRUE(none->placement.node_selector.empty());
}

TEST(AttestationPolicy, RefusesBadPlacements) {
  const std::string good =
      with_placement(R"({"requireNodeLabel": true, "nodeSelector": {"agentpool": "cvm"}})");
  const Refusal cases[] = {
      {"requireNodeLabel", "requireNodeLabels", Errc::kUnknownField, "placement.requireNodeLabels"},
      {"nodeSelector", "tolerations", Errc::kUnknownField, "placement.tolerations"},
      {"true", R"("true")", Errc::kWrongType, "placement.requireNodeLabel"},
      {R"({"agentpool": "cvm"})", R"(["agentpool"])", Errc::kWrongType, "placement.nodeSelector"},
      {R"("cvm")", "1", Errc::kWrongType, "placement.nodeSelector.agentpool"},
      {R"("cvm")", R"("-cvm")", Errc::kBadValue, "placement.nodeSelector.agentpool"},
      {R"("agentpool")", R"("agent pool")", Errc::kBadValue, "placement.nodeSelector.agent pool"},
      {R"({"requireNodeLabel": true, "nodeSelector": {"agentpool": "cvm"}})", "true", Errc::kWrongType,
       "spec.placement"},
  };
  expect_refusals(good, parse_attestation_policy, cases);
}

TEST(AttestationPolicy, SixteenLabelsAreTheMost) {
  const auto with = [](int count) {
    std::string labels;
    for (int i = 0; i < count; ++i)
      labels += (labels.empty() ? "\"k" : ", \"k") + std::to_string(i) + R"(": "v")";
    return parsed(with_placement(R"({"nodeSelector": {)" + labels + "}}"), parse_attestation_policy);
  };
  EXPECT_TRUE(with(16));
  const auto many = with(17);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().code, Errc::kTooLarge);
}

// By the rules of apimachinery's IsQualifiedName, IsDNS1123Subdomain and IsValidLabelValue.
TEST(AttestationPolicy, LabelsAreHeldToKubernetesSyntax) {
  const std::string longest(63, 'a');
  const std::string subdomain = longest + "." + longest + "." + longest + "." + std::string(61, 'b');
  for (const std::string& key :
       {std::string("a"), std::string("A"), std::string("a.b-c_D"), longest, std::string("example.com/x"),
        std::string("e-1.9/X"), subdomain + "/" + longest,
        "policy.nodeproof.node-restriction.kubernetes.io/" + longest}) {
    EXPECT_TRUE(is_label_key(key)) << key;
  }
  for (const std::string& key :
       {std::string(), std::string("/"), std::string("/a"), std::string("a/"), std::string("a/b/c"),
        longest + "a", std::string("-a"), std::string("a_"), std::string("a b"), std::string("\xc3\xa9"),
        std::string("Example.com/x"), std::string("a..b/x"), std::string(".a/x"), std::string("a./x"),
        std::string("-a.b/x"), std::string("a_b/x"), subdomain + "b/x", std::string("a\n"),
        std::string("a\0b", 3)}) {
    EXPECT_FALSE(is_label_key(key)) << key;
  }
  for (const std::string& text : {std::string(), std::string("1"), std::string("a.b-c_D"), longest}) {
    EXPECT_TRUE(is_label_value(text)) << text;
  }
  for (const std::string& text : {longest + "a", std::string("-"), std::string("a."), std::string("_a"),
                                  std::string("a/b"), std::string(" ")}) {
    EXPECT_FALSE(is_label_value(text)) << text;
  }
}

std::string with_on_loss(const std::string& on_loss) {
  return R"({"metadata": {"name": "p"}, "spec": {"onLoss": )" + on_loss + "}}";
}

TEST(AttestationPolicy, OnLossIsRead) {
  const auto absent = parsed(R"({"metadata": {"name": "p"}, "spec": {}})", parse_attestation_policy);
  ASSERT_TRUE(absent) << to_string(absent.error());
  EXPECT_FALSE(absent->on_loss.taint);
  EXPECT_FALSE(absent->on_loss.evict);
  EXPECT_EQ(absent->on_loss.grace_period, Seconds(120));
  EXPECT_EQ(absent->on_loss.stale_grace_period, std::nullopt);
  EXPECT_EQ(absent->on_loss.delete_after, std::nullopt);
  const auto full = parsed(with_on_loss(R"({"taint": true, "evict": true, "gracePeriod": "1m",
    "staleGracePeriod": "61s", "deleteAfter": "1h"})"),
                           parse_attestation_policy);
  ASSERT_TRUE(full) << to_string(full.error());
  EXPECT_TRUE(full->on_loss.taint);
  EXPECT_TRUE(full->on_loss.evict);
  EXPECT_EQ(full->on_loss.grace_period, Seconds(60));
  EXPECT_EQ(full->on_loss.stale_grace_period, Seconds(61));
  EXPECT_EQ(full->on_loss.delete_after, Seconds(3600));
}

TEST(AttestationPolicy, RefusesBadOnLoss) {
  const std::string good =
      with_on_loss(R"({"evict": true, "gracePeriod": "1m", "staleGracePeriod": "30m", "deleteAfter": "2h"})");
  const Refusal cases[] = {
      {R"("evict")", R"("drain")", Errc::kUnknownField, "onLoss.drain"},
      {"true", R"("true")", Errc::kWrongType, "onLoss.evict"},
      {R"("1m")", R"("soon")", Errc::kBadValue, "onLoss.gracePeriod"},
      {R"("30m")", R"("1m")", Errc::kBadValue, "onLoss.staleGracePeriod"},
      {R"("30m")", "30", Errc::kWrongType, "onLoss.staleGracePeriod"},
      {R"("2h")", R"("0s")", Errc::kBadValue, "onLoss.deleteAfter"},
      {"true", "false", Errc::kBadValue, "onLoss.deleteAfter"},
  };
  expect_refusals(good, parse_attestation_policy, cases);
}

TEST(AttestationPolicy, UnknownFieldsAreNamed) {
  const Refusal cases[] = {
      {R"("maxEvidenceAge")", R"("maxEvidenceage")", Errc::kUnknownField, "spec.maxEvidenceage"},
      {R"("akCertificate")", R"("boots": {}, "akCertificate")", Errc::kUnknownField, "spec.boots"},
      {R"("akCertificate")", R"("boot": {"uefi": true}, "akCertificate")", Errc::kUnknownField,
       "spec.boot.uefi"},
      {R"("products")", R"("product")", Errc::kUnknownField, "spec.sevSnp.product"},
      {R"("tee": 0)", R"("tee": 0, "fmc": 1)", Errc::kUnknownField, "minimumTcb.Milan.fmc"},
      {R"("AttestationPolicy")", R"("Policy")", Errc::kUnsupported, "kind"},
      {R"("spec")", R"("Spec")", Errc::kMissing, "spec"},
  };
  expect_refusals(kFull, parse_attestation_policy, cases);
}

TEST(AttestationPolicy, BadValuesAreNamed) {
  const Refusal cases[] = {
      {R"("Warn")", R"("warn")", Errc::kBadValue, "enforcementAction"},
      {R"("Warn")", R"(1)", Errc::kWrongType, "enforcementAction"},
      {R"("5m")", R"("5")", Errc::kBadValue, "maxEvidenceAge"},
      {R"("5m")", R"("0s")", Errc::kBadValue, "maxEvidenceAge"},
      {R"("5m")", R"("-5m")", Errc::kBadValue, "maxEvidenceAge"},
      {R"("5m")", R"(300)", Errc::kWrongType, "maxEvidenceAge"},
      {R"("SelfReported")", R"("Self")", Errc::kBadValue, "nodeIdentity"},
      {R"("Required")", R"("Optional")", Errc::kBadValue, "akCertificate"},
      {R"(["Milan"])", R"([])", Errc::kBadValue, "products"},
      {R"(["Milan"])", R"(["Milan", "Milan"])", Errc::kDuplicate, "products"},
      {R"(["Milan"])", R"(["Venice"])", Errc::kUnsupported, "products"},
      {R"("tee": 0, )", "", Errc::kMissing, "minimumTcb.Milan.tee"},
      {R"("snp": 22)", R"("snp": 256)", Errc::kBadValue, "minimumTcb.Milan.snp"},
      {R"("snp": 22)", R"("snp": -1)", Errc::kWrongType, "minimumTcb.Milan.snp"},
      {R"({"Milan": 10})", R"({"Milan": 4294967296})", Errc::kBadValue, "minimumGuestSvn.Milan"},
      {R"({"Milan": 10})", R"({"Genoa": 10})", Errc::kBadValue, "minimumGuestSvn.Genoa"},
      {R"({"Milan": {)", R"({"Genoa": {)", Errc::kBadValue, "minimumTcb.Genoa"},
      {kMeasurement, kMeasurement.substr(2), Errc::kBadValue, "measurements"},
      {kMeasurement, kMeasurement.substr(1) + "g", Errc::kBadValue, "measurements"},
      {R"("name": "payments")", R"("name": ")" + std::string(64, 'p') + "\"", Errc::kBadValue,
       "metadata.name"},
  };
  expect_refusals(kFull, parse_attestation_policy, cases);
}

// Turin's TCB has one more level than the others', and a minimum names every level.
TEST(AttestationPolicy, TurinHasAnFmcLevel) {
  const std::string turin = R"({"metadata": {"name": "p"}, "spec": {"sevSnp": {"products": ["Turin"],
    "minimumTcb": {"Turin": {"fmc": 1, "bootloader": 2, "tee": 3, "snp": 4, "microcode": 71}}}}})";
  const auto policy = parsed(turin, parse_attestation_policy);
  ASSERT_TRUE(policy) << to_string(policy.error());
  EXPECT_EQ(policy->products, std::vector<Product>{Product::kTurin});
  EXPECT_EQ(policy->minimum_tcb.at(Product::kTurin),
            (attest::TcbVersion{2, 3, 4, 71, 1, attest::TcbLayout::kTurin}));
  const Refusal cases[] = {
      {R"("fmc": 1, )", "", Errc::kMissing, "minimumTcb.Turin.fmc"},
      {R"("fmc": 1)", R"("fmc": 256)", Errc::kBadValue, "minimumTcb.Turin.fmc"},
  };
  expect_refusals(turin, parse_attestation_policy, cases);
}

TEST(AttestationPolicy, RemediesAreInTheSentence) {
  const auto empty = parsed(edited(kFull, R"(["Milan"])", "[]"), parse_attestation_policy);
  ASSERT_FALSE(empty);
  EXPECT_NE(empty.error().detail.find("omit it to accept any product"), std::string::npos);

  const auto both =
      parsed(edited(kFull, R"("Confidential")", R"("TrustedLaunch")"), parse_attestation_policy);
  ASSERT_FALSE(both);
  EXPECT_EQ(
      both.error().detail,
      "a confidential pool and a Trusted Launch pool are different node classes on AKS; no node meets both");

  const auto inventory =
      parsed(edited(kFull, R"("SelfReported")", R"("Inventory")"), parse_attestation_policy);
  ASSERT_TRUE(inventory);
  EXPECT_EQ(inventory->node_identity, attest::NodeIdentity::kInventory);
  const auto own_word = parsed(kFull, parse_attestation_policy);
  ASSERT_TRUE(own_word);
  EXPECT_EQ(own_word->node_identity, attest::NodeIdentity::kSelfReported);
}

TEST(AttestationPolicy, ANameOf63CharactersIsAccepted) {
  EXPECT_TRUE(parsed(edited(kFull, "payments", std::string(63, 'p')), parse_attestation_policy));
}

TEST(AttestationPolicy, MeasurementsAreLimited) {
  const auto with = [](int count) {
    std::string list = "\"" + kMeasurement + "\"";
    for (int i = 1; i < count; ++i) list += ",\"" + kMeasurement + "\"";
    return parsed(edited(kFull, "\"" + kMeasurement + "\"", list), parse_attestation_policy);
  };
  EXPECT_TRUE(with(64));
  const auto policy = with(65);
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().code, Errc::kTooLarge) << to_string(policy.error());
}

TEST(AttestationPolicy, EveryPrefixIsRefused) {
  expect_prefixes_refused(kFull, parse_attestation_policy);
}

}  // namespace
}  // namespace nodeproof::wire
