// Endorsements that this node has published before, for when THIM does not answer: an agent's pod keeps none
// when it is replaced, and no outage of the host's services may take the proof of a node that had one.
#pragma once

#include "agent/endorsements.hpp"
#include "agent/object_api.hpp"

namespace nodeproof::agent {

// Asks `first`, and reads the own NodeEvidence only when that has none. One thread.
class PublishedEndorsements final : public EndorsementSource {
 public:
  // Borrows both.
  PublishedEndorsements(EndorsementSource& first, ObjectApi& api, std::string node_name);
  // Throws what `first` threw when nothing was published that belongs to the report.
  std::vector<Bytes> endorsements(const EndorsementKey& key, const std::stop_token& stop) override;

 private:
  std::optional<std::vector<Bytes>> published(const EndorsementKey& key) const;

  EndorsementSource& first_;
  ObjectApi& api_;
  std::string node_name_;
};

}  // namespace nodeproof::agent
