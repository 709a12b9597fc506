#include "webhook/brake.hpp"

#include <algorithm>
#include <numeric>

namespace nodeproof::webhook {
namespace {

constexpr Seconds kWindow = std::chrono::hours(1);
constexpr Seconds kMinute = std::chrono::minutes(1);

UnixTime minute_of(UnixTime time) {
  return time - time.time_since_epoch() % kMinute;
}

}  // namespace

std::size_t nodes_allowed(const BrakeLimits& limits, std::size_t nodes) {
  if (limits.nodes_percent == 0) return 0;
  return std::max<std::size_t>(1, nodes * limits.nodes_percent / 100);
}

// A minute counts until the last second of it is an hour old. What lies ahead, by a clock that was wrong,
// counts.
void forget_old(BrakeState& state, UnixTime now) {
  std::erase_if(state.nodes, [&](const auto& item) { return item.second + kWindow <= now; });
  std::erase_if(state.evictions, [&](const auto& item) { return item.first + kMinute + kWindow <= now; });
}

std::uint64_t evictions_left(const BrakeState& state, const BrakeLimits& limits) {
  const std::uint64_t done =
      std::accumulate(state.evictions.begin(), state.evictions.end(), std::uint64_t{0},
                      [](std::uint64_t sum, const auto& item) { return sum + item.second; });
  return limits.evictions_per_hour - std::min(done, limits.evictions_per_hour);
}

bool enter(BrakeState& state, const BrakeLimits& limits, std::size_t allowed, const std::string& node_uid,
           std::uint64_t evictions, UnixTime now) {
  if (state.engaged || evictions > evictions_left(state, limits)) return false;
  if (!state.nodes.contains(node_uid) && state.nodes.size() >= allowed) return false;
  state.nodes.insert_or_assign(node_uid, now);
  if (evictions > 0) state.evictions[minute_of(now)] += evictions;
  return true;
}

void engage(BrakeState& state, std::string reason, UnixTime now) {
  if (state.engaged) return;
  state.engaged = now;
  state.reason = std::move(reason);
}

}  // namespace nodeproof::webhook
