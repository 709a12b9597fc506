// An explanation for people, a line for each node, and as JSON.
#include <cpprest/json.h>

#include <algorithm>
#include <iomanip>
#include <ostream>

#include "cli/explain_pod.hpp"
#include "cli/printable.hpp"
#include "cli/unverified.hpp"
#include "cli/verdict_json.hpp"

namespace nodeproof::cli {
namespace {

using web::json::value;

const char* word_of(bool allowed) {
  return allowed ? "allowed" : "refused";
}

value seconds_or_null(const std::optional<Seconds>& time) {
  return time ? value::number(static_cast<std::int64_t>(time->count())) : value::null();
}

// The policy that refuses, else the first unmet one, which then only warns.
const PolicyAnswer* deciding(const NodeAnswer& answer) {
  const auto unmet = [](const PolicyAnswer& policy) { return policy.unmet.has_value(); };
  const auto denies = [&](const PolicyAnswer& policy) {
    return unmet(policy) && policy.action == attest::EnforcementAction::kDeny;
  };
  auto found = std::find_if(answer.policies.begin(), answer.policies.end(), denies);
  if (found == answer.policies.end())
    found = std::find_if(answer.policies.begin(), answer.policies.end(), unmet);
  return found == answer.policies.end() ? nullptr : &*found;
}

std::string why(const NodeAnswer& answer) {
  const PolicyAnswer* policy = deciding(answer);
  if (policy == nullptr) return "meets every policy";
  const std::string speaks =
      answer.decision.allowed ? " (" + std::string(attest::to_string(policy->action)) + ")" : "";
  return policy->policy + speaks + ": " + policy->unmet->detail + "; remedy: " + policy->unmet->remedy;
}

void print_nodes(std::ostream& out, const std::vector<NodeAnswer>& nodes) {
  std::size_t width = 4;
  for (const NodeAnswer& answer : nodes) width = std::max(width, printable(answer.node).size());
  const auto line = [&](const std::string& node, const std::string& decision, const std::string& check,
                        const std::string& age, const std::string& reason) {
    out << std::left << std::setw(static_cast<int>(width) + 2) << node << std::setw(10) << decision
        << std::setw(22) << check << std::setw(10) << age << reason << '\n';
  };
  line("NODE", "DECISION", "CHECK", "AGE", "WHY");
  for (const NodeAnswer& answer : nodes) {
    const PolicyAnswer* policy = deciding(answer);
    line(printable(answer.node), word_of(answer.decision.allowed),
         policy == nullptr ? "-" : printable(policy->unmet->code),
         answer.age ? to_duration(*answer.age) : "-", printable(why(answer)));
  }
  out << std::right;
}

void print_policies(std::ostream& out, const std::vector<PolicyAnswer>& policies) {
  out << "It must be placed where every one of these policies is met:\n";
  for (const PolicyAnswer& policy : policies) {
    out << "  " << printable(policy.policy) << " (" << attest::to_string(policy.action)
        << "), with evidence at most " << to_duration(policy.max_age) << " old\n";
  }
  out << '\n';
}

void print_sum(std::ostream& out, const std::vector<NodeAnswer>& nodes) {
  const auto good = std::count_if(nodes.begin(), nodes.end(),
                                  [](const NodeAnswer& answer) { return answer.decision.allowed; });
  out << "\nMay be placed on " << good << " of " << nodes.size() << (nodes.size() == 1 ? " node" : " nodes")
      << ". Resources, taints and selectors are the scheduler's matter and not looked at.\n";
  print_unverified(out);
}

value to_value(const PolicyAnswer& answer) {
  value out = value::object();
  out["policy"] = json_text(answer.policy);
  out["enforcementAction"] = json_text(attest::to_string(answer.action));
  out["maxEvidenceAgeSeconds"] = value::number(static_cast<std::int64_t>(answer.max_age.count()));
  out["met"] = value::boolean(!answer.unmet);
  if (answer.unmet) {
    out["check"] = json_text(answer.unmet->code);
    out["detail"] = json_text(answer.unmet->detail);
    out["remedy"] = json_text(answer.unmet->remedy);
  }
  return out;
}

value to_value(const webhook::AdmissionDecision& decision) {
  value out = value::object();
  out["decision"] = json_text(word_of(decision.allowed));
  out["reason"] = json_text(decision.reason);
  out["message"] = json_text(decision.message);
  std::vector<value> warnings;
  for (const std::string& warning : decision.warnings) warnings.push_back(json_text(warning));
  out["warnings"] = value::array(std::move(warnings));
  return out;
}

value to_value(const NodeAnswer& answer) {
  value out = to_value(answer.decision);
  out["node"] = json_text(answer.node);
  out["evidenceAgeSeconds"] = seconds_or_null(answer.age);
  std::vector<value> policies;
  for (const PolicyAnswer& policy : answer.policies) policies.push_back(to_value(policy));
  out["policies"] = value::array(std::move(policies));
  return out;
}

}  // namespace

void print_explanation(std::ostream& out, const Explanation& explanation) {
  out << "Pod " << printable(explanation.pod) << '\n';
  if (!explanation.note.empty()) {
    out << "Allowed on every node: " << printable(explanation.note) << ".\n";
  } else if (!explanation.decision.allowed) {
    out << "Refused on every node (" << printable(explanation.decision.reason)
        << "): " << printable(explanation.decision.message) << ".\n";
  } else if (explanation.nodes.empty()) {
    out << "Refused: there is no node.\n";
  } else {
    print_policies(out, explanation.nodes.front().policies);
    print_nodes(out, explanation.nodes);
    print_sum(out, explanation.nodes);
  }
}

void print_explanation_json(std::ostream& out, const Explanation& explanation) {
  value root = to_value(explanation.decision);
  root["decision"] = json_text(word_of(explanation.allowed()));
  root["pod"] = json_text(explanation.pod);
  root["note"] = json_text(explanation.note);
  root["remedy"] = json_text(explanation.remedy);
  std::vector<value> nodes;
  for (const NodeAnswer& answer : explanation.nodes) nodes.push_back(to_value(answer));
  root["nodes"] = value::array(std::move(nodes));
  root["notVerified"] = unverified();
  out << root.serialize() << '\n';
}

}  // namespace nodeproof::cli
