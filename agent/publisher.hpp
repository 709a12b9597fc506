// Writes the two objects of a node. The agent is their only writer, but may have been restarted, so
// a conflict or a vanished object is met by reading again.
#pragma once

#include <string>

#include "agent/object_api.hpp"
#include "wire/node_evidence.hpp"
#include "wire/node_quote.hpp"

namespace nodeproof::agent {

// For one thread.
class Publisher {
 public:
  static constexpr int kTries = 5;

  explicit Publisher(ObjectApi& api) : api_(api) {}  // borrowed

  // Reads what is stored and writes when it differs in more than its date. True when it wrote.
  // Throws kube::ApiError.
  bool publish(const wire::NodeEvidence& evidence);
  // Always writes; remembers the resourceVersion, so that a refresh costs one request.
  void publish(const wire::NodeQuote& quote);

 private:
  ObjectApi& api_;
  std::string quote_version_;
};

}  // namespace nodeproof::agent
