#include "wire/admission_review.hpp"
#include "attest/strict_json.hpp"

#include "tests/support/vectors.hpp"
#include "tests/unit/wire/json_text.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonDocument;
using attest::JsonValue;

const std::string kBinding = R"({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
  "uid": "r-1", "kind": {"group": "", "version": "v1", "kind": "Binding"},
  "resource": {"group": "", "version": "v1", "resource": "pods"}, "subResource": "binding",
  "name": "p", "namespace": "demo", "operation": "CREATE",
  "userInfo": {"username": "system:kube-scheduler", "groups": ["system:authenticated"]},
  "object": {"metadata": {"name": "p", "uid": "u-1"}, "target": {"kind": "Node", "name": "node-a"}},
  "oldObject": null, "dryRun": true}})";

TEST(AdmissionReview, BindingIsRead) {
  const auto request = parse_admission_review(as_bytes(kBinding));
  ASSERT_TRUE(request) << to_string(request.error());
  EXPECT_EQ(request->uid, "r-1");
  EXPECT_EQ(request->resource, "pods");
  EXPECT_EQ(request->sub_resource, "binding");
  EXPECT_EQ(request->operation, "CREATE");
  EXPECT_EQ(request->name, "p");
  EXPECT_EQ(request->ns, "demo");
  EXPECT_EQ(request->user.username, "system:kube-scheduler");
  EXPECT_EQ(request->user.groups, std::vector<std::string>{"system:authenticated"});
  EXPECT_TRUE(request->dry_run);
  ASSERT_TRUE(request->binding);
  EXPECT_EQ(request->binding->meta.uid, "u-1");
  EXPECT_EQ(request->binding->target_name, "node-a");
  EXPECT_FALSE(request->pod);
}

TEST(AdmissionReview, BadBodiesAreNamedErrors) {
  struct Case {
    std::string from;
    std::string to;
    Errc code;
    std::string where;
  };
  const Case cases[] = {
      {"admission.k8s.io/v1", "admission.k8s.io/v1beta1", Errc::kUnsupported, "apiVersion"},
      {R"("kind": "AdmissionReview")", R"("kind": "Pod")", Errc::kUnsupported, "AdmissionReview.kind"},
      {R"("kind": "AdmissionReview", )", "", Errc::kMissing, "AdmissionReview.kind"},
      {R"("request":)", R"("response":)", Errc::kMissing, "AdmissionReview.request"},
      {R"("uid": "r-1", )", "", Errc::kMissing, "request.uid"},
      {R"("uid": "r-1")", R"("uid": "")", Errc::kMissing, "request.uid"},
      {R"("uid": "r-1")", R"("uid": 1)", Errc::kWrongType, "request.uid"},
      {R"("uid": "r-1")", R"("uid": "r-1", "uid": "r-2")", Errc::kDuplicate, "request.uid"},
      {R"("operation": "CREATE",)", "", Errc::kMissing, "request.operation"},
      {R"("resource": "pods")", R"("resource": ["pods"])", Errc::kWrongType, "request.resource"},
      {R"("kind": "Binding")", R"("Kind": "Binding")", Errc::kMissing, "request.kind"},
      {R"("userInfo")", R"("user")", Errc::kMissing, "request.userInfo"},
      {R"(["system:authenticated"])", R"("all")", Errc::kWrongType, "userInfo.groups"},
      {R"("dryRun": true)", R"("dryRun": "true")", Errc::kWrongType, "request.dryRun"},
      {R"("target")", R"("Target")", Errc::kMissing, "object.target"},
      {R"("object": {)", R"("object": [], "ignored": {)", Errc::kWrongType, "request.object"},
  };
  for (const Case& c : cases) {
    const std::string body = edited(kBinding, c.from, c.to);
    const auto result = parse_admission_review(as_bytes(body));
    ASSERT_FALSE(result) << c.to;
    EXPECT_STREQ(to_string(result.error().code), to_string(c.code)) << to_string(result.error());
    EXPECT_NE(result.error().where.find(c.where), std::string::npos) << to_string(result.error());
  }
}

TEST(AdmissionReview, BodiesThatAreNoReview) {
  for (const std::string body : {"", "null", "[]", "5", "\"x\"", "{}", "{", "\xff\xfe", "GET / HTTP/1.1"}) {
    EXPECT_FALSE(parse_admission_review(as_bytes(body))) << body;
  }
}

TEST(AdmissionReview, ThreeMegabytesAreTheLimit) {
  const auto padded = [](std::size_t size) {
    return edited(kBinding, R"("dryRun": true)",
                  R"("dryRun": true, "padding": ")" + std::string(size - kBinding.size() - 15, 'x') + "\"");
  };
  const std::string largest = padded(kMaxReviewSize);
  ASSERT_EQ(largest.size(), kMaxReviewSize);
  EXPECT_TRUE(parse_admission_review(as_bytes(largest)));
  const auto result = parse_admission_review(as_bytes(padded(kMaxReviewSize + 1)));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kTooLarge);
}

TEST(AdmissionReview, DeepNestingIsRefused) {
  const std::string deep = std::string(5000, '[') + std::string(5000, ']');
  EXPECT_FALSE(parse_admission_review(as_bytes(edited(kBinding, R"("dryRun": true)", R"("deep": )" + deep))));
}

TEST(AdmissionReview, EveryPrefixIsRefused) {
  for (std::size_t size = 0; size < kBinding.size(); ++size) {
    EXPECT_FALSE(parse_admission_review(as_bytes(kBinding).first(size))) << size;
  }
}

TEST(AdmissionReview, ObjectsOfOtherGroupsAreNotRead) {
  const std::string body = edited(kBinding, R"("kind": {"group": "")", R"("kind": {"group": "example.org")");
  const auto request = parse_admission_review(as_bytes(body));
  ASSERT_TRUE(request) << to_string(request.error());
  EXPECT_FALSE(request->binding);
}

AdmissionResponse response_of(bool allowed, std::string message) {
  AdmissionResponse response;
  response.uid = "r-1";
  response.allowed = allowed;
  response.message = std::move(message);
  return response;
}

TEST(AdmissionResponse, AllowedHasNoStatus) {
  AdmissionResponse response = response_of(true, "ignored");
  response.warnings = {std::string(300, 'w')};
  response.audit_annotations = {{"decision", "allow"}};
  auto document = JsonDocument::parse(as_bytes(to_json(response)), 1U << 20U, "review");
  ASSERT_TRUE(document);
  const JsonValue root = document->root();
  EXPECT_EQ(*root.required("apiVersion")->text(), "admission.k8s.io/v1");
  EXPECT_EQ(*root.required("kind")->text(), "AdmissionReview");
  const JsonValue out = *root.required("response");
  EXPECT_EQ(*out.required("uid")->text(), "r-1");
  EXPECT_TRUE(*out.required("allowed")->boolean());
  EXPECT_FALSE(out.optional("status")->has_value());
  EXPECT_EQ(out.required("warnings")->array()->at(0).text()->size(), 256U);
  EXPECT_EQ(*out.required("auditAnnotations")->required("decision")->text(), "allow");
  // Either of the two without the other makes the call a failed one.
  EXPECT_FALSE(out.optional("patch")->has_value());
  EXPECT_FALSE(out.optional("patchType")->has_value());
}

TEST(AdmissionResponse, DeniedIsForbiddenWithItsMessage) {
  const std::string texts[] = {"pod demo/p: node node-a is \"stale\"",
                               "Größe € 🔒",
                               std::string("nul \0 byte", 10),
                               "line\nfeed\ttab\x01\x1f\x7f",
                               "\\ back / slash",
                               "\u2028",
                               ""};
  for (const std::string& text : texts) {
    auto document = JsonDocument::parse(as_bytes(to_json(response_of(false, text))), 1U << 20U, "review");
    ASSERT_TRUE(document) << text;
    const JsonValue status = *document->root().required("response")->required("status");
    EXPECT_EQ(*status.required("code")->unsigned_integer(), 403U);
    EXPECT_EQ(*status.required("reason")->text(), "Forbidden");
    EXPECT_EQ(*status.required("message")->text(), text);
  }
}

TEST(AdmissionResponse, MalformedUtf8DoesNotBreakTheAnswer) {
  const AdmissionResponse response = response_of(false, "bad \xC3\x28 \xFF");
  EXPECT_TRUE(JsonDocument::parse(as_bytes(to_json(response)), 1U << 20U, "review"));
}

TEST(AdmissionResponse, APatchIsBase64OfItsType) {
  AdmissionResponse response = response_of(true, "");
  response.patch = selector_patch({{"example.com/pool~1", "cvm"}, {"disk", ""}}, false);
  EXPECT_EQ(response.patch,
            R"([{"op":"add","path":"/spec/nodeSelector","value":{}},)"
            R"({"op":"add","path":"/spec/nodeSelector/disk","value":""},)"
            R"({"op":"add","path":"/spec/nodeSelector/example.com~1pool~01","value":"cvm"}])");
  auto document = JsonDocument::parse(as_bytes(to_json(response)), 1U << 20U, "review");
  ASSERT_TRUE(document);
  const JsonValue out = *document->root().required("response");
  EXPECT_EQ(*out.required("patchType")->text(), "JSONPatch");
  const auto patch = from_base64(*out.required("patch")->text(), "patch");
  ASSERT_TRUE(patch);
  EXPECT_EQ(as_text(*patch), response.patch);
}

// As many labels as two policies may hold between them, and as long as labels get: nothing is cut.
TEST(AdmissionResponse, ALongPatchIsWhole) {
  std::map<std::string, std::string> labels;
  for (int i = 10; i < 42; ++i)
    labels.emplace(std::string(253, 'p') + "/" + std::to_string(i) + std::string(61, 'k'),
                   std::string(63, 'v'));
  AdmissionResponse response = response_of(true, "");
  response.patch = selector_patch(labels, true);
  auto document = JsonDocument::parse(as_bytes(to_json(response)), 1U << 20U, "review");
  ASSERT_TRUE(document);
  const auto patch = from_base64(*document->root().required("response")->required("patch")->text(), "patch");
  ASSERT_TRUE(patch);
  EXPECT_EQ(as_text(*patch), response.patch);
  const auto count = [](const JsonValue& root) -> Result<std::size_t> {
    NODEPROOF_TRY(operations, root.array());
    return operations.size();
  };
  EXPECT_EQ(parsed(response.patch, count).value(), labels.size());
}

TEST(AdmissionResponse, NothingToAddIsNoPatch) {
  EXPECT_EQ(selector_patch({}, false), "");
  EXPECT_EQ(selector_patch({}, true), "");
  EXPECT_EQ(selector_patch({{"a", "b"}}, true),
            R"([{"op":"add","path":"/spec/nodeSelector/a","value":"b"}])");
}

TEST(AdmissionReview, ReadsTheNodeSelectorOfAPod) {
  const auto selector_in = [](const std::string& spec) {
    const std::string pod = edited(kBinding, R"("kind": "Binding")", R"("kind": "Pod")");
    return parse_admission_review(
        as_bytes(edited(pod, R"("target": {"kind": "Node", "name": "node-a"})", R"("spec": )" + spec)));
  };
  using Selector = std::map<std::string, std::string>;
  EXPECT_EQ(selector_in("{}")->pod->node_selector, std::nullopt);
  EXPECT_EQ(selector_in(R"({"nodeSelector": null})")->pod->node_selector, std::nullopt);
  EXPECT_EQ(selector_in(R"({"nodeSelector": {}})")->pod->node_selector, Selector());
  EXPECT_EQ(selector_in(R"({"nodeSelector": {"a": "b"}})")->pod->node_selector, (Selector{{"a", "b"}}));
  for (const std::string bad : {R"({"nodeSelector": []})", R"({"nodeSelector": {"a": 1}})"}) {
    const auto result = selector_in(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_EQ(result.error().code, Errc::kWrongType);
    EXPECT_NE(result.error().where.find("object.spec.nodeSelector"), std::string::npos);
  }
}

// What the recorded requests must read as; "-" means that nothing of the kind was parsed.
struct Recorded {
  const char* file;
  const char* resource;
  const char* sub_resource;
  const char* operation;
  const char* pod_node;
  const char* binding_node;
};

class RecordedReviews : public testing::TestWithParam<Recorded> {};

TEST_P(RecordedReviews, AreRead) {
  NODEPROOF_NEED_VECTORS();
  const Recorded& expected = GetParam();
  const auto request =
      parse_admission_review(vectors::file(std::string("admission/") + expected.file + ".json"));
  ASSERT_TRUE(request) << to_string(request.error());
  EXPECT_FALSE(request->uid.empty());
  EXPECT_FALSE(request->user.username.empty());
  EXPECT_EQ(request->resource, expected.resource);
  EXPECT_EQ(request->sub_resource, expected.sub_resource);
  EXPECT_EQ(request->operation, expected.operation);
  EXPECT_EQ(request->pod ? request->pod->node_name : "-", expected.pod_node);
  EXPECT_EQ(request->binding ? request->binding->target_name : "-", expected.binding_node);
}

INSTANTIATE_TEST_SUITE_P(
    Vectors, RecordedReviews,
    testing::Values(Recorded{"binding-by-user", "pods", "binding", "CREATE", "-", "node-c"},
                    Recorded{"binding-legacy-resource", "bindings", "", "CREATE", "-", "node-c"},
                    Recorded{"binding-scheduler", "pods", "binding", "CREATE", "-", "node-b"},
                    Recorded{"pod-create", "pods", "", "CREATE", "", "-"},
                    Recorded{"pod-create-nodename", "pods", "", "CREATE", "node-b", "-"},
                    Recorded{"pod-delete", "pods", "", "DELETE", "-", "-"},
                    Recorded{"pod-ephemeralcontainers", "pods", "ephemeralcontainers", "UPDATE", "node-b",
                             "-"},
                    Recorded{"pod-eviction", "pods", "eviction", "CREATE", "-", "-"},
                    Recorded{"pod-exec-connect", "pods", "exec", "CONNECT", "-", "-"},
                    Recorded{"node-update-taint", "nodes", "", "UPDATE", "-", "-"}),
    [](const auto& instance) {
      std::string name = instance.param.file;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

TEST(RecordedReviewsFolder, EveryRequestInItIsRead) {
  NODEPROOF_NEED_VECTORS();
  std::size_t read = 0;
  for (const auto& entry : std::filesystem::directory_iterator(vectors::folder() / "admission")) {
    const std::string name = entry.path().filename().string();
    // Answers, events and statuses have a second dot in their name.
    if (entry.path().extension() != ".json" || entry.path().stem().string().find('.') != std::string::npos)
      continue;
    const auto request = parse_admission_review(vectors::file("admission/" + name));
    ASSERT_TRUE(request) << name << ": " << to_string(request.error());
    const bool of_pod =
        name.starts_with("pod-") && request->sub_resource != "eviction" && request->sub_resource != "exec";
    EXPECT_EQ(request->pod.has_value(), of_pod && request->operation != "DELETE") << name;
    EXPECT_EQ(request->old_pod.has_value(), of_pod && request->operation != "CREATE") << name;
    EXPECT_EQ(request->binding.has_value(), name.starts_with("binding-")) << name;
    EXPECT_EQ(request->dry_run, name == "pod-create-dryrun.json") << name;
    ++read;
  }
  EXPECT_GE(read, 35U);
}

}  // namespace
}  // namespace nodeproof::wire
