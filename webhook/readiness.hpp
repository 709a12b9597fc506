// Whether this replica may answer for the cluster (DESIGN 3). Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace nodeproof::webhook {

// One watched collection.
struct StoreView {
  std::string name;
  bool synced = false;
  Seconds age{0};  // since the API server was last heard of
};

struct ReadinessView {
  std::vector<StoreView> stores;
  bool complete = false;  // every node has been judged once
  bool stopping = false;
  std::optional<Seconds> clock_offset;  // API server's clock minus ours
  UnixTime certificate_until;           // of the serving certificate
};

inline constexpr Seconds kMaxClockOffset{5};

// What keeps the replica from being ready, one clause each; empty when it is. `max_age`: the limit
// for the age of every store.
std::vector<std::string> missing(const ReadinessView& view, Seconds max_age, UnixTime now);

// The parts of it that make verdicts untrustworthy, so that nothing may be written from them.
bool may_report(const ReadinessView& view, Seconds max_age);

}  // namespace nodeproof::webhook
