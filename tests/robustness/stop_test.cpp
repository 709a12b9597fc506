// How the real program ends: in order when asked once, at once when asked twice, and without a lost request
// when replicas are restarted in turn.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/robustness/load.hpp"
#include "tests/robustness/webhook_process.hpp"

namespace nodeproof::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using webhook::test::EdgeClient;
using webhook::test::eventually;
using webhook::test::post;

constexpr auto kPatience = 60s;

std::unique_ptr<WebhookProcess> ready_webhook(const SmallApiServer& api,
                                              const std::string& identity = "one") {
  auto webhook = std::make_unique<WebhookProcess>(api, WebhookOptions{.identity = identity});
  EXPECT_TRUE(eventually([&] { return webhook->is_ready(); })) << webhook->log();
  return webhook;
}

TEST(Stop, TellsItIsNotReadyAnswersWhatIsInFlightAndEndsInOrder) {
  SmallApiServer api;
  const auto webhook = ready_webhook(api);
  api.delay_pods(2200ms);  // past the two seconds until it drains; a look-up may take three

  EdgeClient half_sent(webhook->port());
  EdgeClient waiting(webhook->port());
  EdgeClient idle(webhook->port());
  for (EdgeClient* client : {&half_sent, &waiting, &idle}) ASSERT_TRUE(client->start_tls());
  webhook->signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return webhook->health("/readyz") == "not ready:\n- stopping\n"; }));
  const std::string request = post("/admit", binding_review());
  EdgeClient late(webhook->port());
  ASSERT_TRUE(late.start_tls()) << "until the Service has heard of it, it answers";
  late.send(request);
  EXPECT_TRUE(is_right_denial(late.reply()));
  EXPECT_TRUE(late.ended());

  half_sent.send(request.substr(0, request.size() / 2));
  waiting.send(post("/admit", binding_review(false)));
  EXPECT_TRUE(idle.ended());  // now it drains
  EXPECT_FALSE(EdgeClient(webhook->port()).connected());
  half_sent.send(request.substr(request.size() / 2));
  EXPECT_TRUE(is_right_denial(half_sent.reply()));
  EXPECT_TRUE(is_right_denial(waiting.reply()));

  EXPECT_EQ(webhook->exit_code(kPatience), 0) << webhook->log();
  EXPECT_THAT(webhook->log(), HasSubstr("not ready: stopping"));
  EXPECT_THAT(webhook->log(), HasSubstr("] stopped\n"));
}

TEST(Stop, IsBoundedWhateverAClientDoes) {
  SmallApiServer api;
  const auto webhook = ready_webhook(api);
  EdgeClient never_done(webhook->port());
  ASSERT_TRUE(never_done.start_tls());
  webhook->signal(SIGTERM);
  never_done.send("POST /admit HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{");
  EXPECT_EQ(webhook->exit_code(kPatience), 0) << webhook->log();
}

// A leader that reports on many nodes to a slow API server leaves the rest to its successor.
TEST(Stop, DoesNotWaitForTheLeadersReportsToEnd) {
  constexpr int kNodes = 400;
  SmallApiServer api;
  api.add_nodes(kNodes);
  api.delay_reports(200ms);  // a whole pass takes more than a minute
  const auto webhook = ready_webhook(api);
  ASSERT_TRUE(eventually([&] { return api.reports() > 2; })) << webhook->log();
  webhook->signal(SIGTERM);
  EXPECT_EQ(webhook->exit_code(kPatience), 0) << webhook->log();
  EXPECT_LT(api.reports(), kNodes);
}

class SecondSignal : public ::testing::TestWithParam<int> {};

TEST_P(SecondSignal, EndsItAtOnce) {
  SmallApiServer api;
  const auto webhook = ready_webhook(api);
  webhook->signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return webhook->log().find("stopping by signal 15") != std::string::npos; }));
  webhook->signal(GetParam());
  EXPECT_EQ(webhook->exit_code(kPatience), 4) << webhook->log();
  EXPECT_THAT(webhook->log(), HasSubstr("stopping at once by a second signal " + std::to_string(GetParam())));
  EXPECT_THAT(webhook->log(), ::testing::Not(HasSubstr("] stopped\n")));
}

INSTANTIATE_TEST_SUITE_P(All, SecondSignal, ::testing::Values(SIGTERM, SIGINT));

// Restarts both replicas in turn, twice, while `load` asks.
void restart_in_turn(Load& load) {
  constexpr int kRounds = 2;
  SmallApiServer api;
  const std::array<std::string, Load::kReplicas> identities{"one", "two"};
  std::array<std::unique_ptr<WebhookProcess>, Load::kReplicas> replicas;
  const auto start = [&](std::size_t i) {
    replicas[i] = ready_webhook(api, identities[i]);
    load.add(i, replicas[i]->port(), replicas[i]->health_port());
    return eventually([&] { return load.uses(i); });
  };
  for (std::size_t i = 0; i < replicas.size(); ++i) ASSERT_TRUE(start(i));
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < replicas.size(); ++i) {
      const std::uint64_t before = load.answered();
      replicas[i]->signal(SIGTERM);
      EXPECT_EQ(replicas[i]->exit_code(kPatience), 0) << replicas[i]->log();
      EXPECT_TRUE(eventually([&] { return !load.uses(i); }));
      EXPECT_GT(load.answered(), before) << "the other one serves meanwhile";
      ASSERT_TRUE(start(i));
    }
  }
  load.stop();
  EXPECT_THAT(load.failures(), ::testing::IsEmpty());
  EXPECT_GT(load.answered(), 100U);
}

TEST(Restart, OfReplicasInTurnLosesNoRequest) {
  Load load;
  restart_in_turn(load);
}

TEST(Restart, LosesNoRequestOverConnectionsThatAreKept) {
  Load load({.keeps_connections = true, .clients = 8, .pause = 0ms});
  restart_in_turn(load);
}

}  // namespace
}  // namespace nodeproof::test
