#include "webhook/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "tests/unit/webhook/cluster_picture.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::HasSubstr;
using testing::kNow;
using ::testing::Not;

Snapshot picture_with_break_glass() {
  Snapshot out = testing::picture();
  NamespaceMap namespaces = *out.namespaces;
  namespaces["rescued"].break_glass = BreakGlass{"incident-7", "2026-08-25T01:00:00Z", {}, {}};
  namespaces["endless"].break_glass = BreakGlass{"incident-8", "", {}, {}};
  out.namespaces = std::make_shared<const NamespaceMap>(std::move(namespaces));
  return out;
}

MetricsState state() {
  MetricsState out;
  out.snapshot = std::make_shared<const Snapshot>(picture_with_break_glass());
  out.watches = {{"nodes", kNow - Seconds(3), 2}, {"pods", std::nullopt, 0}};
  out.clock_offset = Seconds(-1);
  out.leader = true;
  out.epoch_generation_end = 1787630400;
  out.epoch_foreign_values = 1;
  out.break_glass_opened = 5;
  out.break_glass_ended = 6;
  out.extra_trust_anchors = 2;
  out.certificate_until = kNow;
  out.authority_until = kNow + Seconds(9);
  out.foreign_ca_bundles = 3;
  out.certificate_reload_errors = 4;
  out.events = {.written = 5, .repeated = 6, .dropped = 7, .failed = 8};
  out.node_events = {.written = 9};
  out.running_pod_events = {.written = 11};
  out.label_repairs = 4;
  SweepOutcome sweep;
  sweep.at = kNow - Seconds(20);
  sweep.counts.by_reason[UnprovenReason::kMirrorPod] = 3;
  out.sweep = std::make_shared<const SweepOutcome>(std::move(sweep));
  out.admission_policies = std::make_shared<const AdmissionPolicyOutcome>(
      AdmissionPolicyOutcome{{{"ValidatingAdmissionPolicy", "nodeproof-nodes", "it is missing"},
                              {"ValidatingAdmissionPolicyBinding", "nodeproof-nodes", ""}},
                             kNow - Seconds(30)});
  out.loss = {{{{"evict", "done"}, 3}}, true};
  out.conditions = {{"view/nodes", ""}, {"clock", "the clock differs"}};
  return out;
}

// Names are an interface: dashboards and alerts use them.
TEST(Metrics, HaveTheseNames) {
  Metrics metrics;
  AdmissionDecision decision;
  metrics.count_admission(decision, std::chrono::milliseconds(1));
  metrics.count_verification(NodeTrust{}, std::chrono::milliseconds(1));
  std::istringstream text(metrics.render(state(), kNow));
  std::set<std::string> names;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("# TYPE ")) names.insert(line.substr(7));
  }
  const std::set<std::string> want{"nodeproof_admission_requests_total counter",
                                   "nodeproof_admission_malformed_total counter",
                                   "nodeproof_admission_duration_seconds histogram",
                                   "nodeproof_evidence_verifications_total counter",
                                   "nodeproof_evidence_verification_duration_seconds histogram",
                                   "nodeproof_nodes gauge",
                                   "nodeproof_node_status gauge",
                                   "nodeproof_node_quote_epoch_time_seconds gauge",
                                   "nodeproof_node_evidence_expiry_time_seconds gauge",
                                   "nodeproof_policy_nodes gauge",
                                   "nodeproof_policy_invalid gauge",
                                   "nodeproof_watch_last_heard_time_seconds gauge",
                                   "nodeproof_watch_restarts_total counter",
                                   "nodeproof_clock_offset_seconds gauge",
                                   "nodeproof_leader gauge",
                                   "nodeproof_unproven_pods gauge",
                                   "nodeproof_sweep_time_seconds gauge",
                                   "nodeproof_admission_policy_drift gauge",
                                   "nodeproof_admission_policy_check_time_seconds gauge",
                                   "nodeproof_brake_engaged gauge",
                                   "nodeproof_loss_actions_total counter",
                                   "nodeproof_epoch_generation_end_time_seconds gauge",
                                   "nodeproof_epoch_foreign_values_total counter",
                                   "nodeproof_break_glass_end_time_seconds gauge",
                                   "nodeproof_break_glass_opened_total counter",
                                   "nodeproof_break_glass_ended_total counter",
                                   "nodeproof_trust_anchors_extra gauge",
                                   "nodeproof_log_lines_dropped_total counter",
                                   "nodeproof_serving_certificate_expiry_time_seconds gauge",
                                   "nodeproof_serving_certificate_reload_errors_total counter",
                                   "nodeproof_serving_ca_expiry_time_seconds gauge",
                                   "nodeproof_ca_bundle_foreign_values_total counter",
                                   "nodeproof_ready gauge",
                                   "nodeproof_ready_condition gauge",
                                   "nodeproof_placement_events_total counter",
                                   "nodeproof_node_events_total counter",
                                   "nodeproof_running_pod_events_total counter",
                                   "nodeproof_label_repairs_total counter",
                                   "nodeproof_http_connections gauge",
                                   "nodeproof_http_events_total counter"};
  EXPECT_EQ(names, want);
}

TEST(Metrics, TellTheStateOfTheMoment) {
  const Metrics metrics;
  const std::string text = metrics.render(state(), kNow + Seconds(21));
  for (const char* line : {"nodeproof_nodes{phase=\"Verified\"} 0\n",
                           "nodeproof_nodes{phase=\"Stale\"} 1\n",
                           "nodeproof_nodes{phase=\"Unsupported\"} 1\n",
                           "nodeproof_nodes{phase=\"Pending\"} 1\n",
                           "nodeproof_node_status{node=\"cvm-1\",phase=\"Stale\",finding=\"\"} 1\n",
                           "nodeproof_node_quote_epoch_time_seconds{node=\"cvm-1\"} 1787616000\n",
                           "nodeproof_node_evidence_expiry_time_seconds{node=\"cvm-1\"} 1787616020\n",
                           "nodeproof_policy_nodes{policy=\"confidential\",met=\"true\"} 1\n",
                           "nodeproof_policy_nodes{policy=\"short\",met=\"true\"} 0\n",
                           "nodeproof_policy_invalid{policy=\"broken\"} 1\n",
                           "nodeproof_watch_last_heard_time_seconds{collection=\"nodes\"} 1787615997\n",
                           "nodeproof_watch_restarts_total{collection=\"nodes\"} 2\n",
                           "nodeproof_clock_offset_seconds -1\n",
                           "nodeproof_leader 1\n",
                           "nodeproof_epoch_foreign_values_total 1\n",
                           "nodeproof_break_glass_end_time_seconds{namespace=\"rescued\"} 1787619600\n",
                           "nodeproof_break_glass_end_time_seconds{namespace=\"endless\"} 0\n",
                           "nodeproof_break_glass_opened_total 5\n",
                           "nodeproof_break_glass_ended_total 6\n",
                           "nodeproof_trust_anchors_extra 2\n",
                           "nodeproof_serving_certificate_expiry_time_seconds 1787616000\n",
                           "nodeproof_serving_certificate_reload_errors_total 4\n",
                           "nodeproof_placement_events_total{result=\"written\"} 5\n",
                           "nodeproof_placement_events_total{result=\"repeated\"} 6\n",
                           "nodeproof_placement_events_total{result=\"dropped\"} 7\n",
                           "nodeproof_placement_events_total{result=\"failed\"} 8\n",
                           "nodeproof_serving_ca_expiry_time_seconds 1787616009\n",
                           "nodeproof_ca_bundle_foreign_values_total 3\n",
                           "nodeproof_node_events_total{result=\"written\"} 9\n",
                           "nodeproof_running_pod_events_total{result=\"written\"} 11\n",
                           "nodeproof_label_repairs_total 4\n",
                           "nodeproof_ready 0\n",
                           "nodeproof_ready_condition{condition=\"view/nodes\"} 1\n",
                           "nodeproof_ready_condition{condition=\"clock\"} 0\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("collection=\"pods\"} 17"))) << "never heard of is no time";
}

// No time is better than the year 1970, which would page.
TEST(Metrics, CertificatesAreToldOnceThereAreSome) {
  MetricsState none = state();
  none.certificate_until.reset();
  none.authority_until.reset();
  const std::string text = Metrics().render(none, kNow);
  EXPECT_THAT(text, Not(HasSubstr("nodeproof_serving_certificate_expiry_time_seconds")));
  EXPECT_THAT(text, Not(HasSubstr("nodeproof_serving_ca_expiry_time_seconds")));
}

TEST(Metrics, UnprovenPodsAreToldByReasonOnceThereWasASweep) {
  MetricsState now = state();
  const std::string text = Metrics().render(now, kNow);
  EXPECT_THAT(text, HasSubstr("nodeproof_unproven_pods{reason=\"mirror-pod\"} 3"));
  EXPECT_THAT(text, HasSubstr("nodeproof_unproven_pods{reason=\"unmet\"} 0"));
  EXPECT_THAT(text, HasSubstr("nodeproof_sweep_time_seconds " + std::to_string(to_unix(kNow) - 20)));
  now.sweep = nullptr;
  EXPECT_THAT(Metrics().render(now, kNow), Not(HasSubstr("nodeproof_unproven_pods")));
}

TEST(Metrics, TellWhichAdmissionPolicyIsNotAsInstalled) {
  MetricsState now = state();
  const std::string text = Metrics().render(now, kNow);
  const std::string drift = "nodeproof_admission_policy_drift{kind=";
  EXPECT_THAT(text, HasSubstr(drift + "\"ValidatingAdmissionPolicy\",name=\"nodeproof-nodes\"} 1\n"));
  EXPECT_THAT(text, HasSubstr(drift + "\"ValidatingAdmissionPolicyBinding\",name=\"nodeproof-nodes\"} 0\n"));
  EXPECT_THAT(
      text, HasSubstr("nodeproof_admission_policy_check_time_seconds " + std::to_string(to_unix(kNow) - 30)));
  now.admission_policies = nullptr;
  EXPECT_THAT(Metrics().render(now, kNow), Not(HasSubstr("nodeproof_admission_policy")));
}

// A replica that does not lead knows nothing of the brake.
TEST(Metrics, TheBrakeIsToldByTheLeader) {
  MetricsState now = state();
  const std::string text = Metrics().render(now, kNow);
  EXPECT_THAT(text, HasSubstr("nodeproof_brake_engaged 1\n"));
  EXPECT_THAT(text, HasSubstr("nodeproof_loss_actions_total{action=\"evict\",result=\"done\"} 3\n"));
  now.loss.engaged = false;
  EXPECT_THAT(Metrics().render(now, kNow), HasSubstr("nodeproof_brake_engaged 0\n"));
  now.loss.engaged.reset();
  EXPECT_THAT(Metrics().render(now, kNow), Not(HasSubstr("nodeproof_brake_engaged")));
}

TEST(Metrics, ReadyIsOneWhenEveryConditionHolds) {
  MetricsState all = state();
  all.conditions[1].problem.clear();
  EXPECT_THAT(Metrics().render(all, kNow), HasSubstr("nodeproof_ready 1\n"));
}

TEST(Metrics, ReasonsOfOurOwnKeepTheirName) {
  Metrics metrics;
  for (const char* reason : {"view-too-old", "clock-off", "steered", "warned"}) {
    AdmissionDecision decision;
    decision.reason = reason;
    metrics.count_admission(decision, {});
    EXPECT_THAT(metrics.render(state(), kNow), HasSubstr("reason=\"" + std::string(reason) + "\",rule="));
  }
}

TEST(Metrics, WordsThatAgentsSayKeepTheirName) {
  Metrics metrics;
  for (const char* code : {"no-tpm", "no-ak", "owner-auth-set", "no-hcl-report", "no-ak-certificate",
                           "endorsements-unreachable", "tpm-error"}) {
    NodeTrust trust;
    trust.code = code;
    metrics.count_verification(trust, {});
    EXPECT_THAT(metrics.render(state(), kNow), HasSubstr("\"" + std::string(code) + "\""));
  }
}

TEST(Metrics, EachNodeHasOneStatus) {
  const std::string text = Metrics().render(state(), kNow);
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find("\nnodeproof_node_status{", at)) != std::string::npos; ++at)
    ++count;
  EXPECT_EQ(count, state().snapshot->nodes->size());
}

TEST(Metrics, WordsFromEvidenceMakeNoNewSeries) {
  Metrics metrics;
  NodeTrust trust;
  trust.code = "invented-by-a-node";
  metrics.count_verification(trust, {});
  AdmissionDecision decision;
  decision.reason = "invented-by-a-node";
  metrics.count_admission(decision, {});
  decision.reason = "quote-signature";
  metrics.count_admission(decision, {});
  const std::string text = metrics.render(state(), kNow);
  EXPECT_THAT(text, Not(HasSubstr("invented")));
  EXPECT_THAT(text, HasSubstr("reason=\"other\",rule="));
  EXPECT_THAT(text, HasSubstr("reason=\"quote-signature\",rule="));
}

}  // namespace
}  // namespace nodeproof::webhook
