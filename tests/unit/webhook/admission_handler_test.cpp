#include "webhook/admission_handler.hpp"

#include <cpprest/json.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"
#include "tests/unit/webhook/fake_cluster_api.hpp"
#include "tests/unit/webhook/json_objects.hpp"

namespace nodeproof::webhook {
namespace {

using std::chrono::steady_clock;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kPodUid;

class FixedClock final : public Clock {
 public:
  UnixTime now() const override { return testing::kNow; }
};

class FakeReader final : public PodReader {
 public:
  PodLookup read(const std::string& ns, const std::string& name, Deadline) override {
    asked.push_back(ns + "/" + name);
    return answer;
  }
  std::vector<std::string> asked;
  PodLookup answer = PodAbsent{};
};

// A review of a Binding as the scheduler sends it; `uid` may be empty.
std::string binding_review(const std::string& uid, const std::string& node, const std::string& name = "api") {
  return R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"review-1",)"
         R"("kind":{"group":"","version":"v1","kind":"Binding"},"resource":{"group":"","version":"v1","resource":"pods"},)"
         R"("subResource":"binding","name":")" +
         name +
         R"(","namespace":"demo","operation":"CREATE","userInfo":{"username":"system:kube-scheduler"},)" +
         R"("object":{"kind":"Binding","metadata":{"name":")" + name + R"(","namespace":"demo")" +
         (uid.empty() ? "" : R"(,"uid":")" + uid + "\"") + R"(},"target":{"kind":"Node","name":")" + node +
         R"("}}}})";
}

std::string pod_json(const std::string& policy, const std::string& node = {}) {
  return R"({"metadata":{"name":"api","namespace":"demo","uid":")" + std::string(kPodUid) +
         R"(","annotations":{"nodeproof.dev/policy":")" + policy + R"("}},"spec":{)" +
         (node.empty() ? "" : R"("nodeName":")" + node + "\"") + "}}";
}

// A review of such a pod's creation; `spec`: members of its spec.
std::string create_review(const std::string& policy, const std::string& spec) {
  return R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"review-1",)"
         R"("kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},)"
         R"("name":"api","namespace":"demo","operation":"CREATE","userInfo":{"username":"alice"},"object":)"
         R"({"metadata":{"name":"api","annotations":{"nodeproof.dev/policy":")" +
         policy + R"("}},"spec":{)" + spec + "}}}}";
}

class Handler : public ::testing::Test {
 protected:
  HttpOutcome ask(HttpRequest request) { return handler_(request); }
  HttpOutcome post_prompt(const std::string& body) {
    return ask({"POST", "/admit", "timeout=5s", "application/json", body});
  }
  // As a worker would have it in the end.
  HttpResponse post(const std::string& body) { return post_to("/admit", body); }
  HttpResponse post_to(const std::string& path, const std::string& body) {
    const HttpOutcome outcome = ask({"POST", path, "timeout=5s", "application/json", body});
    if (const auto* work = std::get_if<HttpWork>(&outcome)) return (*work)(steady_clock::now() + Seconds(5));
    return std::get<HttpResponse>(outcome);
  }
  // "allowed", or the message.
  std::string outcome(const std::string& body) {
    const HttpResponse response = post(body);
    EXPECT_EQ(response.status, 200U) << response.body;
    EXPECT_EQ(response.content_type, "application/json");
    const auto review = web::json::value::parse(response.body);
    EXPECT_EQ(review.at("response").at("uid").as_string(), "review-1");
    if (review.at("response").at("allowed").as_bool()) return "allowed";
    return review.at("response").at("status").at("message").as_string();
  }
  web::json::value answer_to(const std::string& path, const std::string& body) {
    const HttpResponse response = post_to(path, body);
    EXPECT_EQ(response.status, 200U) << response.body;
    return web::json::value::parse(response.body);
  }
  // The JSON Patch of an allowed pod; empty when there is none.
  std::string patch_of(const std::string& body) {
    const auto response = answer_to("/mutate", body).at("response");
    EXPECT_TRUE(response.at("allowed").as_bool());
    if (!response.has_field("patch")) return {};
    EXPECT_EQ(response.at("patchType").as_string(), "JSONPatch");
    const Bytes patch = from_base64(response.at("patch").as_string(), "patch").value();
    return std::string(as_text(patch));
  }
  std::string metrics() const {
    MetricsState state;
    state.snapshot = snapshot_;
    return metrics_.render(state, testing::kNow);
  }

  FixedClock clock_;
  PodDirectory pods_;
  FakeReader reader_;
  Metrics metrics_;
  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<const Snapshot>(testing::picture());
  std::optional<Refusal> unfit_;
  testing::FakeClusterApi api_;
  EventWriter events_{api_};
  AdmissionHandler handler_{{[this] { return snapshot_; }, pods_, reader_, clock_, metrics_,
                             [this](UnixTime) { return unfit_; }, events_}};
};

TEST_F(Handler, DecidesABindingFromTheDirectory) {
  testing::update(pods_.handler(), pod_json("confidential"));
  EXPECT_EQ(outcome(binding_review(kPodUid, "cvm-1")), "allowed");
  EXPECT_THAT(outcome(binding_review(kPodUid, "plain-1")), HasSubstr("no-tpm"));
  EXPECT_THAT(reader_.asked, IsEmpty());
  EXPECT_THAT(metrics(), HasSubstr("{decision=\"denied\",reason=\"no-tpm\",rule=\"binding\"} 1"));
}

TEST_F(Handler, ReadsAPodThatTheDirectoryDoesNotHold) {
  reader_.answer = parse_pod_entry(pod_json("confidential")).value();
  EXPECT_EQ(outcome(binding_review(kPodUid, "cvm-1")), "allowed");
  EXPECT_THAT(reader_.asked, ElementsAre("demo/api"));
}

TEST_F(Handler, ReadsThePodOfABindingWithoutUid) {
  testing::update(pods_.handler(), pod_json("confidential"));
  reader_.answer = PodUnavailable{"no answer"};
  EXPECT_THAT(outcome(binding_review("", "cvm-1")), HasSubstr("no answer"));
  EXPECT_THAT(reader_.asked, ElementsAre("demo/api"));
}

// Only what must ask the API server, or would keep others waiting, goes to a worker.
TEST_F(Handler, AnswersAtOnceWhatItKnows) {
  const auto at_once = [this](const std::string& body) {
    return std::holds_alternative<HttpResponse>(post_prompt(body));
  };
  EXPECT_FALSE(at_once(binding_review(kPodUid, "cvm-1"))) << "the pod is not known";
  EXPECT_FALSE(at_once(binding_review("", "cvm-1"))) << "a name may have passed on to another pod";
  EXPECT_THAT(reader_.asked, IsEmpty()) << "the worker asks";
  testing::update(pods_.handler(), pod_json("confidential"));
  EXPECT_TRUE(at_once(binding_review(kPodUid, "cvm-1")));
  EXPECT_TRUE(at_once(binding_review(kPodUid, "plain-1")));
  EXPECT_TRUE(at_once("no review"));
  const std::string blanks(attest::JsonParser::kMaxReused, ' ');
  EXPECT_FALSE(at_once(binding_review(kPodUid, "cvm-1") + blanks)) << "long to read";
  EXPECT_EQ(outcome(binding_review(kPodUid, "cvm-1") + blanks), "allowed");
  EXPECT_THAT(outcome(binding_review(kPodUid, "plain-1") + blanks), HasSubstr("no-tpm"));
}

// Work may be done after later requests have been read with the same parser.
TEST_F(Handler, WorkKeepsItsReview) {
  const HttpOutcome first = post_prompt(binding_review(kPodUid, "cvm-1"));
  const HttpOutcome second = post_prompt(binding_review("", "cvm-1", "other"));
  std::get<HttpWork>(second)(steady_clock::now() + Seconds(5));
  std::get<HttpWork>(first)(steady_clock::now() + Seconds(5));
  EXPECT_THAT(reader_.asked, ElementsAre("demo/other", "demo/api"));
}

TEST_F(Handler, RefusesASensitivePodFromAViewThatIsTooOld) {
  testing::update(pods_.handler(), pod_json("confidential"));
  unfit_ = Refusal{"view-too-old", "nothing was heard of nodes for 31s", "see the log"};
  EXPECT_THAT(outcome(binding_review(kPodUid, "cvm-1")), HasSubstr("nothing was heard of nodes for 31s"));
  unfit_.reset();
  EXPECT_EQ(outcome(binding_review(kPodUid, "cvm-1")), "allowed");
}

TEST_F(Handler, ARefusedBindingBecomesAnEventLater) {
  testing::update(pods_.handler(), pod_json("confidential"));
  const std::string message = outcome(binding_review(kPodUid, "plain-1"));
  outcome(binding_review(kPodUid, "plain-1"));
  outcome(binding_review(kPodUid, "cvm-1"));
  EXPECT_THAT(api_.calls, IsEmpty());
  events_.write();
  ASSERT_EQ(api_.calls.size(), 1U);
  EXPECT_EQ(api_.calls[0].first, "create /api/v1/namespaces/demo/events");
  EXPECT_EQ(web::json::value::parse(api_.calls[0].second).at("message").as_string(), message);
}

TEST_F(Handler, SteersAPodThatIsCreated) {
  EXPECT_EQ(
      patch_of(create_review("confidential", "")),
      R"([{"op":"add","path":"/spec/nodeSelector","value":{}},{"op":"add","path":)"
      R"("/spec/nodeSelector/policy.nodeproof.node-restriction.kubernetes.io~1confidential","value":"met"}])");
  EXPECT_EQ(
      patch_of(create_review("confidential", R"("nodeSelector":{"disk":"ssd"})")),
      R"([{"op":"add","path":)"
      R"("/spec/nodeSelector/policy.nodeproof.node-restriction.kubernetes.io~1confidential","value":"met"}])");
  EXPECT_EQ(patch_of(create_review("warn", "")), "");
  EXPECT_THAT(metrics(), HasSubstr("{decision=\"allowed\",reason=\"steered\",rule=\"steering\"} 2"));
}

TEST_F(Handler, RefusesToSteerByAnUnknownPolicy) {
  const auto review = answer_to("/mutate", create_review("nope", ""));
  EXPECT_FALSE(review.at("response").at("allowed").as_bool());
  EXPECT_FALSE(review.at("response").has_field("patch"));
  EXPECT_THAT(review.at("response").at("status").at("message").as_string(), HasSubstr("'nope'"));
}

// A review too long to be read at once is steered by a worker, and the gate still judges nothing by patching.
TEST_F(Handler, SteersALongReview) {
  const std::string blanks(attest::JsonParser::kMaxReused, ' ');
  EXPECT_THAT(patch_of(create_review("confidential", "") + blanks), HasSubstr("~1confidential"));
  EXPECT_FALSE(answer_to("/admit", create_review("confidential", "")).at("response").has_field("patch"));
}

TEST_F(Handler, ABadReviewIsNotSteered) {
  for (const std::string& body :
       {std::string(), std::string("{}"), create_review("confidential", "").substr(0, 300),
        create_review("confidential", R"("nodeSelector":["disk"])")}) {
    const HttpResponse response = post_to("/mutate", body);
    EXPECT_EQ(response.status, 400U) << body;
    EXPECT_THAT(response.body, HasSubstr("AdmissionReview"));
  }
}

TEST_F(Handler, ABoundPodLeavesTheDirectory) {
  testing::update(pods_.handler(), pod_json("confidential"));
  EXPECT_TRUE(pods_.find(kPodUid));
  testing::update(pods_.handler(), pod_json("confidential", "cvm-1"));
  EXPECT_FALSE(pods_.find(kPodUid));
  testing::replace(pods_.handler(), {pod_json("confidential")});
  EXPECT_TRUE(pods_.find(kPodUid));
  testing::remove(pods_.handler(), pod_json("confidential"));
  EXPECT_FALSE(pods_.find(kPodUid));
  testing::update(pods_.handler(), pod_json("confidential"));
  testing::replace(pods_.handler(), {});
  EXPECT_FALSE(pods_.find(kPodUid));
}

struct Bad {
  std::string name;
  std::string body;
  std::string error;  // what the answer must name
};

class BadReview : public Handler, public ::testing::WithParamInterface<Bad> {};

TEST_P(BadReview, IsAnErrorWithAName) {
  const HttpResponse response = post(GetParam().body);
  EXPECT_EQ(response.status, 400U);
  EXPECT_THAT(response.body, HasSubstr(GetParam().error));
  EXPECT_THAT(metrics(), HasSubstr("nodeproof_admission_malformed_total 1"));
  EXPECT_THAT(reader_.asked, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    All, BadReview,
    ::testing::Values(
        Bad{"empty", "", "AdmissionReview"}, Bad{"no_json", "hello", "AdmissionReview"},
        Bad{"no_request", R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"})", "request"},
        Bad{"other_version",
            R"({"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{}})", "v1beta1"},
        Bad{"no_uid", R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{}})", "uid"},
        Bad{"truncated", binding_review(kPodUid, "cvm-1").substr(0, 200), "AdmissionReview"},
        Bad{"too_large", std::string(wire::kMaxReviewSize + 1, ' '), "too-large"}),
    [](const auto& param) { return param.param.name; });

TEST_F(Handler, AnswersNothingElse) {
  const auto status = [this](HttpRequest request) {
    return std::get<HttpResponse>(ask(std::move(request))).status;
  };
  EXPECT_EQ(status({"POST", "/", "", "application/json", "{}"}), 404U);
  EXPECT_EQ(status({"POST", "/admit/", "", "application/json", "{}"}), 404U);
  EXPECT_EQ(status({"POST", "/mutate/", "", "application/json", "{}"}), 404U);
  EXPECT_EQ(status({"GET", "/admit", "", "application/json", ""}), 405U);
  EXPECT_EQ(status({"GET", "/mutate", "", "application/json", ""}), 405U);
  EXPECT_EQ(status({"POST", "/admit", "", "text/plain", "{}"}), 415U);
  EXPECT_EQ(status({"POST", "/admit", "", "", "{}"}), 415U);
}

TEST(ParsePodEntry, KeepsOnlyWhatADecisionNeeds) {
  const PodEntry pod = parse_pod_entry(pod_json("confidential", "cvm-1")).value();
  EXPECT_EQ(pod.uid, kPodUid);
  EXPECT_EQ(pod.node_name, "cvm-1");
  EXPECT_EQ(pod.markers.size(), 1U);
  EXPECT_FALSE(parse_pod_entry("{}"));
  EXPECT_FALSE(parse_pod_entry(R"({"metadata":{"annotations":{"nodeproof.dev/policy":7}},"spec":{}})"));
}

}  // namespace
}  // namespace nodeproof::webhook
