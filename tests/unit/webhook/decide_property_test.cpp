// Random pods, namespaces, policies and node states: a decision is monotone. What asks for more never turns
// a refusal into a placement, and fresher evidence never turns a placement into a refusal.
#include <gtest/gtest.h>

#include <random>

#include "tests/support/forge_event_log.hpp"
#include "tests/unit/webhook/cluster_picture.hpp"

namespace nodeproof::webhook {
namespace {

using attest::AppraisalPolicy;
using attest::EnforcementAction;
using attest::NodeIdentity;
using attest::Product;
using attest::RequiredNodeClass;
using attest::Requirement;
using testing::kNow;
using testing::Scene;

constexpr int kCases = 4000;
constexpr const char* kNode = "node";
constexpr const char* kNamespace = "demo";

std::shared_ptr<const NodeTrust> trust_of(wire::NodeEvidence evidence, const attest::PcrValues& pcrs) {
  Scene scene;
  scene.quote = Result<wire::NodeQuote>(testing::make_quote(evidence, {.options = {.pcrs = pcrs}}));
  scene.evidence = Result<wire::NodeEvidence>(std::move(evidence));
  return std::make_shared<const NodeTrust>(scene.judge());
}

// Every kind of node state that claims can be of, and some without.
const std::vector<std::shared_ptr<const NodeTrust>>& trusts() {
  static const std::vector<std::shared_ptr<const NodeTrust>> all = [] {
    const auto off = forge::make_event_log({.secure_boot = false});
    return std::vector<std::shared_ptr<const NodeTrust>>{
        testing::verified_trust(),
        trust_of(testing::make_evidence({.with_ak_certificate = false}), forge::make_pcrs()),
        trust_of(testing::make_evidence({.event_log = Bytes()}), forge::make_pcrs()),
        trust_of(testing::make_trusted_launch(), forge::make_pcrs()),
        trust_of(testing::make_trusted_launch({.event_log = off.log}), off.pcrs),
        trust_of(testing::make_trusted_launch({.event_log = Bytes()}), forge::make_pcrs()),
        testing::trust_without([](Scene& s) { s.quote.reset(); }),
        testing::trust_without([](Scene& s) { (*s.quote)->signature.back() ^= 1; }),
        nullptr};
  }();
  return all;
}

// None, and ones that name this VM for the node, and another.
const std::vector<std::shared_ptr<const Inventory>>& inventories() {
  static const std::vector<std::shared_ptr<const Inventory>> all = [] {
    std::vector<std::shared_ptr<const Inventory>> out{std::make_shared<const Inventory>()};
    for (const std::string& vm : {std::string(forge::kVmId), std::string(testing::kOtherUuid)}) {
      Inventory one;
      one.put("pool", wire::NodeInventory{"pool", {{kNode, vm}}});
      out.push_back(std::make_shared<const Inventory>(std::move(one)));
    }
    return out;
  }();
  return all;
}

class Dice {
 public:
  explicit Dice(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(engine_);
  }
  bool coin() { return below(2) == 0; }
  Seconds age() { return Seconds(below(40)); }

 private:
  std::mt19937 engine_;
};

AppraisalPolicy any_policy(Dice& dice, const std::string& name) {
  AppraisalPolicy out;
  out.name = name;
  out.enforcement_action = static_cast<EnforcementAction>(dice.below(3));
  out.max_evidence_age = dice.age();
  out.node_class = static_cast<RequiredNodeClass>(dice.below(3));
  out.ak_certificate = dice.coin() ? Requirement::kRequired : Requirement::kPreferred;
  if (dice.below(4) == 0) out.node_identity = NodeIdentity::kInventory;
  if (dice.coin()) out.products = {Product::kMilan, Product::kGenoa};
  if (dice.coin()) out.minimum_tcb[Product::kMilan] = forge::kTcb;
  if (dice.coin()) out.boot.secure_boot = Requirement::kRequired;
  if (dice.coin()) out.boot.measured_boot = Requirement::kRequired;
  if (dice.coin()) out.boot.pcrs[7] = {forge::make_pcrs().at(7), forge::make_pcrs(forge::kVmId, false).at(7)};
  return out;
}

// One demand more, chosen at random.
void tighten(Dice& dice, AppraisalPolicy& policy) {
  switch (dice.below(10)) {
    case 0:
      policy.max_evidence_age = std::min(policy.max_evidence_age, dice.age());
      break;
    case 1:
      policy.enforcement_action = EnforcementAction::kDeny;
      break;
    case 2:
      policy.boot.secure_boot = Requirement::kRequired;
      break;
    case 3:
      policy.boot.measured_boot = Requirement::kRequired;
      break;
    case 4:
      policy.ak_certificate = Requirement::kRequired;
      break;
    case 5:
      if (policy.products.empty() || policy.products.size() > 1) policy.products = {Product::kGenoa};
      break;
    case 6:
      policy.minimum_tcb[Product::kMilan] = {5, 0, 24, 219};
      break;
    case 7:
      policy.boot.pcrs[7] = {Sha256Digest{}};
      break;
    case 8:
      policy.node_identity = NodeIdentity::kInventory;
      break;
    default:
      if (policy.node_class == RequiredNodeClass::kAny)
        policy.node_class =
            dice.coin() ? RequiredNodeClass::kConfidential : RequiredNodeClass::kTrustedLaunch;
  }
}

struct World {
  std::map<std::string, AppraisalPolicy> policies;
  NamespaceEntry ns;
  std::map<std::string, std::string> markers;
  std::shared_ptr<const NodeTrust> trust;
  std::shared_ptr<const Inventory> inventory;

  bool allows(UnixTime now) const {
    Snapshot snapshot;
    snapshot.complete = true;
    snapshot.inventory = inventory;
    NodeMap nodes;
    nodes.put(testing::entry(kNode, testing::kNodeUid, trust));
    snapshot.nodes = std::make_shared<const NodeMap>(std::move(nodes));
    PolicyMap map;
    for (const auto& [name, policy] : policies) map.emplace(name, policy);
    snapshot.policies = std::make_shared<const PolicyMap>(std::move(map));
    snapshot.namespaces = std::make_shared<const NamespaceMap>(NamespaceMap{{kNamespace, ns}});
    const PodEntry pod = entry_of(testing::pod(kNamespace, markers));
    return decide(testing::binding_request(kNamespace, kNode), snapshot, pod, now, std::nullopt).allowed;
  }
};

World any_world(Dice& dice) {
  World out;
  for (const char* name : {"a", "b"}) out.policies[name] = any_policy(dice, name);
  out.ns.enforce = dice.coin() ? "annotated-pods" : "all-pods";
  if (out.ns.enforce == "all-pods" || dice.coin()) out.ns.policy = "a";
  if (dice.coin()) out.markers[std::string(wire::kPolicyAnnotation)] = dice.coin() ? "a" : "b";
  if (!out.markers.empty() && dice.coin())
    out.markers[std::string(wire::kMaxAgeAnnotation)] = to_duration(dice.age() + Seconds(1));
  out.trust = trusts()[dice.below(trusts().size())];
  out.inventory = inventories()[dice.below(inventories().size())];
  return out;
}

void tighten(Dice& dice, World& world) {
  switch (dice.below(4)) {
    case 0:
      world.ns.enforce = "all-pods";
      if (!world.ns.policy) world.ns.policy = "a";
      break;
    case 1:
      if (world.markers.empty()) world.markers[std::string(wire::kPolicyAnnotation)] = "b";
      break;
    case 2:
      if (!world.markers.empty()) world.markers[std::string(wire::kMaxAgeAnnotation)] = "1s";
      break;
    default:
      tighten(dice, world.policies[dice.coin() ? "a" : "b"]);
  }
}

TEST(DecideProperty, AskingForMoreNeverAllowsWhatWasRefused) {
  Dice dice(20260825);
  int refused = 0;
  for (int i = 0; i < kCases; ++i) {
    World world = any_world(dice);
    const UnixTime now = kNow + dice.age();
    if (world.allows(now)) continue;
    ++refused;
    tighten(dice, world);
    ASSERT_FALSE(world.allows(now)) << "case " << i;
  }
  EXPECT_GT(refused, kCases / 10);
  EXPECT_LT(refused, kCases * 9 / 10);
}

TEST(DecideProperty, FresherEvidenceNeverRefusesWhatWasAllowed) {
  Dice dice(20261128);
  int proven = 0;
  for (int i = 0; i < kCases; ++i) {
    World world = any_world(dice);
    const UnixTime now = kNow + dice.age();
    if (!world.trust || !world.trust->claims || !world.allows(now)) continue;
    ++proven;
    NodeTrust fresher = *world.trust;
    fresher.claims = std::make_shared<const attest::NodeClaims>(
        attest::NodeClaims{world.trust->claims->boot, world.trust->claims->quote,
                           world.trust->claims->quoted_since + dice.age()});
    world.trust = std::make_shared<const NodeTrust>(std::move(fresher));
    ASSERT_TRUE(world.allows(now)) << "case " << i;
  }
  EXPECT_GT(proven, kCases / 20);
}

}  // namespace
}  // namespace nodeproof::webhook
