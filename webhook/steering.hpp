// The nodeSelector that a sensitive pod is given, so that the scheduler tries only nodes that can take it
// (DESIGN 7). It is ANDed with what the pod asks for, so it never widens, and nothing is overwritten.
// What the chart's MutatingAdmissionPolicy does, for API servers that have none. Pure.
#pragma once

#include "webhook/decide.hpp"

namespace nodeproof::webhook {

using NodeSelector = std::map<std::string, std::string>;

// What a pod under this policy must select; empty for policies that do not deny or do not steer.
NodeSelector selector_of(const attest::AppraisalPolicy& policy);

struct Steering {
  AdmissionDecision decision;  // refused for what would refuse the pod in any case, in the same words
  NodeSelector added;          // labels to add to the pod's nodeSelector
};

// Of a pods CREATE; whatever else is asked about is left as it is. The same pod again needs nothing more.
Steering steer(const wire::AdmissionRequest& request, const Snapshot& snapshot);

}  // namespace nodeproof::webhook
