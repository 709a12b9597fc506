#include "cli/verify_node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "cli/node_verdict.hpp"
#include "tests/support/scripted_http_server.hpp"
#include "tests/unit/cli/published_node.hpp"

namespace nodeproof::cli {
namespace {

using attest::Check;
using attest::Outcome;
using test::TemporaryFolder;
using ::testing::HasSubstr;
using testing::kBootId;
using testing::kNodeUid;
using testing::kOtherUuid;
using testing::list_of;
using testing::make_node_evidence;
using testing::make_node_quote;
using testing::node_json;

wire::Node node(const std::string& uid = kNodeUid, const std::string& boot_id = kBootId) {
  wire::Node out;
  out.meta.name = "cvm-1";
  out.meta.uid = uid;
  out.boot_id = boot_id;
  out.system_uuid = forge::kVmId;
  return out;
}

NodeObjects objects() {
  const wire::NodeEvidence evidence = make_node_evidence();
  return {"cvm-1", node(), evidence, make_node_quote(evidence)};
}

Verdict judge(const NodeObjects& objects) {
  const forge::World& world = forge::shared_world();
  const attest::TrustAnchors anchors = forge::trust_anchors_of(world);
  const attest::ReferenceValues values = forge::reference_values_of(world);
  return node_verdict(objects, {.anchors = anchors, .reference_values = values, .now = forge::kNow});
}

std::string failed_code(const Verdict& verdict, Check check) {
  const attest::Finding* finding = attest::find(verdict.findings, check);
  if (finding == nullptr) return "absent";
  return finding->outcome == Outcome::kFailed ? finding->code
                                              : std::string(attest::to_string(finding->outcome));
}

std::vector<Check> open_checks(const Verdict& verdict) {
  std::vector<Check> out;
  for (const attest::Finding& finding : verdict.findings) {
    if (finding.outcome == Outcome::kNotChecked) out.push_back(finding.check);
  }
  return out;
}

TEST(NodeVerdict, AGoodNodeIsVerifiedAndWhatNeedsTheEpochKeyIsListed) {
  const Verdict verdict = judge(objects());
  EXPECT_TRUE(verdict.verified());
  EXPECT_THAT(open_checks(verdict),
              ::testing::ElementsAre(Check::kReportFreshness, Check::kEvidenceAge, Check::kEpochFuture,
                                     Check::kEpochOrigin, Check::kNodeInventory, Check::kDuplicateIdentity,
                                     Check::kCounters, Check::kPolicy));
  EXPECT_EQ(verdict.findings.size(), attest::all_checks().size()) << "every check once";
}

TEST(NodeVerdict, WithoutANodeObjectIdentityStaysOpen) {
  NodeObjects given = objects();
  given.node.reset();
  const Verdict verdict = judge(given);
  EXPECT_TRUE(verdict.verified());
  EXPECT_THAT(open_checks(verdict), ::testing::IsSupersetOf({Check::kNodeIdentity, Check::kBootChanged}));
}

struct Wrong {
  const char* name;
  std::function<void(NodeObjects&)> edit;
  Check check;
  const char* code;
};

TEST(NodeVerdict, EachWayToBeWrongFailsItsOwnCheck) {
  const wire::NodeEvidence good = make_node_evidence();
  const auto with_quote = [&](const forge::Answer& choice) {
    return [&good, choice](NodeObjects& o) { o.quote = make_node_quote(good, choice); };
  };
  const auto edit_quote = [](const std::function<void(wire::NodeQuote&)>& edit) {
    return [edit](NodeObjects& o) { edit(**o.quote); };
  };
  const auto edit_evidence = [](const std::function<void(wire::NodeEvidence&)>& edit) {
    return [edit](NodeObjects& o) { edit(**o.evidence); };
  };
  forge::Answer more;
  more.quote.selection = attest::PcrSelection(0xffffff);
  forge::Answer fewer;
  fewer.quote.selection = attest::kBootPcrs;
  forge::Answer other_boot;
  other_boot.quote.pcrs = forge::make_pcrs(forge::kVmId, false);
  const Wrong wrongs[] = {
      {"another key", with_quote({.other_ak = true}), Check::kQuoteSignature, "invalid"},
      {"another challenge", with_quote({.qualifying_data = Bytes(32, 1)}), Check::kQualifyingData,
       "mismatch"},
      {"no challenge", with_quote({.qualifying_data = Bytes()}), Check::kQualifyingData, "empty"},
      {"another nonce", edit_quote([](wire::NodeQuote& q) { q.nonce[0] ^= 1U; }), Check::kQualifyingData,
       "mismatch"},
      {"another key generation", edit_quote([](wire::NodeQuote& q) { q.epoch.kid = "other"; }),
       Check::kQualifyingData, "mismatch"},
      {"more PCRs", with_quote(more), Check::kPcrSelection, ""},
      {"fewer PCRs", with_quote(fewer), Check::kPcrSelection, ""},
      {"PCRs of another boot", with_quote(other_boot), Check::kEventLogReplay, "mismatch"},
      {"another VM", [](NodeObjects& o) { o.node->system_uuid = kOtherUuid; }, Check::kVmId, "other-vm"},
      {"an edited PCR", edit_quote([](wire::NodeQuote& q) { q.pcrs[0][0] ^= 1U; }), Check::kPcrDigest, ""},
      {"a quote of another evidence", edit_quote([](wire::NodeQuote& q) { q.evidence_digest[0] ^= 1U; }),
       Check::kEvidenceBinding, "other-evidence"},
      {"a quote of another boot", edit_quote([](wire::NodeQuote& q) { q.boot.boot_id = kOtherUuid; }),
       Check::kEvidenceBinding, "other-boot"},
      {"a quote of another node", edit_quote([](wire::NodeQuote& q) { q.boot.node_uid = kOtherUuid; }),
       Check::kEvidenceBinding, "other-node"},
      {"evidence that was edited", edit_evidence([](wire::NodeEvidence& e) { e.collected.number += 1; }),
       Check::kEvidenceBinding, "other-evidence"},
      {"another Node", [](NodeObjects& o) { o.node = node(kOtherUuid); }, Check::kNodeIdentity, "other-node"},
      {"another boot", [](NodeObjects& o) { o.node = node(kNodeUid, kOtherUuid); }, Check::kBootChanged,
       "other-boot"},
      {"a Node without a boot ID", [](NodeObjects& o) { o.node = node(kNodeUid, ""); }, Check::kBootChanged,
       "no-boot-id"},
      {"no evidence", [](NodeObjects& o) { o.evidence.reset(); }, Check::kEvidenceBinding, "no-evidence"},
      {"unreadable evidence",
       [](NodeObjects& o) {
         o.evidence = Result<wire::NodeEvidence>(Error{Errc::kMissing, "spec", "x"});
       },
       Check::kEvidenceBinding, "malformed"},
      {"an unreadable quote",
       [](NodeObjects& o) {
         o.quote = Result<wire::NodeQuote>(Error{Errc::kMissing, "spec", "x"});
       },
       Check::kQuoteFormat, "malformed"},
      {"a certificate that is none", edit_evidence([](wire::NodeEvidence& e) {
         e.certificates[0] = {1, 2};
       }),
       Check::kCertificateChain, "malformed"},
      {"a node without a TPM", edit_evidence([](wire::NodeEvidence& e) {
         e.platform = wire::kPlatformNone;
         e.collection.code = "no-tpm";
       }),
       Check::kHclFrame, "no-tpm"},
      {"a node of platform none",
       edit_evidence([](wire::NodeEvidence& e) { e.platform = wire::kPlatformNone; }), Check::kHclFrame,
       "no-tpm"},
      {"an HCL report cut short", edit_evidence([](wire::NodeEvidence& e) { e.hcl_report.pop_back(); }),
       Check::kHclFrame, ""},
  };
  for (const Wrong& wrong : wrongs) {
    NodeObjects given = objects();
    wrong.edit(given);
    const Verdict verdict = judge(given);
    EXPECT_FALSE(verdict.verified()) << wrong.name;
    const std::string code = failed_code(verdict, wrong.check);
    EXPECT_THAT(code, ::testing::AllOf(::testing::Ne("absent"), ::testing::Ne("passed"),
                                       ::testing::Ne("not-checked")))
        << wrong.name;
    EXPECT_THAT(code, ::testing::HasSubstr(wrong.code)) << wrong.name;
    EXPECT_EQ(verdict.findings.size(), attest::all_checks().size()) << wrong.name;
  }
}

TEST(NodeVerdict, OfATrustedLaunchNodeOnlyItsOwnChecksAreListed) {
  const wire::NodeEvidence evidence = forge::make_trusted_launch_node();
  NodeObjects given{"trusted-1", node(), evidence, make_node_quote(evidence)};
  EXPECT_TRUE(judge(given).verified());
  EXPECT_EQ(failed_code(judge(given), Check::kHclFrame), "absent");
  EXPECT_EQ(failed_code(judge(given), Check::kAkCertificate), "passed");

  NodeObjects unfinished = given;
  (*unfinished.evidence)->collection.code = "tpm-error";
  EXPECT_FALSE(judge(unfinished).verified());
  EXPECT_EQ(failed_code(judge(unfinished), Check::kAkCertificate), "tpm-error");
  EXPECT_EQ(failed_code(judge(unfinished), Check::kHclFrame), "absent");

  // What is of one class proves nothing under the name of the other.
  const wire::NodeEvidence confidential = make_node_evidence();
  NodeObjects renamed = given;
  renamed.evidence = confidential;
  (*renamed.evidence)->platform = wire::kPlatformTrustedLaunch;
  renamed.quote = make_node_quote(**renamed.evidence);
  EXPECT_EQ(failed_code(judge(renamed), Check::kAkCertificate), "wrong-node-class");
}

TEST(NodeVerdict, WithoutEvidenceNothingIsSaidOfIt) {
  NodeObjects given = objects();
  given.evidence.reset();
  const Verdict verdict = judge(given);
  for (const attest::CheckInfo& info : attest::all_checks()) {
    if (info.number > 9) continue;
    EXPECT_EQ(failed_code(verdict, info.check), "not-checked") << info.name;
  }
}

TEST(NodeVerdict, WithoutAQuoteNothingIsVerified) {
  NodeObjects given = objects();
  given.quote.reset();
  const Verdict verdict = judge(given);
  EXPECT_FALSE(verdict.verified());
  EXPECT_EQ(failed_code(verdict, Check::kQuoteSignature), "not-checked");
}

// The whole verb, on files: with this world's roots as extra anchors and its paravisor as the reference.
class VerifyNode : public ::testing::Test {
 protected:
  VerifyNode() {
    const forge::World& world = forge::shared_world();
    roots_ = folder_.write("roots.pem", as_text(joined(world.amd.ark.certificate, world.vtpm.root.certificate,
                                                       world.vtpm.intermediate.certificate)));
    const Sha384Digest digest = forge::emulated_id_key_digest();
    values_ = folder_.write("values.yaml", "paravisors:\n- product: Milan\n  idKeyDigest: " + to_hex(digest) +
                                               "\n  minimumGuestSvn: 1\n");
    options_.trust_anchors = {roots_};
    options_.reference_values = values_;
  }

  static Bytes joined(const attest::Certificate& a, const attest::Certificate& b,
                      const attest::Certificate& c) {
    Bytes out = forge::to_pem(a);
    append(out, forge::to_pem(b));
    append(out, forge::to_pem(c));
    return out;
  }

  ExitCode run() {
    out_.str({});
    err_.str({});
    return verify_node(options_, forge::kNow, out_, err_);
  }
  ExitCode run_on(const std::string& text) {
    options_.file = folder_.write("node", text);
    return run();
  }

  TemporaryFolder folder_;
  std::string roots_;
  std::string values_;
  NodeOptions options_;
  std::ostringstream out_;
  std::ostringstream err_;
};

std::string good_list() {
  const wire::NodeEvidence evidence = make_node_evidence();
  return list_of({to_json(evidence), to_json(make_node_quote(evidence)), node_json()});
}

TEST_F(VerifyNode, AListAndYamlDocumentsAreJudgedAlike) {
  EXPECT_EQ(run_on(good_list()), kVerified) << out_.str() << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("Verified: every check"));
  EXPECT_THAT(out_.str(), HasSubstr("epoch-origin"));
  const wire::NodeEvidence evidence = make_node_evidence();
  EXPECT_EQ(run_on("---\n" + to_json(evidence) + "\n---\n" + to_json(make_node_quote(evidence)) + "\n"),
            kVerified)
      << out_.str() << err_.str();
}

TEST_F(VerifyNode, ABadQuoteIsRefused) {
  const wire::NodeEvidence evidence = make_node_evidence();
  EXPECT_EQ(run_on(list_of({to_json(evidence), to_json(make_node_quote(evidence, {.other_ak = true}))})),
            kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("FAILED       quote-signature"));
  options_.json = true;
  EXPECT_EQ(run(), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr(R"("verdict":"refused")"));
}

TEST_F(VerifyNode, OnlyTheRootsGivenMakeAForgedNodeGood) {
  options_.trust_anchors.clear();
  EXPECT_EQ(run_on(good_list()), kRefused);
}

TEST_F(VerifyNode, ExtraRootsAreNamed) {
  EXPECT_EQ(run_on(good_list()), kVerified);
  EXPECT_THAT(err_.str(), HasSubstr("--trust-anchor adds the root "));
}

TEST_F(VerifyNode, WhatIsNoNodesFileIsUsage) {
  for (const char* text : {"", "kind: Pod\nmetadata: {name: x}\n", "[1, 2]", "{", "a: b: c", "just text\n"}) {
    EXPECT_EQ(run_on(text), kUsage) << text;
    EXPECT_THAT(err_.str(), HasSubstr("verify node --help")) << text;
  }
  options_.at = "yesterday";
  EXPECT_EQ(run_on(good_list()), kUsage);
  options_.at.clear();
  options_.file.clear();
  EXPECT_EQ(run(), kUsage);
}

TEST_F(VerifyNode, AnUnreadableFileIsTheEnvironment) {
  options_.file = "/nonexistent/file";
  EXPECT_EQ(run(), kEnvironment);
  EXPECT_EQ(out_.str(), "");
}

class VerifyNodeInCluster : public VerifyNode {
 protected:
  using Answers = std::map<std::string, std::pair<int, std::string>>;

  ExitCode run_against(const Answers& answers, const std::string& name = "cvm-1") {
    const test::ScriptedHttpServer server(
        [&](const test::ScriptedRequest& request, test::ScriptedConnection& c) {
          const auto answer = answers.find(request.target);
          if (answer == answers.end()) return c.reply(404, "404 page not found");
          c.reply(answer->second.first, answer->second.second, {"Content-Type: application/json"});
        });
    connect(server.url());
    options_.node = name;
    return run();
  }

  void connect(const std::string& url) {
    options_.kubeconfig =
        folder_.write("kubeconfig", "current-context: a\nclusters:\n- name: c\n  cluster: {server: \"" + url +
                                        "\"}\ncontexts:\n- name: a\n  context: {cluster: c}\n");
  }

  static Answers good() {
    const wire::NodeEvidence evidence = make_node_evidence();
    return {{kNode, {200, node_json()}},
            {kEvidence, {200, to_json(evidence)}},
            {kQuote, {200, to_json(make_node_quote(evidence))}},
            {kGroup, {200, "{}"}}};
  }

  static constexpr const char* kNode = "/api/v1/nodes/cvm-1";
  static constexpr const char* kGroup = "/apis/nodeproof.dev/v1alpha1";
  static constexpr const char* kEvidence = "/apis/nodeproof.dev/v1alpha1/nodeevidences/cvm-1";
  static constexpr const char* kQuote = "/apis/nodeproof.dev/v1alpha1/nodequotes/cvm-1";
};

TEST_F(VerifyNodeInCluster, AGoodNodeIsVerified) {
  EXPECT_EQ(run_against(good()), kVerified) << out_.str() << err_.str();
}

TEST_F(VerifyNodeInCluster, ANodeThatPublishedNothingIsRefused) {
  EXPECT_EQ(run_against({{kNode, {200, node_json()}}, {kGroup, {200, "{}"}}}), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("no-evidence"));
}

TEST_F(VerifyNodeInCluster, WhatIsWrongWithTheClusterIsSaidWithARemedy) {
  EXPECT_EQ(run_against({}), kEnvironment);
  EXPECT_THAT(err_.str(), HasSubstr("has no node cvm-1. See kubectl get nodes"));
  EXPECT_EQ(run_against({{kNode, {200, node_json()}}}), kEnvironment);
  EXPECT_THAT(err_.str(), HasSubstr("kubectl apply -f crds/"));
  EXPECT_EQ(run_against({{kNode, {403, R"({"reason":"Forbidden","message":"no"})"}}}), kEnvironment);
  EXPECT_THAT(err_.str(), HasSubstr("the right to get nodes"));
  EXPECT_EQ(run_against({{kNode, {401, R"({"reason":"Unauthorized"})"}}}), kEnvironment);
  EXPECT_THAT(err_.str(), HasSubstr("are not accepted"));
  EXPECT_EQ(run_against({{kNode, {200, "{"}}}), kEnvironment);
  connect("http://127.0.0.1:1");
  EXPECT_EQ(run(), kEnvironment);
  EXPECT_THAT(err_.str(), HasSubstr("Check the server in the kubeconfig"));
}

TEST_F(VerifyNodeInCluster, ANameThatIsNoneNeverBecomesAPath) {
  for (const char* name : {"../secrets", "a/b", "a?b", "A", "a b"}) {
    EXPECT_EQ(run_against(good(), name), kUsage) << name;
  }
}

}  // namespace
}  // namespace nodeproof::cli
