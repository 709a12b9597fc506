// Whether this replica may answer for the cluster. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "webhook/condition.hpp"
#include "webhook/demands.hpp"

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
  std::optional<Seconds> clock_offset;        // API server's clock minus ours
  std::optional<UnixTime> certificate_until;  // of the serving certificate; nothing while there is none
};

inline constexpr Seconds kMaxClockOffset{5};

// Every condition, in a fixed order. `max_age`: the limit for the age of every store.
std::vector<Condition> conditions(const ReadinessView& view, Seconds max_age, UnixTime now);

// Why a sensitive pod must not be placed by this replica's view now, though it was complete once:
// `oldest`, of which least was heard, is too old, or the clock by which ages count is wrong or unknown.
std::optional<Refusal> unfit(const StoreView& oldest, Seconds max_age,
                             const std::optional<Seconds>& clock_offset);

// Whether a replica with this clock may publish epochs. Unknown counts as right: the first reply to come
// tells.
bool clock_allows_lead(const std::optional<Seconds>& clock_offset);

// Turns conditions into lines of log, one for each change of what holds.
class ReadinessLog {
 public:
  // The line to write, or nothing when the same conditions hold as last time.
  std::optional<std::string> note(const std::vector<Condition>& conditions);

 private:
  std::optional<std::vector<std::string>> failing_;  // names; nothing before the first note
};

// The parts of it that make verdicts untrustworthy, so that nothing may be written from them.
bool may_report(const ReadinessView& view, Seconds max_age);

}  // namespace nodeproof::webhook
