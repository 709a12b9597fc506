// A Kubernetes Event about a pod, a Node or another cluster-scoped object, for kubectl describe and kubectl
// events.
#pragma once

#include <string>

#include "base/time.hpp"

namespace nodeproof::wire {

// What an Event is about.
struct InvolvedObject {
  std::string kind;  // "Node", "Namespace", "Pod"
  std::string ns;    // empty: cluster-scoped
  std::string name;
  std::string uid;  // empty: not known
  std::string api_version = "v1";
};

struct Event {
  InvolvedObject about;
  bool warning = false;
  std::string reason;  // a CamelCase word
  std::string note;    // a sentence; cut to the 1,024 bytes that an Event takes
  // What happened, where it may be reported again: one Event for each object, reason and occasion, whoever
  // reports it, because its name is made of them.
  std::string occasion;
};

// Where it is created: in the namespace of the object. Of cluster-scoped ones in `default`; the API server
// takes no other but kube-system.
std::string event_path(const Event& event);

// The body of a create; a second one of the same name is refused with 409.
std::string to_json(const Event& event, UnixTime now);

}  // namespace nodeproof::wire
