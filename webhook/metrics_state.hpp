// What GET /metrics tells of the moment (DESIGN 10): handed over when it is asked for, kept by nobody.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "webhook/admission_policy_watch.hpp"
#include "webhook/event_writer.hpp"
#include "webhook/http_server.hpp"
#include "webhook/loss_keeper.hpp"
#include "webhook/pod_sweeper.hpp"
#include "webhook/readiness.hpp"

namespace nodeproof::webhook {

struct WatchState {
  std::string collection;
  std::optional<UnixTime> heard;  // when the API server was last heard of; nothing before the first time
  std::uint64_t restarts = 0;
};

// The state of the moment. Times are absolute, so that a frozen exporter still trips an alert.
struct MetricsState {
  std::shared_ptr<const Snapshot> snapshot;  // nodes, policies; not null
  std::vector<WatchState> watches;
  std::optional<Seconds> clock_offset;
  bool leader = false;
  std::int64_t epoch_generation_end = 0;  // Unix time; 0 unless leading
  std::uint64_t epoch_foreign_values = 0;
  std::uint64_t break_glass_opened = 0;  // by this replica while it led
  std::uint64_t break_glass_ended = 0;
  std::size_t extra_trust_anchors = 0;
  std::optional<UnixTime> certificate_until;  // nothing while there is none
  std::optional<UnixTime> authority_until;    // of the newest authority that this webhook made itself
  std::uint64_t foreign_ca_bundles = 0;
  std::uint64_t certificate_reload_errors = 0;
  std::uint64_t log_lines_dropped = 0;
  std::vector<Condition> conditions;  // of being ready
  EventCounts events;                 // about placements of pods
  EventCounts node_events;
  EventCounts running_pod_events;
  std::uint64_t label_repairs = 0;
  std::shared_ptr<const SweepOutcome> sweep;  // the leader's last one; null: none yet, or not leading
  std::shared_ptr<const AdmissionPolicyOutcome> admission_policies;  // the leader's; null: not looked at
  LossReport loss;
  HttpStats http;
};

// Appends it in Prometheus' text format.
void append(const MetricsState& state, UnixTime now, std::string& text);

}  // namespace nodeproof::webhook
