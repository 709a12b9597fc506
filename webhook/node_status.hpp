// What the leader wants to stand in NodeAttestation.status and in a Node's labels, and whether what
// stands there differs in a way that matters. Pure.
#pragma once

#include <optional>
#include <string>

#include "webhook/kept_status.hpp"
#include "webhook/snapshot.hpp"
#include "wire/event.hpp"

namespace nodeproof::webhook {

// `node.trust` must not be null. A proof older than the shortest maxEvidenceAge is Stale.
wire::NodeAttestationStatus status_of(const NodeEntry& node, const Snapshot& snapshot, UnixTime now);

// The conditions Verified and UnprovenPods as `status` wants them. `before`: those that stand there; one
// whose status is the same keeps its time. Without a sweep UnprovenPods stays as it was.
std::vector<wire::StatusCondition> conditions_of(const wire::NodeAttestationStatus& status,
                                                 const std::vector<wire::StatusCondition>& before,
                                                 UnixTime now);

// The Event that tells of a change from what stands in NodeAttestation to `status`; nothing when phase and
// code are the same, or when a new node is Pending. `before`: what stands there, empty when nothing does. The
// same change has the same name, whichever replica tells of it.
std::optional<wire::Event> phase_event(const NodeEntry& node, const KeptStatus& before,
                                       const wire::NodeAttestationStatus& status);

// A hash of what a reader would act on: the same for a newer time or another wording.
std::size_t gist_of(const wire::NodeAttestationStatus& status);

// Whether this version writes labels of this key.
bool is_written_here(const std::string& key);

// Our labels on the Node as the status wants them, one per met policy among them. No tee label until the
// platform is proven or known to be absent.
std::map<std::string, std::string> labels_of(const wire::NodeAttestationStatus& status);

// A merge patch that turns the labels of `node` under our prefixes into `want`, with metadata.uid so that it
// cannot hit a new Node of the same name; nothing when they are equal. Every other key there becomes null:
// nobody keeps true what this version does not write.
std::optional<std::string> label_patch(const NodeEntry& node, const std::map<std::string, std::string>& want);

}  // namespace nodeproof::webhook
