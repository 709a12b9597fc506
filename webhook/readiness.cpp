#include "webhook/readiness.hpp"

#include <algorithm>

namespace nodeproof::webhook {
namespace {

bool clock_is_right(const ReadinessView& view) {
  return view.clock_offset && *view.clock_offset <= kMaxClockOffset && *view.clock_offset >= -kMaxClockOffset;
}

std::string clock_clause(const std::optional<Seconds>& offset) {
  if (!offset) return "the clock has not been compared with the API server's yet";
  return "the clock differs by " + std::to_string(offset->count()) +
         "s from the API server's, the limit is " + std::to_string(kMaxClockOffset.count()) + "s";
}

}  // namespace

std::vector<std::string> missing(const ReadinessView& view, Seconds max_age, UnixTime now) {
  std::vector<std::string> out;
  if (view.stopping) out.emplace_back("stopping");
  for (const StoreView& store : view.stores) {
    if (!store.synced) {
      out.push_back(store.name + " have not been listed yet");
    } else if (store.age > max_age) {
      out.push_back("nothing was heard of " + store.name + " for " + to_duration(store.age) +
                    ", the limit is " + to_duration(max_age));
    }
  }
  if (!view.complete) out.emplace_back("not every node has been judged yet");
  if (!clock_is_right(view)) out.push_back(clock_clause(view.clock_offset));
  if (view.certificate_until < now) {
    out.push_back("the serving certificate expired at " + to_rfc3339(view.certificate_until));
  }
  return out;
}

bool may_report(const ReadinessView& view, Seconds max_age) {
  return view.complete && !view.stopping && clock_is_right(view) &&
         std::all_of(view.stores.begin(), view.stores.end(),
                     [max_age](const StoreView& store) { return store.synced && store.age <= max_age; });
}

}  // namespace nodeproof::webhook
