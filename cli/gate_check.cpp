#include "cli/gate_check.hpp"

#include <cpprest/json.h>

#include <algorithm>
#include <ostream>

#include "cli/input.hpp"
#include "cli/printable.hpp"
#include "cli/verdict_json.hpp"
#include "webhook/steering.hpp"
#include "wire/attestation_policy.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::cli {
namespace {

using web::json::value;

constexpr const char* kNoSuchNode = "nodeproof-no-such-node";
// In the API server's words, of a webhook of ours: the neighbours of a gate refuse pods, too.
constexpr std::string_view kDenied = ".nodeproof.dev\" denied the request: ";

bool meets(const wire::Node& node, const std::string& policy) {
  const auto label = node.meta.labels.find(std::string(wire::kPolicyLabelPrefix) + policy);
  return label != node.meta.labels.end() && label->second == wire::kPolicyMet;
}

GateQuestion question(const attest::AppraisalPolicy& policy, std::string node) {
  return {policy.name, std::move(node), webhook::selector_of(policy)};
}

std::string pod_json(const GateQuestion& asked, const GateOptions& options) {
  value pod = value::object();
  pod["apiVersion"] = value::string("v1");
  pod["kind"] = value::string("Pod");
  pod["metadata"]["name"] = value::string("gate-check");
  pod["metadata"]["annotations"][std::string(wire::kPolicyAnnotation)] = value::string(asked.policy);
  value& spec = pod["spec"];
  spec["nodeName"] = value::string(asked.node);
  spec["serviceAccountName"] = value::string(options.service_account);
  for (const auto& [key, label] : asked.node_selector) spec["nodeSelector"][key] = value::string(label);
  // As the Pod Security Standard `restricted` wants it, so that nothing but the gate finds fault with it.
  spec["securityContext"]["runAsNonRoot"] = value::boolean(true);
  spec["securityContext"]["seccompProfile"]["type"] = value::string("RuntimeDefault");
  value container = value::object();
  container["name"] = value::string("none");
  container["image"] = value::string("nodeproof.invalid/none:0");
  container["securityContext"]["allowPrivilegeEscalation"] = value::boolean(false);
  container["securityContext"]["capabilities"]["drop"] = value::array({value::string("ALL")});
  spec["containers"] = value::array({container});
  return pod.serialize();
}

enum class Answer { kAdmitted, kRefused, kOther };

struct Outcome {
  Answer answer = Answer::kOther;
  std::string message;  // of a refusal, or why there was no answer
};

Outcome ask(kube::ApiClient& api, const GateQuestion& asked, const GateOptions& options) {
  try {
    api.create("/api/v1/namespaces/" + options.ns + "/pods?dryRun=All", pod_json(asked, options));
    return {Answer::kAdmitted, ""};
  } catch (const kube::ApiError& error) {
    const std::string_view what = error.what();
    const std::size_t denied = what.find(kDenied);
    // A refusal of another kind (not enrolled, unknown policy) would say nothing about nodes.
    if (denied != std::string_view::npos && what.find("on node " + asked.node) != std::string_view::npos)
      return {Answer::kRefused, std::string(what.substr(denied + kDenied.size()))};
    return {Answer::kOther, error.what()};
  }
}

struct Line {
  std::string expected;  // "refused" or "admitted"
  std::optional<GateQuestion> asked;
  Outcome outcome;
  bool held = false;
};

Line examine(kube::ApiClient& api, const std::optional<GateQuestion>& asked, Answer expected,
             const std::string& nothing, const GateOptions& options) {
  Line out{expected == Answer::kRefused ? "refused" : "admitted", asked, {Answer::kOther, nothing}, false};
  if (!asked) return out;
  out.outcome = ask(api, *asked, options);
  out.held = out.outcome.answer == expected;
  return out;
}

GatePlan plan_for(kube::ApiClient& api) {
  std::vector<wire::Node> nodes;
  std::vector<attest::AppraisalPolicy> policies;
  list_objects(api, "/api/v1/nodes", "nodes", [&](const attest::JsonValue& item) -> Status {
    NODEPROOF_TRY(node, wire::parse_node(item));
    nodes.push_back(std::move(node));
    return Ok{};
  });
  list_objects(api, wire::kAttestationPoliciesPath, "attestationpolicies",
               [&](const attest::JsonValue& item) -> Status {
                 // What the webhook cannot use, nobody can be admitted by.
                 auto policy = wire::parse_attestation_policy(item);
                 if (policy) policies.push_back(*std::move(policy));
                 return Ok{};
               });
  return plan_gate_check(nodes, policies);
}

std::vector<Line> examine_all(kube::ApiClient& api, const GateOptions& options) {
  const GatePlan plan = plan_for(api);
  return {
      examine(api, plan.refused, Answer::kRefused,
              "no AttestationPolicy denies anything; remedy: install one with enforcementAction: Deny",
              options),
      examine(api, plan.admitted, Answer::kAdmitted,
              "no node meets a policy; remedy: read CODE and REMEDY in kubectl get nodeattestations -o wide",
              options)};
}

bool all_held(const std::vector<Line>& lines) {
  return std::all_of(lines.begin(), lines.end(), [](const Line& line) { return line.held; });
}

std::string what_happened(const Line& line) {
  if (line.outcome.answer == Answer::kAdmitted) return "it was admitted";
  return printable(line.outcome.message);
}

void print_lines(std::ostream& out, const std::vector<Line>& lines) {
  for (const Line& line : lines) {
    out << (line.held ? "ok      " : "FAILED  ");
    if (line.asked)
      out << "a pod of policy " << printable(line.asked->policy) << " must be " << line.expected
          << " on node " << printable(line.asked->node) << ": ";
    else
      out << "a pod must be " << line.expected << ": ";
    out << what_happened(line) << '\n';
  }
}

void print_lines_json(std::ostream& out, const std::vector<Line>& lines) {
  std::vector<value> checks;
  for (const Line& line : lines) {
    value check = value::object();
    check["expected"] = value::string(line.expected);
    check["held"] = value::boolean(line.held);
    check["policy"] = line.asked ? json_text(line.asked->policy) : value::null();
    check["node"] = line.asked ? json_text(line.asked->node) : value::null();
    check["message"] = json_text(what_happened(line));
    checks.push_back(std::move(check));
  }
  value root = value::object();
  root["checks"] = value::array(std::move(checks));
  root["held"] = value::boolean(all_held(lines));
  out << root.serialize() << '\n';
}

}  // namespace

GatePlan plan_gate_check(const std::vector<wire::Node>& nodes,
                         const std::vector<attest::AppraisalPolicy>& policies) {
  GatePlan out;
  for (const attest::AppraisalPolicy& policy : policies) {
    if (policy.enforcement_action != attest::EnforcementAction::kDeny) continue;
    const auto met = [&](const wire::Node& node) { return meets(node, policy.name); };
    const auto good = std::find_if(nodes.begin(), nodes.end(), met);
    const auto bad = std::find_if_not(nodes.begin(), nodes.end(), met);
    const bool better = good != nodes.end();
    if (!out.refused || better)
      out.refused = question(policy, bad == nodes.end() ? kNoSuchNode : bad->meta.name);
    if (!better) continue;
    out.admitted = question(policy, good->meta.name);
    break;
  }
  return out;
}

ExitCode check_gate(const GateOptions& options, const std::function<void()>& pause, std::ostream& out,
                    std::ostream& err) {
  return run_verb("gate check", err, [&]() -> Result<ExitCode> {
    check_name(options.ns, "a namespace");
    check_name(options.service_account, "a service account");
    const auto api = connect(options);
    check_installed(*api);
    std::vector<Line> lines = examine_all(*api, options);
    for (unsigned tried = 1; tried < options.tries && !all_held(lines); ++tried) {
      pause();
      lines = examine_all(*api, options);
    }
    (options.json ? print_lines_json : print_lines)(out, lines);
    return all_held(lines) ? kVerified : kRefused;
  });
}

}  // namespace nodeproof::cli
