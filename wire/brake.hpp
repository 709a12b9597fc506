// The ConfigMap nodeproof-brake: what the leader has done about lost proofs within the last hour, and whether
// that is enough (DESIGN 8). It outlives leaders; whoever deletes it releases the brake.
#pragma once

#include <map>

#include "base/time.hpp"
#include "wire/objects.hpp"

namespace nodeproof::wire {

inline constexpr std::string_view kBrakeConfigMap = "nodeproof-brake";

struct BrakeState {
  std::optional<UnixTime> engaged;              // since then nothing is tainted or evicted any more
  std::string reason;                           // a sentence; empty unless engaged
  std::map<std::string, UnixTime> nodes;        // by UID: when something was last done about it
  std::map<UnixTime, std::uint64_t> evictions;  // pods, by the minute
  std::string resource_version;                 // empty: there is no such object yet
};

// ConfigMap data: engagedAt (RFC 3339, or empty), reason, nodes and evictions (JSON objects).
Result<BrakeState> parse_brake_config_map(const attest::JsonValue& object);
std::string brake_config_map(const BrakeState& state, std::string_view ns);

// metadata.creationTimestamp of an object that lives in the API server.
Result<UnixTime> creation_time(const attest::JsonValue& object);

}  // namespace nodeproof::wire
