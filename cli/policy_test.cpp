#include "cli/policy_test.hpp"

#include <cpprest/json.h>

#include <algorithm>
#include <iomanip>
#include <ostream>

#include "cli/cluster_objects.hpp"
#include "cli/policy_words.hpp"
#include "cli/printable.hpp"
#include "cli/unverified.hpp"
#include "cli/verdict_json.hpp"

namespace nodeproof::cli {
namespace {

using web::json::value;

struct NodeReport {
  std::string node;
  std::optional<webhook::Unmet> unmet;  // nothing: it meets the policy
};

struct PolicyReport {
  std::string name;
  std::string error;  // why it cannot be used, with the place; all else is then empty
  std::vector<std::string> demands;
  std::vector<std::string> cautions;
  std::string never_met;          // why no node can meet it
  std::vector<NodeReport> nodes;  // of those looked at

  ExitCode outcome() const {
    if (!error.empty()) return kUsage;
    if (!never_met.empty()) return kRefused;
    const bool met = nodes.empty() ||
                     std::any_of(nodes.begin(), nodes.end(), [](const auto& node) { return !node.unmet; });
    return met ? kVerified : kRefused;
  }
};

PolicyReport report_on(const std::string& name, const Result<attest::AppraisalPolicy>& policy,
                       const webhook::Snapshot& snapshot, const webhook::TrustParameters& parameters,
                       UnixTime now) {
  PolicyReport out;
  out.name = name;
  if (!policy) {
    out.error = to_string(policy.error());
    return out;
  }
  out.demands = demands_in_words(*policy);
  out.cautions = cautions(*policy);
  out.never_met = never_met(*policy, parameters.reference_values).value_or("");
  const webhook::Demand demand{&*policy, policy->max_evidence_age, snapshot.inventory.get()};
  for (const webhook::NodeMap::Entry& node : *snapshot.nodes)
    out.nodes.push_back({node->name, webhook::evaluate(demand, node.get(), now)});
  return out;
}

std::string why(const NodeReport& node) {
  if (!node.unmet) return "meets it";
  return node.unmet->code + ": " + node.unmet->detail + "; remedy: " + node.unmet->remedy;
}

void print_nodes(std::ostream& out, const std::vector<NodeReport>& nodes) {
  std::size_t width = 0;
  for (const NodeReport& node : nodes) width = std::max(width, printable(node.node).size());
  const auto met = std::count_if(nodes.begin(), nodes.end(), [](const auto& node) { return !node.unmet; });
  out << "  " << met << " of " << nodes.size() << (nodes.size() == 1 ? " node meets" : " nodes meet")
      << " it:\n";
  for (const NodeReport& node : nodes) {
    out << "    " << std::left << std::setw(static_cast<int>(width) + 2) << printable(node.node) << std::right
        << printable(why(node)) << '\n';
  }
}

void print(std::ostream& out, const std::vector<PolicyReport>& reports) {
  bool any_nodes = false;
  for (const PolicyReport& report : reports) {
    out << "AttestationPolicy " << printable(report.name)
        << (report.error.empty() ? " demands:\n" : " cannot be used:\n");
    if (!report.error.empty()) out << "  " << printable(report.error) << '\n';
    for (const std::string& demand : report.demands) out << "  - " << printable(demand) << '\n';
    for (const std::string& caution : report.cautions) out << "  caution: " << printable(caution) << '\n';
    if (!report.never_met.empty()) out << "  " << printable(report.never_met) << '\n';
    if (!report.nodes.empty()) print_nodes(out, report.nodes);
    any_nodes = any_nodes || !report.nodes.empty();
    out << '\n';
  }
  if (any_nodes) print_unverified(out);
}

value texts(const std::vector<std::string>& items) {
  std::vector<value> out;
  for (const std::string& item : items) out.push_back(json_text(item));
  return value::array(std::move(out));
}

value to_value(const NodeReport& node) {
  value out = value::object();
  out["node"] = json_text(node.node);
  out["met"] = value::boolean(!node.unmet);
  if (!node.unmet) return out;
  out["check"] = json_text(node.unmet->code);
  out["detail"] = json_text(node.unmet->detail);
  out["remedy"] = json_text(node.unmet->remedy);
  return out;
}

value to_value(const PolicyReport& report) {
  value out = value::object();
  out["policy"] = json_text(report.name);
  out["usable"] = value::boolean(report.error.empty());
  out["error"] = json_text(report.error);
  out["demands"] = texts(report.demands);
  out["cautions"] = texts(report.cautions);
  out["neverMet"] = json_text(report.never_met);
  std::vector<value> nodes;
  for (const NodeReport& node : report.nodes) nodes.push_back(to_value(node));
  out["nodes"] = value::array(std::move(nodes));
  return out;
}

void print_json(std::ostream& out, const std::vector<PolicyReport>& reports) {
  value root = value::object();
  std::vector<value> policies;
  for (const PolicyReport& report : reports) policies.push_back(to_value(report));
  root["policies"] = value::array(std::move(policies));
  root["notVerified"] = unverified();
  out << root.serialize() << '\n';
}

Result<ClusterObjects> gather(const PolicyTestOptions& options) {
  ClusterObjects out;
  NODEPROOF_CHECK(read_cluster_objects(options.files, out));
  if (out.policies.empty()) return Error{Errc::kMissing, options.files.front(), "holds no AttestationPolicy"};
  if (!options.nodes) return out;
  const auto api = connect(options);
  check_installed(*api);
  fetch_needed_inventories(*api, out);
  fetch_nodes(*api, out);
  return out;
}

Result<ExitCode> run(const PolicyTestOptions& options, UnixTime now, std::ostream& out, std::ostream& err) {
  NODEPROOF_TRY(trust, read_trust(options, now));
  NODEPROOF_TRY(parameters, trust_parameters_of(options, trust));
  NODEPROOF_TRY(objects, gather(options));
  const webhook::Snapshot snapshot = snapshot_of(objects, parameters, trust.at);
  std::vector<PolicyReport> reports;
  ExitCode worst = kVerified;
  for (const auto& [name, policy] : objects.policies) {
    reports.push_back(report_on(name, policy, snapshot, parameters, trust.at));
    worst = std::max(worst, reports.back().outcome());
  }
  name_extra_anchors(err, trust.anchors);
  (options.json ? print_json : print)(out, reports);
  return worst;
}

}  // namespace

ExitCode policy_test(const PolicyTestOptions& options, UnixTime now, std::ostream& out, std::ostream& err) {
  return run_verb("policy test", err, [&] { return run(options, now, out, err); });
}

}  // namespace nodeproof::cli
