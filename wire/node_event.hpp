// A Kubernetes Event about a Node or another cluster-scoped object, for kubectl describe and kubectl events.
#pragma once

#include <string>

#include "base/time.hpp"

namespace nodeproof::wire {

// Events about cluster-scoped objects live there; the API server takes no other but kube-system.
inline constexpr const char* kNodeEventPath = "/api/v1/namespaces/default/events";

struct NodeEvent {
  std::string node;
  std::string node_uid;
  bool warning = false;
  std::string reason;  // a CamelCase word
  std::string note;    // a sentence; cut to the 1,024 bytes that an Event takes
  // What happened, where it may be reported again: one Event for each node, reason and occasion, whoever
  // reports it, because its name is made of them.
  std::string occasion;
  std::string kind = "Node";  // of the core API group, v1; `node` and `node_uid` are then its name and uid
};

// The body of a create; a second one of the same name is refused with 409.
std::string to_json(const NodeEvent& event, UnixTime now);

}  // namespace nodeproof::wire
