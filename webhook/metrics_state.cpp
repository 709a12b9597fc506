#include "webhook/metrics_state.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>

#include "webhook/demands.hpp"
#include "webhook/metric_words.hpp"

namespace nodeproof::webhook {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

double seconds(UnixTime time) {
  return static_cast<double>(to_unix(time));
}

MetricFamily family(const std::string& name, const std::string& help, MetricType type = MetricType::Gauge) {
  MetricFamily out;
  out.name = name;
  out.help = help;
  out.type = type;
  return out;
}

void add(MetricFamily& to, double value, Labels labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (to.type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  to.metric.push_back(std::move(metric));
}

// Those of thousands of nodes weigh much more than their text: each family is made when the one before it
// has become text.
class Text {
 public:
  explicit Text(std::string& to) : to_(to) {}
  void add(MetricFamily family) { add(std::vector<MetricFamily>{std::move(family)}); }
  void add(const std::vector<MetricFamily>& families) {
    to_ += prometheus::TextSerializer().Serializer::Serialize(families);
  }

 private:
  std::string& to_;
};

wire::Phase phase_of(const NodeEntry& node, Seconds max_age, UnixTime now) {
  return node.trust ? phase_at(*node.trust, max_age, now) : wire::Phase::kPending;
}

MetricFamily phases_of(const Snapshot& snapshot, Seconds max_age, UnixTime now) {
  MetricFamily phases = family("nodeproof_nodes", "Nodes by phase");
  std::map<wire::Phase, int> count;
  for (const wire::Phase phase : {wire::Phase::kPending, wire::Phase::kVerified, wire::Phase::kStale,
                                  wire::Phase::kFailed, wire::Phase::kUnsupported}) {
    count[phase] = 0;
  }
  for (const NodeMap::Entry& node : *snapshot.nodes) {
    ++count[phase_of(*node, max_age, now)];
  }
  for (const auto& [phase, nodes] : count)
    add(phases, nodes, {{"phase", std::string(wire::to_string(phase))}});
  return phases;
}

MetricFamily status_of_each(const Snapshot& snapshot, Seconds max_age, UnixTime now) {
  MetricFamily status = family("nodeproof_node_status", "1 for each node, with its phase and finding");
  status.metric.reserve(snapshot.nodes->size());
  for (const NodeMap::Entry& node : *snapshot.nodes) {
    add(status, 1,
        {{"node", node->name},
         {"phase", std::string(wire::to_string(phase_of(*node, max_age, now)))},
         {"finding", node->trust ? known_word(node->trust->code) : std::string()}});
  }
  return status;
}

// The start of the epoch that each node's last verified quote proves, put off by `age`.
MetricFamily with_quotes(const Snapshot& snapshot, Seconds age, MetricFamily to) {
  to.metric.reserve(snapshot.nodes->size());
  for (const NodeMap::Entry& node : *snapshot.nodes) {
    if (!node->trust || !node->trust->claims) continue;
    add(to, seconds(node->trust->claims->quoted_since + age), {{"node", node->name}});
  }
  return to;
}

void add_nodes(const Snapshot& snapshot, UnixTime now, Text& out) {
  const Seconds max_age = shortest_max_age(*snapshot.policies);
  out.add(phases_of(snapshot, max_age, now));
  out.add(status_of_each(snapshot, max_age, now));
  out.add(with_quotes(snapshot, Seconds(0),
                      family("nodeproof_node_quote_epoch_time_seconds",
                             "Start of the epoch that the node's last verified quote proves")));
  out.add(with_quotes(snapshot, max_age,
                      family("nodeproof_node_evidence_expiry_time_seconds",
                             "When the node's proof is too old for the policy with the shortest "
                             "maxEvidenceAge")));
}

void add_policies(const Snapshot& snapshot, UnixTime now, std::vector<MetricFamily>& out) {
  MetricFamily nodes = family("nodeproof_policy_nodes", "Nodes that meet a policy now, and that do not");
  MetricFamily invalid = family("nodeproof_policy_invalid", "1 for a policy that cannot be used");
  for (const auto& [name, policy] : *snapshot.policies) {
    add(invalid, policy ? 0 : 1, {{"policy", name}});
    if (!policy) continue;
    int met = 0;
    for (const NodeMap::Entry& node : *snapshot.nodes) {
      if (!evaluate({&*policy, policy->max_evidence_age, snapshot.inventory.get()}, node.get(), now)) ++met;
    }
    add(nodes, met, {{"policy", name}, {"met", "true"}});
    add(nodes, static_cast<double>(snapshot.nodes->size()) - met, {{"policy", name}, {"met", "false"}});
  }
  out.insert(out.end(), {nodes, invalid});
}

void add_value(std::vector<MetricFamily>& out, const std::string& name, const std::string& help, double value,
               MetricType type = MetricType::Gauge) {
  MetricFamily item = family(name, help, type);
  add(item, value);
  out.push_back(std::move(item));
}

void add_break_glass(const MetricsState& state, std::vector<MetricFamily>& out) {
  MetricFamily until = family("nodeproof_break_glass_end_time_seconds",
                              "End of the break-glass of a namespace that is out of the gate; 0 for none");
  for (const auto& [name, ns] : *state.snapshot->namespaces) {
    if (!ns.break_glass) continue;
    const auto end = parse_rfc3339(ns.break_glass->until, wire::kBreakGlassUntilAnnotation);
    add(until, end ? seconds(*end) : 0, {{"namespace", name}});
  }
  out.push_back(std::move(until));
  add_value(out, "nodeproof_break_glass_opened_total", "Namespaces seen to be taken out of the gate",
            static_cast<double>(state.break_glass_opened), MetricType::Counter);
  add_value(out, "nodeproof_break_glass_ended_total", "Namespaces put back under the gate by this replica",
            static_cast<double>(state.break_glass_ended), MetricType::Counter);
}

void add_watches(const MetricsState& state, std::vector<MetricFamily>& out) {
  MetricFamily heard =
      family("nodeproof_watch_last_heard_time_seconds", "When the API server was last heard of on a watch");
  MetricFamily restarts =
      family("nodeproof_watch_restarts_total", "How often a watch was opened again", MetricType::Counter);
  for (const WatchState& watch : state.watches) {
    if (watch.heard) add(heard, seconds(*watch.heard), {{"collection", watch.collection}});
    add(restarts, static_cast<double>(watch.restarts), {{"collection", watch.collection}});
  }
  out.insert(out.end(), {heard, restarts});
}

void add_replica(const MetricsState& state, std::vector<MetricFamily>& out) {
  if (state.clock_offset) {
    add_value(out, "nodeproof_clock_offset_seconds", "Clock of the API server minus ours",
              static_cast<double>(state.clock_offset->count()));
  }
  add_value(out, "nodeproof_leader", "1 while this replica leads", state.leader ? 1 : 0);
  if (state.leader && state.epoch_generation_end != 0) {
    add_value(out, "nodeproof_epoch_generation_end_time_seconds",
              "End of the generation of the epoch key that counts now",
              static_cast<double>(state.epoch_generation_end));
  }
  add_value(out, "nodeproof_epoch_foreign_values_total",
            "Published epochs found that were not written with our key",
            static_cast<double>(state.epoch_foreign_values), MetricType::Counter);
  add_value(out, "nodeproof_trust_anchors_extra", "Trust anchors that were added to the built-in ones",
            static_cast<double>(state.extra_trust_anchors));
  add_value(out, "nodeproof_log_lines_dropped_total", "Lines of log that were not written in time",
            static_cast<double>(state.log_lines_dropped), MetricType::Counter);
  if (state.certificate_until) {
    add_value(out, "nodeproof_serving_certificate_expiry_time_seconds", "End of the serving certificate",
              seconds(*state.certificate_until));
  }
  if (state.authority_until) {
    add_value(out, "nodeproof_serving_ca_expiry_time_seconds",
              "End of the authority that the webhook made for its serving certificates",
              seconds(*state.authority_until));
  }
  add_value(out, "nodeproof_ca_bundle_foreign_values_total",
            "caBundles of our webhook configurations found that somebody else had written",
            static_cast<double>(state.foreign_ca_bundles), MetricType::Counter);
  add_value(out, "nodeproof_serving_certificate_reload_errors_total",
            "Looks at the files or the Secret of the serving certificate that found no pair to serve",
            static_cast<double>(state.certificate_reload_errors), MetricType::Counter);
}

void add_readiness(const std::vector<Condition>& conditions, std::vector<MetricFamily>& out) {
  add_value(out, "nodeproof_ready", "1 while this replica is ready", all_hold(conditions) ? 1 : 0);
  MetricFamily each = family("nodeproof_ready_condition", "1 for a condition of being ready that holds");
  for (const Condition& condition : conditions) {
    add(each, condition.holds() ? 1 : 0, {{"condition", condition.name}});
  }
  out.push_back(std::move(each));
}

void add_events(const std::string& name, const std::string& help, const EventCounts& counts,
                std::vector<MetricFamily>& out) {
  MetricFamily events = family(name, help, MetricType::Counter);
  add(events, static_cast<double>(counts.written), {{"result", "written"}});
  add(events, static_cast<double>(counts.repeated), {{"result", "repeated"}});
  add(events, static_cast<double>(counts.dropped), {{"result", "dropped"}});
  add(events, static_cast<double>(counts.failed), {{"result", "failed"}});
  out.push_back(std::move(events));
}

void add_sweep(const SweepOutcome& sweep, std::vector<MetricFamily>& out) {
  MetricFamily pods =
      family("nodeproof_unproven_pods", "Running sensitive pods whose node does not prove what they ask for");
  for (const auto& [reason, count] : sweep.counts.by_reason)
    add(pods, static_cast<double>(count), {{"reason", std::string(to_string(reason))}});
  out.push_back(std::move(pods));
  add_value(out, "nodeproof_sweep_time_seconds", "When the last sweep over all running pods began",
            seconds(sweep.at));
}

void add_admission_policies(const AdmissionPolicyOutcome& outcome, std::vector<MetricFamily>& out) {
  MetricFamily drift =
      family("nodeproof_admission_policy_drift",
             "1 for an admission policy or binding of ours that is not as the chart installed it");
  for (const AdmissionPolicyState& object : outcome.objects)
    add(drift, object.drift.empty() ? 0 : 1, {{"kind", object.kind}, {"name", object.name}});
  out.push_back(std::move(drift));
  add_value(out, "nodeproof_admission_policy_check_time_seconds",
            "When the last look at all of them began; 0 before the first", seconds(outcome.at));
}

void add_loss(const LossReport& loss, std::vector<MetricFamily>& out) {
  if (loss.engaged) {
    add_value(out, "nodeproof_brake_engaged",
              "1 while nothing is tainted or evicted any more, until a person says so",
              *loss.engaged ? 1 : 0);
  }
  MetricFamily actions =
      family("nodeproof_loss_actions_total",
             "What was done about lost proofs by this replica, and what came of it", MetricType::Counter);
  for (const auto& [what, count] : loss.actions)
    add(actions, static_cast<double>(count), {{"action", what.first}, {"result", what.second}});
  out.push_back(std::move(actions));
}

void add_http(const HttpStats& http, std::vector<MetricFamily>& out) {
  add_value(out, "nodeproof_http_connections", "Open connections to the admission port",
            static_cast<double>(http.open));
  MetricFamily events =
      family("nodeproof_http_events_total", "What became of connections and requests", MetricType::Counter);
  const std::array<std::pair<const char*, std::uint64_t>, 13> counts{
      {{"accepted", http.accepted},
       {"accept-error", http.accept_errors},
       {"evicted", http.evicted},
       {"handshake-failure", http.handshake_failures},
       {"request", http.requests},
       {"refused", http.refused},
       {"overloaded", http.overloaded},
       {"handler-error", http.handler_errors},
       {"handshake-timeout", http.handshake_timeouts},
       {"header-timeout", http.header_timeouts},
       {"body-timeout", http.body_timeouts},
       {"handler-timeout", http.handler_timeouts},
       {"write-timeout", http.write_timeouts}}};
  for (const auto& [event, count] : counts) add(events, static_cast<double>(count), {{"event", event}});
  out.push_back(std::move(events));
}

}  // namespace

void append(const MetricsState& state, UnixTime now, std::string& text) {
  Text out(text);
  add_nodes(*state.snapshot, now, out);
  std::vector<MetricFamily> families;
  add_policies(*state.snapshot, now, families);
  add_break_glass(state, families);
  add_watches(state, families);
  add_replica(state, families);
  if (state.sweep) add_sweep(*state.sweep, families);
  if (state.admission_policies) add_admission_policies(*state.admission_policies, families);
  add_loss(state.loss, families);
  add_readiness(state.conditions, families);
  add_events("nodeproof_placement_events_total",
             "Events about pods refused or placed without proof, by what became of them", state.events,
             families);
  add_events("nodeproof_node_events_total", "Events about Nodes by what became of them", state.node_events,
             families);
  add_events("nodeproof_running_pod_events_total",
             "Events about pods that run on nodes which do not meet their policies, by what became of them",
             state.running_pod_events, families);
  add_value(families, "nodeproof_label_repairs_total",
            "Times that labels of ours on a Node, changed by somebody else, were put right",
            static_cast<double>(state.label_repairs), MetricType::Counter);
  add_http(state.http, families);
  out.add(families);
}

}  // namespace nodeproof::webhook
