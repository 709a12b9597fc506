// A small cluster as the webhook sees it, for tests of decisions: two nodes, a few policies and
// namespaces, and requests about pods in them.
#pragma once

#include "tests/unit/webhook/forged_node.hpp"
#include "webhook/decide.hpp"

namespace nodeproof::webhook::testing {

inline constexpr const char* kPodUid = "de437f31-c51d-4217-aa4c-bc7b1b8593a8";

inline std::shared_ptr<const NodeTrust> verified_trust() {
  static const auto trust = std::make_shared<const NodeTrust>(Scene().judge());
  return trust;
}

inline std::shared_ptr<const NodeTrust> trust_without(const std::function<void(Scene&)>& change) {
  Scene scene;
  change(scene);
  return std::make_shared<const NodeTrust>(scene.judge());
}

inline NodeMap::Entry entry(const std::string& name, const std::string& uid,
                            std::shared_ptr<const NodeTrust> trust,
                            std::map<std::string, std::string> labels = {}) {
  return std::make_shared<const NodeEntry>(
      NodeEntry{name, attest::BootIdentity{uid, {}}, std::move(trust), std::move(labels)});
}

inline attest::AppraisalPolicy policy(const std::string& name, Seconds max_age = Seconds(600)) {
  attest::AppraisalPolicy out;
  out.name = name;
  out.max_evidence_age = max_age;
  return out;
}

// Nodes: cvm-1 verified, plain-1 without a TPM, new-1 not judged yet. Policies: confidential,
// short (20 s), genoa (met by no node), warn and dry-run (as genoa), broken.
// Namespaces: demo annotated-pods, vault all-pods with floor confidential, bare all-pods without,
// warned all-pods with floor warn, odd with an unknown value, plain not enrolled.
inline Snapshot picture() {
  Snapshot out;
  NodeMap nodes;
  nodes.put(entry("cvm-1", kNodeUid, verified_trust()));
  nodes.put(entry("plain-1", kOtherUuid, trust_without([](Scene& s) {
                    (*s.evidence)->platform = "none";
                    (*s.evidence)->collection = {"no-tpm", "the node has no TPM"};
                  })));
  nodes.put(entry("new-1", kOtherUuid, nullptr));
  out.nodes = std::make_shared<const NodeMap>(std::move(nodes));

  PolicyMap policies;
  const auto add = [&policies](attest::AppraisalPolicy item) { policies.emplace(item.name, item); };
  add(policy("confidential"));
  add(policy("short", Seconds(20)));
  attest::AppraisalPolicy genoa = policy("genoa");
  genoa.products = {attest::Product::kGenoa};
  add(genoa);
  genoa.name = "warn";
  genoa.enforcement_action = attest::EnforcementAction::kWarn;
  add(genoa);
  genoa.name = "dry-run";
  genoa.enforcement_action = attest::EnforcementAction::kDryRun;
  add(genoa);
  policies.emplace("broken", Error{Errc::kUnknownField, "AttestationPolicy.spec.foo", "is not known"});
  out.policies = std::make_shared<const PolicyMap>(std::move(policies));

  out.namespaces = std::make_shared<const NamespaceMap>(NamespaceMap{{"demo", {"annotated-pods", {}}},
                                                                     {"vault", {"all-pods", "confidential"}},
                                                                     {"strict", {"annotated-pods", "genoa"}},
                                                                     {"warned", {"all-pods", "warn"}},
                                                                     {"bare", {"all-pods", {}}},
                                                                     {"odd", {"some-pods", {}}},
                                                                     {"plain", {"", {}}}});
  out.complete = true;
  return out;
}

inline std::map<std::string, std::string> asks_for(const std::string& name) {
  return {{std::string(wire::kPolicyAnnotation), name}};
}

inline std::map<std::string, std::string> with_age(std::map<std::string, std::string> annotations,
                                                   const std::string& age) {
  annotations[std::string(wire::kMaxAgeAnnotation)] = age;
  return annotations;
}

inline wire::Pod pod(const std::string& ns, std::map<std::string, std::string> annotations,
                     const std::string& node = {}) {
  wire::Pod out;
  out.meta.name = "api";
  out.meta.ns = ns;
  out.meta.uid = kPodUid;
  out.meta.annotations = std::move(annotations);
  out.node_name = node;
  return out;
}

inline wire::AdmissionRequest request(const std::string& operation, const std::string& sub_resource,
                                      const std::string& ns) {
  wire::AdmissionRequest out;
  out.uid = "705ab4f5-6393-11e8-b7cc-42010a800002";
  out.resource = "pods";
  out.sub_resource = sub_resource;
  out.operation = operation;
  out.name = "api";
  out.ns = ns;
  out.user = {"alice", {"system:authenticated"}};
  return out;
}

inline wire::AdmissionRequest create_request(const wire::Pod& of) {
  wire::AdmissionRequest out = request("CREATE", "", of.meta.ns);
  out.pod = of;
  return out;
}

inline wire::AdmissionRequest update_request(const wire::Pod& before, const wire::Pod& after,
                                             const std::string& sub_resource = {}) {
  wire::AdmissionRequest out = request("UPDATE", sub_resource, before.meta.ns);
  out.old_pod = before;
  out.pod = after;
  return out;
}

inline wire::AdmissionRequest binding_request(const std::string& ns, const std::string& node) {
  wire::AdmissionRequest out = request("CREATE", "binding", ns);
  wire::Binding binding;
  binding.meta.name = "api";
  binding.meta.ns = ns;
  binding.meta.uid = kPodUid;
  binding.target_kind = "Node";
  binding.target_name = node;
  out.binding = binding;
  return out;
}

inline AdmissionDecision decide_now(const wire::AdmissionRequest& request,
                                    const PodLookup& lookup = PodAbsent{}, Seconds after = Seconds(0)) {
  static const Snapshot snapshot = picture();
  return decide(request, snapshot, lookup, kNow + after, std::nullopt);
}

// "binding denied no-tpm"
inline std::string summary(const AdmissionDecision& decision) {
  return std::string(to_string(decision.rule)) + (decision.allowed ? " allowed " : " denied ") +
         decision.reason;
}

}  // namespace nodeproof::webhook::testing
