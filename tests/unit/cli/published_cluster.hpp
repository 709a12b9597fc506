// A small cluster as files and as an API server: node cvm-1 proves itself, plain-1 published nothing;
// namespace payments is enrolled, policy confidential is there.
#pragma once

#include <gtest/gtest.h>

#include <sstream>

#include "cli/explain_pod.hpp"
#include "tests/support/api_answers.hpp"
#include "tests/unit/cli/published_node.hpp"
#include "wire/node_inventory.hpp"
#include "wire/own_api.hpp"

namespace nodeproof::cli::testing {

inline const std::uint64_t kEpoch = attest::epoch_at(forge::kNow, Seconds(30));

// One for all: each has signatures of its own, and the quote is over one of them.
inline const wire::NodeEvidence& evidence() {
  static const wire::NodeEvidence shared = make_node_evidence();
  return shared;
}
inline std::string quote_json(const forge::Answer& answer = {.epoch = {forge::kKid, kEpoch}}) {
  return to_json(make_node_quote(evidence(), answer));
}
inline std::string plain_node_json() {
  return R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"plain-1","uid":")" +
         std::string(kOtherUuid) + R"("},"status":{"nodeInfo":{"bootID":")" + kOtherUuid + R"("}}})";
}
// Node cvm-2 with its evidence and quote: the AK of cvm-1 signs for it as well.
inline std::vector<std::string> twin() {
  wire::NodeEvidence evidence = testing::evidence();
  evidence.name = "cvm-2";
  evidence.boot = {kOtherUuid, kOtherUuid};
  return {R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"cvm-2","uid":")" + std::string(kOtherUuid) +
              R"("},"status":{"nodeInfo":{"bootID":")" + kOtherUuid + R"("}}})",
          to_json(evidence), to_json(make_node_quote(evidence, {.epoch = {forge::kKid, kEpoch}}))};
}
inline std::string namespace_json(const std::string& name = "payments",
                                  const std::string& enforce = "annotated-pods") {
  return R"({"apiVersion":"v1","kind":"Namespace","metadata":{"name":")" + name +
         R"(","labels":{"nodeproof.dev/enforce":")" + enforce + R"("}}})";
}
inline std::string policy_json(const std::string& spec = R"({"nodeClass":"Confidential"})") {
  return R"({"apiVersion":"nodeproof.dev/v1alpha1","kind":"AttestationPolicy","metadata":{"name":"confidential"},"spec":)" +
         spec + "}";
}
inline std::string pod_json(const std::string& name = "api", const std::string& node = {},
                            const std::string& policy = "confidential") {
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
         R"(","namespace":"payments","uid":")" + kOtherUuid + R"(","annotations":{"nodeproof.dev/policy":")" +
         policy + R"("}},"spec":{"nodeName":")" + node + R"("},"status":{"phase":"Running"}})";
}
// cvm-1 is this VM, by the word of an admin.
inline std::string inventory_json(const std::string& vm_id = std::string(forge::kVmId)) {
  return wire::to_json(wire::NodeInventory{"pool", {{"cvm-1", vm_id}}});
}
inline std::vector<std::string> surroundings() {
  return {to_json(evidence()), quote_json(), node_json(), plain_node_json(), namespace_json(), policy_json()};
}

// Runs a verb with this world's roots and paravisor.
class ClusterVerb : public ::testing::Test {
 protected:
  ClusterVerb() {
    const forge::World& world = forge::shared_world();
    Bytes roots = forge::to_pem(world.amd.ark.certificate);
    append(roots, forge::to_pem(world.vtpm.root.certificate));
    append(roots, forge::to_pem(world.vtpm.intermediate.certificate));
    judging_.trust_anchors = {folder_.write("roots.pem", as_text(roots))};
    judging_.reference_values = folder_.write(
        "values.yaml", "paravisors:\n- product: Milan\n  idKeyDigest: " +
                           to_hex(forge::emulated_id_key_digest()) + "\n  minimumGuestSvn: 1\n");
  }

  std::string file_of(std::vector<std::string> objects, const std::vector<std::string>& more = {}) const {
    objects.insert(objects.end(), more.begin(), more.end());
    return folder_.write("objects" + std::to_string(files_++), list_of(objects));
  }

  // By path without query, and answered page by page where there are several: the token of each is its
  // number.
  using Answers = std::map<std::string, std::vector<std::string>>;
  // Every request that was made, in order.
  std::vector<std::string> serve(const Answers& answers, const std::function<void()>& run) {
    const test::ScriptedHttpServer server(
        [&](const test::ScriptedRequest& request, test::ScriptedConnection& c) {
          const std::string path = test::path_of(request);
          const auto answer = answers.find(path);
          if (answer == answers.end()) return c.reply(404, "{}");
          c.reply(200, answer->second.at(test::page_asked_for(request)), {"Content-Type: application/json"});
        });
    kubeconfig_ = folder_.write(
        "kubeconfig", "current-context: a\nclusters:\n- name: c\n  cluster: {server: \"" + server.url() +
                          "\"}\ncontexts:\n- name: a\n  context: {cluster: c}\n");
    out_.str({});
    err_.str({});
    run();
    std::vector<std::string> requests;
    for (const test::ScriptedRequest& request : server.requests()) requests.push_back(request.target);
    return requests;
  }

  static std::string list(const std::vector<std::string>& items, const std::string& next = {}) {
    return test::list_json(test::joined(items), 1, next);
  }
  static Answers cluster() {
    return {{wire::kOwnGroupPath, {"{}"}},
            {wire::kAttestationPoliciesPath, {list({policy_json()})}},
            {wire::kNodeInventoriesPath, {list({inventory_json()})}},
            {wire::kNodeEvidencesPath, {list({to_json(evidence())})}},
            {wire::kNodeQuotesPath, {list({quote_json()})}},
            {wire::object_path(wire::kNodeEvidencesPath, "cvm-1"), {to_json(evidence())}},
            {wire::object_path(wire::kNodeQuotesPath, "cvm-1"), {quote_json()}},
            {"/api/v1/nodes", {list({node_json(), plain_node_json()})}},
            {"/api/v1/nodes/cvm-1", {node_json()}},
            {"/api/v1/namespaces", {list({namespace_json()})}},
            {"/api/v1/namespaces/payments", {namespace_json()}},
            {"/api/v1/namespaces/payments/pods/api", {pod_json()}}};
  }

  test::TemporaryFolder folder_;
  mutable int files_ = 0;
  JudgeOptions judging_;
  std::string kubeconfig_;
  std::ostringstream out_;
  std::ostringstream err_;
};

}  // namespace nodeproof::cli::testing
