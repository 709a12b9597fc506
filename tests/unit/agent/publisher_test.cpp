#include "agent/publisher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/strict_json.hpp"
#include "tests/unit/agent/fakes.hpp"

namespace nodeproof::agent {
namespace {

using testing::ElementsAre;

const std::string kEvidences = "/apis/nodeproof.dev/v1alpha1/nodeevidences";
const std::string kGetEvidence = std::string("GET ") + FakeApi::kEvidence;
const std::string kPutEvidence = std::string("PUT ") + FakeApi::kEvidence;
const std::string kGetQuote = std::string("GET ") + FakeApi::kQuote;
const std::string kPutQuote = std::string("PUT ") + FakeApi::kQuote;

wire::NodeEvidence evidence() {
  wire::NodeEvidence out;
  out.name = "node-1";
  out.boot = kBoot;
  out.platform = wire::kPlatformSnp;
  out.collected = epoch_of(3).epoch;
  out.hcl_report = {1, 2, 3};
  out.certificates = {{4}, {5}};
  out.collected_at = "2026-08-25T00:00:00Z";
  return out;
}

wire::NodeQuote quote(std::uint64_t epoch) {
  wire::NodeQuote out;
  out.name = "node-1";
  out.boot = kBoot;
  out.epoch = epoch_of(epoch).epoch;
  out.attest = {1};
  out.signature = {2};
  out.pcrs[0] = {};
  return out;
}

class PublisherTest : public testing::Test {
 protected:
  template <typename T>
  T stored(const char* path, Result<T> (*parse)(const attest::JsonValue&)) {
    auto parsed = parse_object(api_.objects.at(path), "stored", parse);
    EXPECT_TRUE(parsed);
    return *parsed;
  }
  FakeApi api_;
  Publisher publisher_{api_};
};

TEST_F(PublisherTest, CreatesEvidenceAndThenWritesOnlyWhatChanged) {
  EXPECT_TRUE(publisher_.publish(evidence()));
  EXPECT_THAT(api_.requests, ElementsAre(kGetEvidence, "POST " + kEvidences));
  EXPECT_EQ(stored(FakeApi::kEvidence, wire::parse_node_evidence).digest(), evidence().digest());

  wire::NodeEvidence later = evidence();
  later.collected_at = "2026-08-25T01:00:00Z";
  EXPECT_FALSE(publisher_.publish(later));
  later.collection = {"endorsements-unreachable", "THIM"};
  EXPECT_TRUE(publisher_.publish(later));
  EXPECT_EQ(api_.requests.back(), kPutEvidence);
  const auto now = stored(FakeApi::kEvidence, wire::parse_node_evidence);
  EXPECT_EQ(now.collection, later.collection);
  EXPECT_EQ(now.collected_at, later.collected_at);
}

TEST_F(PublisherTest, WritesEvidenceAgainThatSomebodyChangedOrRemoved) {
  publisher_.publish(evidence());
  api_.objects.erase(FakeApi::kEvidence);
  EXPECT_TRUE(publisher_.publish(evidence()));
  api_.objects[FakeApi::kEvidence] =
      R"({"metadata":{"name":"node-1","resourceVersion":"9"},"spec":{"from":"elsewhere"}})";
  EXPECT_TRUE(publisher_.publish(evidence()));
  EXPECT_EQ(stored(FakeApi::kEvidence, wire::parse_node_evidence).digest(), evidence().digest());
}

TEST_F(PublisherTest, ReadsAgainAfterAConflict) {
  publisher_.publish(evidence());
  int races = 2;
  api_.before = [&](const std::string& request) {
    if (request == kPutEvidence && races-- > 0) throw kube::ApiError(409, "Conflict", "changed");
  };
  wire::NodeEvidence changed = evidence();
  changed.hcl_report = {9};
  EXPECT_TRUE(publisher_.publish(changed));
  EXPECT_EQ(stored(FakeApi::kEvidence, wire::parse_node_evidence).hcl_report, Bytes{9});
}

TEST_F(PublisherTest, TakesACreateThatSomebodyElseDidFirstForAConflict) {
  api_.before = [&](const std::string& request) {
    if (request == "POST " + kEvidences) {
      api_.objects[FakeApi::kEvidence] = R"({"metadata":{"name":"node-1","resourceVersion":"9"},"spec":{}})";
    }
  };
  EXPECT_TRUE(publisher_.publish(evidence()));
  EXPECT_EQ(api_.requests.back(), kPutEvidence);
}

TEST_F(PublisherTest, GivesUpAfterSoManyConflicts) {
  publisher_.publish(evidence());
  publisher_.publish(quote(1));
  api_.before = [](const std::string& request) {
    if (request.starts_with("PUT")) throw kube::ApiError(409, "Conflict", "changed");
  };
  api_.requests.clear();
  wire::NodeEvidence changed = evidence();
  changed.hcl_report = {9};
  EXPECT_THROW(publisher_.publish(changed), kube::ApiError);
  EXPECT_EQ(api_.count(kPutEvidence), static_cast<std::size_t>(Publisher::kTries));
  EXPECT_THROW(publisher_.publish(quote(2)), kube::ApiError);
  EXPECT_EQ(api_.count(kPutQuote), static_cast<std::size_t>(Publisher::kTries));
}

TEST_F(PublisherTest, RefreshesAQuoteWithOneRequest) {
  publisher_.publish(quote(1));
  publisher_.publish(quote(2));
  publisher_.publish(quote(3));
  EXPECT_THAT(api_.requests,
              ElementsAre(kGetQuote, "POST /apis/nodeproof.dev/v1alpha1/nodequotes", kPutQuote, kPutQuote));
  EXPECT_EQ(stored(FakeApi::kQuote, wire::parse_node_quote).epoch.number, 3U);
}

TEST_F(PublisherTest, FindsTheQuoteOfAnEarlierLife) {
  publisher_.publish(quote(1));
  Publisher restarted(api_);
  restarted.publish(quote(2));
  EXPECT_EQ(stored(FakeApi::kQuote, wire::parse_node_quote).epoch.number, 2U);
}

TEST_F(PublisherTest, WritesAQuoteAgainThatSomebodyChangedOrRemoved) {
  publisher_.publish(quote(1));
  api_.objects.erase(FakeApi::kQuote);
  publisher_.publish(quote(2));
  api_.objects[FakeApi::kQuote] = R"({"metadata":{"name":"node-1","resourceVersion":"9"},"spec":{}})";
  publisher_.publish(quote(3));
  EXPECT_EQ(stored(FakeApi::kQuote, wire::parse_node_quote).epoch.number, 3U);
}

TEST_F(PublisherTest, DoesNotTakeAMissingCrdForARace) {
  api_.before = [](const std::string& request) {
    if (request.starts_with("POST"))
      throw kube::ApiError(404, "NotFound", "the server could not find the requested resource");
  };
  EXPECT_THROW(publisher_.publish(evidence()), kube::ApiError);
  EXPECT_THROW(publisher_.publish(quote(1)), kube::ApiError);
  EXPECT_EQ(api_.requests.size(), 4U);
}

TEST_F(PublisherTest, DoesNotReplaceWhatItCannotRead) {
  api_.objects[FakeApi::kEvidence] = "<html>a proxy</html>";
  EXPECT_THROW(publisher_.publish(evidence()), kube::ApiError);
  EXPECT_THAT(api_.requests, ElementsAre(kGetEvidence));
}

}  // namespace
}  // namespace nodeproof::agent
