// The objects of one node, from a file or from a cluster, as `nodeproof verify node` judges them.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "kube/api_client.hpp"
#include "wire/node_evidence.hpp"
#include "wire/node_quote.hpp"

namespace nodeproof::cli {

// Absent: there is none. An Error: there is one that cannot be read, which is held against the node.
struct NodeObjects {
  std::string name;
  std::optional<wire::Node> node;
  std::optional<Result<wire::NodeEvidence>> evidence;
  std::optional<Result<wire::NodeQuote>> quote;
};

using NodesByName = std::map<std::string, NodeObjects>;

// Puts a NodeEvidence, NodeQuote or Node among those of its node; false for another kind. A second object of
// one kind and name is an Error.
Result<bool> put_node_object(const attest::JsonValue& object, const std::string& kind, NodesByName& out);

// From YAML documents or JSON, Lists included: NodeEvidence, NodeQuote and, if it is there, Node. Other
// kinds and two objects of one kind and name are Errors. `node` empty: the only one in the file. Throws
// what read_file throws.
Result<NodeObjects> read_node_objects(const std::string& file, const std::string& node);

// Nothing when there is no such Node. Throws std::runtime_error with what to do when the CRDs are not
// installed, access is denied or the API server does not answer.
std::optional<NodeObjects> find_node_objects(kube::ApiClient& api, const std::string& node);
// The same for a node that must be there.
NodeObjects fetch_node_objects(kube::ApiClient& api, const std::string& node);

}  // namespace nodeproof::cli
