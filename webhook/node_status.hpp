// What the leader wants to stand in NodeAttestation.status and in a Node's labels, and whether what
// stands there differs in a way that matters. Pure.
#pragma once

#include <optional>
#include <string>

#include "webhook/snapshot.hpp"

namespace nodeproof::webhook {

// `node.trust` must not be null. A proof older than the shortest maxEvidenceAge is Stale.
wire::NodeAttestationStatus status_of(const NodeEntry& node, const Snapshot& snapshot, UnixTime now);

// True when something that a reader would act on differs: not for a newer time or another wording.
bool differs(const wire::NodeAttestationStatus& have, const wire::NodeAttestationStatus& want);

// Our labels on the Node as the status wants them, one per met policy among them. No tee label until the
// platform is proven or known to be absent.
std::map<std::string, std::string> labels_of(const wire::NodeAttestationStatus& status);

// A merge patch that turns our labels of `node` into `want`, with metadata.uid so that it cannot hit a
// new Node of the same name; nothing when they are equal. Labels of ours that are not wanted any more
// become null; keys under our prefix that we do not write are left alone.
std::optional<std::string> label_patch(const NodeEntry& node, const std::map<std::string, std::string>& want);

}  // namespace nodeproof::webhook
