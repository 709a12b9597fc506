// The brake (DESIGN 8): how much may be done about lost proofs within an hour, counted over the whole cluster
// and all leaders. What is done is written into the ledger first, so that whatever fails afterwards counts.
// Pure.
#pragma once

#include "wire/brake.hpp"

namespace nodeproof::webhook {

using wire::BrakeState;

struct BrakeLimits {
  std::uint64_t evictions_per_hour = 250;  // pods
  std::uint64_t nodes_percent = 10;        // of the nodes that could prove themselves
  bool operator==(const BrakeLimits&) const = default;
};

// At least one, unless the share is zero.
std::size_t nodes_allowed(const BrakeLimits& limits, std::size_t nodes);

// Drops from the ledger what is more than an hour old.
void forget_old(BrakeState& state, UnixTime now);

// Pods that may still be evicted within this hour. `state` as forget_old left it.
std::uint64_t evictions_left(const BrakeState& state, const BrakeLimits& limits);

// Enters that something is done about a node and `evictions` of its pods. False, and nothing entered, when
// that is more than is allowed or the brake is engaged.
bool enter(BrakeState& state, const BrakeLimits& limits, std::size_t allowed, const std::string& node_uid,
           std::uint64_t evictions, UnixTime now);

// Keeps the first reason.
void engage(BrakeState& state, std::string reason, UnixTime now);

}  // namespace nodeproof::webhook
