// The leader's look at the admission policies of the chart (admission_policies.hpp): what is missing or
// changed is told once, as an Event and a line of log, and shown as long as it lasts.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "base/time.hpp"
#include "webhook/admission_policies.hpp"
#include "webhook/cluster_api.hpp"

namespace nodeproof::webhook {

struct AdmissionPolicyState {
  std::string kind;
  std::string name;
  std::string drift;  // what is not as installed; empty: nothing
};

struct AdmissionPolicyOutcome {
  std::vector<AdmissionPolicyState> objects;
  UnixTime at;  // when the look began; the epoch before the first that came to its end
};

// One thread calls pass and forget; `last` is thread-safe.
class AdmissionPolicyWatch {
 public:
  // `installed`: nothing where the webhook was not told of any; then no pass does anything. `api` is
  // borrowed.
  AdmissionPolicyWatch(ClusterApi& api, std::optional<AdmissionPolicies> installed)
      : api_(api), installed_(std::move(installed)) {}

  // Reads each. One that does not come to its end, because `leading` says no or the API server fails, changes
  // nothing of what is known; the latter throws.
  void pass(UnixTime now, const std::function<bool()>& leading);
  // After leadership was lost: what is known here is not kept up any more.
  void forget();

  // Null where nothing is to be looked at, or before the first pass.
  std::shared_ptr<const AdmissionPolicyOutcome> last() const;

 private:
  struct Found {
    std::string drift;
    std::string uid;
  };
  Found look_at(const AdmissionPolicyObject& object);
  void tell(const AdmissionPolicyObject& object, const Found& found, UnixTime now);
  void keep(AdmissionPolicyOutcome outcome);

  ClusterApi& api_;
  const std::optional<AdmissionPolicies> installed_;
  std::map<std::string, std::string> told_;  // drift by path, without end yet
  mutable std::mutex mutex_;
  std::shared_ptr<const AdmissionPolicyOutcome> last_;
};

}  // namespace nodeproof::webhook
