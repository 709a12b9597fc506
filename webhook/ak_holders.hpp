// One AK, one Node (DESIGN 3.2 d). A copied NodeEvidence proves nothing, for the AK signs no quote for the
// copying Node; but two Nodes for which one AK did sign cannot both be the machine that it lives in. Pure.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>

#include "webhook/inventory.hpp"
#include "webhook/node_trust.hpp"

namespace nodeproof::webhook {

// Which Nodes hold which AK: those for whose UID it signed a quote that verified. Kept up to date node by
// node, so that finding those that share one costs nothing in a large cluster. A value.
class AkHolders {
 public:
  // What the Node of this name has proven by now; null or without claims: nothing.
  void put(const std::string& node, const NodeTrust* trust);

  // The Nodes of each AK that has several. Empty in an honest cluster.
  using Group = std::set<std::string>;
  std::vector<Group> shared() const;

 private:
  void erase(const std::string& node);

  bool is_shared(const Sha256Digest& ak) const;

  std::map<std::string, Sha256Digest> aks_;                    // by name of the Node
  std::set<std::pair<Sha256Digest, std::string_view>> by_ak_;  // names within aks_
  std::set<Sha256Digest> shared_;
};

struct AkHolder {
  std::string name;                        // of the Node
  std::shared_ptr<const NodeTrust> trust;  // with claims
};

// What to say instead about those of `holders`, all of one AK, that cannot be believed: by name of the Node.
// A proof older than `max_age` disputes nothing, as it admits nothing any more. The one that the inventory
// names for its VM keeps its verdict; where it names none, or more than one, nobody does.
//
// Failed with code duplicate-identity, and no claims. Who is the machine and who shows it is not known, so
// nothing that runs there may be harmed for it (is_dispute).
std::map<std::string, NodeTrust> disputed(std::span<const AkHolder> holders, const Inventory& inventory,
                                          Seconds max_age, UnixTime now);

// The same of every AK that several of `all` hold, each with what `trust_of` gives for the Node's name.
std::map<std::string, NodeTrust> disputed(
    const AkHolders& all, const std::function<std::shared_ptr<const NodeTrust>(const std::string&)>& trust_of,
    const Inventory& inventory, Seconds max_age, UnixTime now);

// Whether the node failed for nothing but a dispute over its AK: never a ground to taint or evict.
bool is_dispute(const NodeTrust& trust);

}  // namespace nodeproof::webhook
