// Leader election over one coordination.k8s.io Lease, as client-go does it: clocks of machines are
// never compared; an observed record counts from the local time of its observation.
#pragma once

#include <optional>
#include <string>

#include "kube/api_client.hpp"

namespace nodeproof::kube {

struct LeaseTimes {
  Seconds duration{15};
  Seconds renew_deadline{10};
  Seconds retry_period{2};
};

// For one thread. `client` must outlive it; its timeout should be below renew_deadline. `identity`
// must be unique: a process that finds its own identity in the record takes the lease for its own.
class LeaderLease {
 public:
  LeaderLease(ApiClient& client, std::string ns, std::string name, std::string identity,
              LeaseTimes times = {});
  // One step: acquires or renews when due. True while this process leads. Never throws: an API
  // server that does not answer costs leadership after renew_deadline.
  bool step(std::chrono::steady_clock::time_point now);
  // When due, reads the lease and takes nothing: the reply tells the time of the API server. Never throws.
  void look(std::chrono::steady_clock::time_point now);
  // When the request was sent that last acquired or renewed it; the leader's writes must end renew_deadline
  // later.
  std::chrono::steady_clock::time_point renewed_at() const { return renewed_at_; }
  const LeaseTimes& times() const { return times_; }
  // Gives the lease up so that a successor takes over at once.
  void release();

 private:
  struct Record;
  bool is_due(std::chrono::steady_clock::time_point now) const;
  bool try_lead(std::chrono::steady_clock::time_point now);
  bool may_take(const Record& record, std::chrono::steady_clock::time_point now);
  void write(const Record* current, std::string_view holder, Seconds duration);

  ApiClient& client_;
  std::string path_;  // of the collection
  std::string ns_;
  std::string name_;
  std::string identity_;
  LeaseTimes times_;
  std::string observed_record_;
  std::chrono::steady_clock::time_point observed_at_{};
  std::chrono::steady_clock::time_point renewed_at_{};
  std::optional<std::chrono::steady_clock::time_point> tried_at_;
  bool leading_ = false;
};

}  // namespace nodeproof::kube
