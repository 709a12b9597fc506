// The agent's life: collect evidence once per boot, quote at every refresh, publish both, and try
// again when something is missing. All failures of the environment end here, in one log line for as long as
// each goes on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/activator.hpp"
#include "agent/collector.hpp"
#include "agent/metrics.hpp"
#include "agent/publisher.hpp"
#include "agent/schedule.hpp"

namespace nodeproof::agent {

struct LoopSettings {
  std::string node_name;
  std::string ns;  // where the epoch ConfigMap is
  std::filesystem::path boot_id_file;
  Seconds refresh{120};
  Seconds max_report_age{24 * 3600};  // evidence is collected anew before half of it
  // Between refreshes the published epoch is looked at this often: one of another key generation, as after a
  // revocation, is quoted at once. 0: never.
  Milliseconds look_out{0};
};

// What the loop works with; borrowed for its life.
struct LoopParts {
  ObjectApi& api;
  Tpm& tpm;
  Collector& collector;
  Timer& timer;
  Metrics& metrics;
};

// One thread.
class AgentLoop {
 public:
  // So many quotes must fail in a row before NodeEvidence says so: a TPM that is restarted is back
  // within that, and every change is a write.
  static constexpr int kQuoteFailuresToReport = 3;

  // `jitter_seed`: different on each node and start.
  AgentLoop(LoopSettings settings, LoopParts parts, std::uint32_t jitter_seed);

  // Until a stop is requested. The first refresh is made at once.
  void run(const std::stop_token& stop);
  // One refresh; true when everything that this node can prove was published.
  bool once(const std::stop_token& stop);

 private:
  bool attest(const std::stop_token& stop);
  AttestationResult attempt(std::string& trouble, const std::function<void()>& action);
  void refresh(const std::stop_token& stop);
  void complete_evidence(bool collected);
  bool awaits_activation() const;
  bool ensure_evidence(const attest::BootIdentity& boot, const wire::PublishedEpoch& epoch,
                       const std::stop_token& stop);
  bool evidence_is_due(const attest::BootIdentity& boot) const;
  void publish_evidence();
  void publish_quote(const wire::PublishedEpoch& epoch);
  void idle_until(SteadyTime next, const std::stop_token& stop);
  void mend_evidence(const std::stop_token& stop);
  bool lacks_endorsements() const;
  bool sees_another_generation();
  Milliseconds wait_after_failure();

  LoopSettings settings_;
  LoopParts parts_;
  Publisher publisher_;
  Activator activator_;
  Backoff failure_backoff_;
  Backoff mending_backoff_;

  std::optional<wire::NodeEvidence> evidence_;
  std::string quoted_kid_;  // of the last quote published
  SteadyTime collected_at_{};
  // What stands in the way now although there is evidence: neither changes its digest.
  std::optional<wire::CollectionState> collection_trouble_;
  std::optional<wire::CollectionState> quote_trouble_;
  int quote_failures_ = 0;
  // What last failed in each; empty: nothing did.
  std::string refresh_trouble_;
  std::string activation_trouble_;
  std::string mending_trouble_;
  Seconds retry_after_{0};  // what the API server asked for last
};

}  // namespace nodeproof::agent
