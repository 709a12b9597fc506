// Break-glass (DESIGN 7): a namespace that its label takes out of the gate for a while. The API server's
// selectors let it out, and a ValidatingAdmissionPolicy guards who may do so and for how long; the leader
// tells of it and ends it.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "webhook/cluster_api.hpp"
#include "webhook/pass_failures.hpp"
#include "webhook/snapshot.hpp"

namespace nodeproof::webhook {

// Why it must end now, as a sentence about it; nothing while it may go on. An end that cannot be read is
// past.
std::optional<std::string> ended(const BreakGlass& opened, UnixTime now);

// One thread calls pass and forget; the counts are thread-safe.
class BreakGlassKeeper {
 public:
  explicit BreakGlassKeeper(ClusterApi& api) : api_(api) {}  // borrowed

  // Tells of each namespace that was opened, once for each reason and end, and closes those past their end.
  // `leading` is asked before each namespace. What fails is tried again at the next
  // pass, and logged when that is news.
  void pass(const NamespaceMap& namespaces, UnixTime now, const std::function<bool()>& leading);
  // After leadership was lost: somebody else may have told since.
  void forget() { told_.clear(); }

  std::uint64_t opened() const { return opened_; }
  std::uint64_t closed() const { return closed_; }

 private:
  void attempt(const std::string& name, const std::function<void()>& call);
  void tell(const std::string& name, const BreakGlass& opened, UnixTime now);
  void close(const std::string& name, const BreakGlass& opened, const std::string& why, UnixTime now);
  bool report(const std::string& name, const BreakGlass& opened, const std::string& reason,
              const std::string& note, UnixTime now);

  ClusterApi& api_;
  std::map<std::string, BreakGlass> told_;  // by namespace: what was told of last
  PassFailures failures_{"telling of break-glass or ending it"};
  std::atomic<std::uint64_t> opened_{0};
  std::atomic<std::uint64_t> closed_{0};
};

}  // namespace nodeproof::webhook
