#include "agent/health_server.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/unit/agent/fakes.hpp"
#include "tests/unit/webhook/edge_client.hpp"

namespace nodeproof::agent {
namespace {

using webhook::test::EdgeClient;
using webhook::test::Reply;

constexpr Seconds kRefresh{120};

TEST(AgentReadiness, IsAPublicationThatIsYoungEnough) {
  const UnixTime now = forge::kNow;
  const struct {
    std::optional<UnixTime> last_success;
    std::string problem;
  } rows[] = {
      {std::nullopt, "nothing has been published yet"},
      {now, ""},
      {now - Seconds(360), ""},
      {now - Seconds(361), "the last publication is 6m1s old, the limit is 6m"},
      {now + Seconds(5), ""},  // the clock was set back
  };
  for (const auto& row : rows) {
    const auto found = conditions(row.last_success, kRefresh, now);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].name, "published");
    EXPECT_EQ(found[0].problem, row.problem);
  }
}

class AgentHealthServer : public testing::Test {
 protected:
  AgentHealthServer() { server_.start(); }

  std::optional<Reply> get(const std::string& path, const std::string& method = "GET") const {
    EdgeClient client(server_.port());
    client.send(method + " " + path + " HTTP/1.1\r\nHost: agent\r\nConnection: close\r\n\r\n");
    return client.reply();
  }
  int status(const std::string& path, const std::string& method = "GET") const {
    const auto reply = get(path, method);
    return reply ? reply->status : 0;
  }

  FixedClock clock_;
  Metrics metrics_{"1.2.3", clock_};
  HealthServer server_{{"127.0.0.1", 0}, kRefresh, metrics_, clock_};
};

TEST_F(AgentHealthServer, IsAliveBeforeItIsReady) {
  EXPECT_EQ(status("/livez"), 200);
  EXPECT_EQ(status("/healthz"), 200);
  EXPECT_EQ(status("/readyz"), 503);
  metrics_.count_attestation(AttestationResult::kApiFailure);
  EXPECT_EQ(status("/readyz"), 503);
  EXPECT_EQ(status("/livez"), 200);
  metrics_.count_attestation(AttestationResult::kPublished);
  EXPECT_EQ(status("/readyz"), 200);
}

TEST_F(AgentHealthServer, ServesItsMetricsAndNothingElse) {
  const auto reply = get("/metrics");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body, metrics_.render());
  EXPECT_EQ(status("/"), 404);
  EXPECT_EQ(status("/metrics", "POST"), 405);
}

TEST_F(AgentHealthServer, RefusesWhatNoProbeSends) {
  EdgeClient large(server_.port());
  large.send("GET /livez HTTP/1.1\r\nHost: agent\r\nX: " + std::string(health_limits().header, 'x'));
  EXPECT_EQ(large.status(), 431);
  EdgeClient body(server_.port());
  body.send("GET /livez HTTP/1.1\r\nHost: agent\r\nContent-Length: 1025\r\n\r\n");
  EXPECT_EQ(body.status(), 413);
}

// Twice as many as are taken: those that wait without a request give way.
TEST_F(AgentHealthServer, AnswersAProbeBesideACrowdThatHoldsConnections) {
  std::vector<std::unique_ptr<EdgeClient>> crowd;
  for (std::size_t i = 0; i < 2 * health_limits().connections; ++i) {
    crowd.push_back(std::make_unique<EdgeClient>(server_.port()));
    ASSERT_TRUE(crowd.back()->connected());
    if (i % 2 == 0) crowd.back()->send("GET /livez HT");
  }
  EXPECT_EQ(status("/livez"), 200);
}

TEST(AgentHealthServerStart, NamesAnAddressThatCannotBeHad) {
  const FixedClock clock;
  const Metrics metrics("", clock);
  HealthServer first({"127.0.0.1", 0}, kRefresh, metrics, clock);
  first.start();
  HealthServer second({"127.0.0.1", first.port()}, kRefresh, metrics, clock);
  try {
    second.start();
    FAIL() << "two servers at one port";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string(error.what()).find("127.0.0.1 port " + std::to_string(first.port())),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace nodeproof::agent
