#include "webhook/readiness.hpp"

#include <algorithm>

namespace nodeproof::webhook {
namespace {

bool is_right(const std::optional<Seconds>& clock_offset) {
  return clock_offset && *clock_offset <= kMaxClockOffset && *clock_offset >= -kMaxClockOffset;
}

std::string clock_problem(const std::optional<Seconds>& offset) {
  if (is_right(offset)) return {};
  if (!offset) return "the clock has not been compared with the API server's yet";
  return "the clock differs by " + std::to_string(offset->count()) +
         "s from the API server's, the limit is " + std::to_string(kMaxClockOffset.count()) + "s";
}

std::string certificate_problem(const std::optional<UnixTime>& until, UnixTime now) {
  if (!until) return "there is no serving certificate yet";
  return *until < now ? "the serving certificate expired at " + to_rfc3339(*until) : std::string();
}

std::string store_problem(const StoreView& store, Seconds max_age) {
  if (!store.synced) return store.name + " have not been listed yet";
  if (store.age <= max_age) return {};
  return "nothing was heard of " + store.name + " for " + to_duration(store.age) + ", the limit is " +
         to_duration(max_age);
}

// Labels of a metric and words in a line are easier to ask for without spaces.
std::string condition_name(const StoreView& store) {
  std::string name = "view/" + store.name;
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::vector<std::string> failing(const std::vector<Condition>& conditions) {
  std::vector<std::string> out;
  for (const Condition& condition : conditions) {
    if (!condition.holds()) out.push_back(condition.name);
  }
  return out;
}

}  // namespace

std::vector<Condition> conditions(const ReadinessView& view, Seconds max_age, UnixTime now) {
  std::vector<Condition> out;
  out.push_back({"running", view.stopping ? "stopping" : ""});
  for (const StoreView& store : view.stores) {
    out.push_back({condition_name(store), store_problem(store, max_age)});
  }
  out.push_back({"nodes-judged", view.complete ? "" : "not every node has been judged yet"});
  out.push_back({"clock", clock_problem(view.clock_offset)});
  out.push_back({"serving-certificate", certificate_problem(view.certificate_until, now)});
  return out;
}

bool clock_allows_lead(const std::optional<Seconds>& clock_offset) {
  return !clock_offset || is_right(clock_offset);
}

std::optional<Refusal> unfit(const StoreView& oldest, Seconds max_age,
                             const std::optional<Seconds>& clock_offset) {
  if (const std::string problem = store_problem(oldest, max_age); !problem.empty()) {
    return Refusal{
        "view-too-old", "this webhook's view of the cluster is too old: " + problem,
        "see why the webhook does not reach the API server (GET /readyz?verbose, its log); then try "
        "again"};
  }
  if (const std::string problem = clock_problem(clock_offset); !problem.empty()) {
    return Refusal{"clock-off", "this webhook cannot tell how old evidence is: " + problem,
                   "set the clock of the webhook's node; then try again"};
  }
  return std::nullopt;
}

std::optional<std::string> ReadinessLog::note(const std::vector<Condition>& conditions) {
  std::vector<std::string> names = failing(conditions);
  if (names == failing_) return std::nullopt;
  failing_ = std::move(names);
  if (failing_->empty()) return "ready";
  std::string line = "not ready";
  const char* separator = ": ";
  for (const Condition& condition : conditions) {
    if (condition.holds()) continue;
    line += separator + condition.problem;
    separator = "; ";
  }
  return line;
}

bool may_report(const ReadinessView& view, Seconds max_age) {
  return view.complete && !view.stopping && is_right(view.clock_offset) &&
         std::all_of(view.stores.begin(), view.stores.end(),
                     [max_age](const StoreView& store) { return store_problem(store, max_age).empty(); });
}

}  // namespace nodeproof::webhook
