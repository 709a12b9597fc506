// What the NodeAttestations of the cluster say, read once for all who want to know: the leader, who writes
// them, and verification, which is stricter with what a leader remembered.
#pragma once

#include <memory>
#include <string>

#include "webhook/kept_status.hpp"
#include "webhook/watched.hpp"
#include "wire/node_attestation.hpp"

namespace nodeproof::webhook {

// For whom a credential was made, and with which key generation.
struct OfferedTo {
  std::string kid;
  Sha256Digest ak{};
  Sha256Digest ek{};
  bool operator==(const OfferedTo&) const = default;
};

// Of a Node: thousands are kept, and the API server's choice of UIDs is random.
std::size_t hash_of_uid(std::string_view uid);

struct KeptAttestation {
  // hash_of_uid of the Node's; 0 when the object cannot be read: of no Node that we know.
  std::size_t node = 0;
  KeptStatus status;
  std::shared_ptr<const wire::CounterMark> counters;  // null: none that can be read
  std::shared_ptr<const OfferedTo> offer;             // likewise
  bool since_written = true;  // told by the watch after this replica's last write of the status
};

// Thread-safe.
class NodeAttestations {
 public:
  // What their watch feeds. Borrows this.
  kube::WatchHandler handler();

  std::optional<KeptAttestation> find(const std::string& node) const { return objects_.find(node); }
  // What the leader remembered of this Node; null: nothing.
  std::shared_ptr<const wire::CounterMark> counters_of(const std::string& node, std::string_view uid) const;

  // For the leader, who knows what it has written before the watch tells of it.
  void note_status_written(const std::string& node);
  void note_offer_written(const std::string& node, OfferedTo to);

 private:
  KeptAttestation read(const attest::JsonValue& object);

  KeptStatus::Pool words_;  // of the watch's thread
  Watched<KeptAttestation> objects_;
};

}  // namespace nodeproof::webhook
