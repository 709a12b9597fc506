#include "webhook/ak_holders.hpp"

#include <algorithm>

namespace nodeproof::webhook {
namespace {

using attest::Check;
using attest::Finding;
using attest::Outcome;

constexpr Check kThis = Check::kDuplicateIdentity;
constexpr std::size_t kNamedOthers = 3;

std::string names_but(const std::vector<const AkHolder*>& holders, const AkHolder& but) {
  std::string out;
  std::size_t others = 0;
  for (const AkHolder* holder : holders) {
    if (holder == &but || ++others > kNamedOthers) continue;
    out += (out.empty() ? "" : ", ") + holder->name;
  }
  if (others > kNamedOthers) out += " and " + std::to_string(others - kNamedOthers) + " more";
  return out;
}

Finding finding_for(const AkHolder& holder, const std::vector<const AkHolder*>& live, const AkHolder* named) {
  const std::string others = names_but(live, holder);
  if (named != nullptr) {
    return attest::failed(
        kThis, "other-holder",
        "its attestation key signs for node " + named->name + " as well, whose VM the inventory names",
        "find out why this node shows the vTPM of " + named->name +
            "; delete its Node if it is no machine of its own");
  }
  return attest::failed(kThis, "several-holders",
                        "its attestation key signs for several Nodes: also " + others,
                        "delete the Nodes that are no machines of their own; a NodeInventory that names the "
                        "VM settles it");
}

}  // namespace

void AkHolders::put(const std::string& node, const NodeTrust* trust) {
  const bool proven = trust != nullptr && trust->claims;
  const auto known = aks_.find(node);
  if (known != aks_.end()) {
    if (proven && known->second == trust->claims->boot.ak()) return;
    erase(node);
  }
  if (!proven) return;
  const auto& [name, ak] = *aks_.emplace(node, trust->claims->boot.ak()).first;
  by_ak_.emplace(ak, name);
  if (is_shared(ak)) shared_.insert(ak);
}

void AkHolders::erase(const std::string& node) {
  const auto known = aks_.find(node);
  by_ak_.erase({known->second, known->first});
  if (!is_shared(known->second)) shared_.erase(known->second);
  aks_.erase(known);
}

bool AkHolders::is_shared(const Sha256Digest& ak) const {
  const auto first = by_ak_.lower_bound({ak, {}});
  return first != by_ak_.end() && first->first == ak && std::next(first) != by_ak_.end() &&
         std::next(first)->first == ak;
}

std::vector<AkHolders::Group> AkHolders::shared() const {
  std::vector<Group> out;
  for (const Sha256Digest& ak : shared_) {
    Group& group = out.emplace_back();
    for (auto at = by_ak_.lower_bound({ak, {}}); at != by_ak_.end() && at->first == ak; ++at)
      group.emplace(at->second);
  }
  return out;
}

std::map<std::string, NodeTrust> disputed(std::span<const AkHolder> holders, const Inventory& inventory,
                                          Seconds max_age, UnixTime now) {
  std::vector<const AkHolder*> live;
  std::vector<const AkHolder*> named;
  for (const AkHolder& holder : holders) {
    if (attest::age_of(*holder.trust->claims, now) > max_age) continue;
    live.push_back(&holder);
    if (inventory.judge(holder.name, *holder.trust->claims).outcome == Outcome::kPassed)
      named.push_back(&holder);
  }
  std::map<std::string, NodeTrust> out;
  if (live.size() < 2) return out;
  const AkHolder* winner = named.size() == 1 ? named.front() : nullptr;
  for (const AkHolder* holder : live) {
    if (holder == winner) continue;
    Finding finding = finding_for(*holder, live, winner);
    if (finding.outcome != Outcome::kFailed) continue;
    NodeTrust trust;
    trust.phase = wire::Phase::kFailed;
    trust.code = attest::name_of(kThis);
    trust.detail = finding.detail;
    trust.remedy = finding.remedy;
    trust.findings = holder->trust->findings;
    trust.findings.push_back(std::move(finding));
    trust.mark = holder->trust->mark;
    out.emplace(holder->name, std::move(trust));
  }
  return out;
}

std::map<std::string, NodeTrust> disputed(
    const AkHolders& all, const std::function<std::shared_ptr<const NodeTrust>(const std::string&)>& trust_of,
    const Inventory& inventory, Seconds max_age, UnixTime now) {
  std::map<std::string, NodeTrust> out;
  for (const AkHolders::Group& group : all.shared()) {
    std::vector<AkHolder> holders;
    for (const std::string& name : group) holders.push_back({name, trust_of(name)});
    out.merge(disputed(holders, inventory, max_age, now));
  }
  return out;
}

bool is_dispute(const NodeTrust& trust) {
  return trust.phase == wire::Phase::kFailed && trust.code == attest::name_of(kThis);
}

}  // namespace nodeproof::webhook
