// spec.placement of an AttestationPolicy, and the syntax of labels that it must keep: what is injected
// into pods and is no label would have every pod of the policy refused. Internal to wire/.
#pragma once

#include "attest/policy.hpp"
#include "wire/objects.hpp"

namespace nodeproof::wire {

// Refuses unknown members, more than 16 labels, and keys and values that Kubernetes takes for no label.
Result<attest::PlacementPolicy> parse_placement(const attest::JsonValue& section);

// A key of a label: a name of 1 to 63 characters, after a DNS subdomain and '/' or alone
// (Kubernetes, "Labels and Selectors", syntax and character set).
bool is_label_key(std::string_view text);
// Empty, or 1 to 63 characters as a name.
bool is_label_value(std::string_view text);

}  // namespace nodeproof::wire
