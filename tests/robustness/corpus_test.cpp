// The corpus against the real program: it lives, goes on answering honest requests, and in the end holds no
// more descriptors and hardly more memory than before.
#include "tests/robustness/corpus.hpp"

#include <gtest/gtest.h>

#include <future>

#include "tests/robustness/webhook_process.hpp"

namespace nodeproof::test {
namespace {

using webhook::test::eventually;

// kBodiesLimit, which all bodies in flight share, and room for the allocator: whatever the corpus sends.
constexpr std::size_t kMaxGrowth = webhook::kBodiesLimit + (16U << 20U);
constexpr std::size_t kLargeAtOnce = 8;

class Corpus : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    api_ = std::make_unique<SmallApiServer>();
    webhook_ = std::make_unique<WebhookProcess>(*api_);
    ASSERT_TRUE(eventually([] { return webhook_->is_ready(); })) << webhook_->log();
  }
  static void TearDownTestSuite() {
    webhook_.reset();
    api_.reset();
  }

  void SetUp() override {
    ASSERT_TRUE(webhook_->is_alive()) << "an earlier test ended it:\n" << webhook_->log();
    ASSERT_TRUE(answers_honestly(webhook_->port()));
    ASSERT_TRUE(eventually([this] { return connections() == 0; }));
    descriptors_ = webhook_->open_descriptors();
    memory_ = webhook_->resident_bytes();
  }
  void TearDown() override {
    ASSERT_TRUE(webhook_->is_alive()) << webhook_->log();
    EXPECT_TRUE(answers_honestly(webhook_->port()));
    EXPECT_TRUE(eventually([this] { return webhook_->open_descriptors() <= descriptors_ + kOwnDescriptors; }))
        << webhook_->open_descriptors() << " descriptors, " << descriptors_ << " before";
    if (kMeasuresMemory) {
      EXPECT_LE(webhook_->resident_bytes(), memory_ + kMaxGrowth);
    }
  }

  static Target admission() { return {webhook_->port(), true, "/", 404}; }
  static Target health() { return {webhook_->health_port(), false, "/livez", 200}; }
  static double connections() { return webhook_->metric("nodeproof_http_connections"); }

  // One after the other, and an honest request after each.
  static void run(const std::vector<Attack>& attacks, const Target& target) {
    for (const Attack& attack : attacks) {
      EXPECT_EQ(attack.run(target), "") << attack.name;
      ASSERT_TRUE(webhook_->is_alive()) << attack.name << ":\n" << webhook_->log();
      EXPECT_TRUE(answers_honestly(webhook_->port())) << "after: " << attack.name;
    }
  }
  // All at the same time, because each waits for a deadline.
  static void run_together(const std::vector<Attack>& attacks, const Target& target) {
    std::vector<std::future<std::string>> outcomes;
    outcomes.reserve(attacks.size());
    for (const Attack& attack : attacks) {
      outcomes.push_back(std::async(std::launch::async, attack.run, target));
    }
    for (std::size_t i = 0; i < attacks.size(); ++i) EXPECT_EQ(outcomes[i].get(), "") << attacks[i].name;
  }

  // What the program itself may open meanwhile: connections to the API server come and go.
  static constexpr std::size_t kOwnDescriptors = 3;
  static std::unique_ptr<SmallApiServer> api_;
  static std::unique_ptr<WebhookProcess> webhook_;
  std::size_t descriptors_ = 0;
  std::size_t memory_ = 0;
};

std::unique_ptr<SmallApiServer> Corpus::api_;
std::unique_ptr<WebhookProcess> Corpus::webhook_;

TEST_F(Corpus, QuickAttacksOnTheAdmissionPort) {
  run(quick_attacks(), admission());
}

TEST_F(Corpus, QuickAttacksOnTheHealthPort) {
  run(quick_attacks(), health());
}

TEST_F(Corpus, WhatIsNoReview) {
  for (const char* path : {"/admit", "/mutate"}) run(review_attacks(path), admission());
}

TEST_F(Corpus, AttacksOnTheHandshake) {
  run(tls_attacks(), admission());
}

TEST_F(Corpus, TlsOnTheHealthPort) {
  webhook::test::EdgeClient client(webhook_->health_port());
  EXPECT_FALSE(client.start_tls());
}

TEST_F(Corpus, LargeBodiesCostNoMemory) {
  std::vector<Attack> many;
  for (const Attack& attack : large_attacks()) many.insert(many.end(), kLargeAtOnce / 4, attack);
  run_together(many, admission());
  run_together(large_attacks(), health());
}

TEST_F(Corpus, SlowClientsAreGivenUp) {
  std::vector<Attack> all = slow_attacks();
  for (Attack& attack : slow_tls_attacks()) all.push_back(std::move(attack));
  auto on_health = std::async(std::launch::async, [] { run_together(slow_attacks(), health()); });
  run_together(all, admission());
  on_health.get();
}

TEST_F(Corpus, HealthIsTold) {
  EXPECT_EQ(webhook_->health("/healthz"), "ok\n");
  EXPECT_EQ(webhook_->health("/livez"), "ok\n");
  EXPECT_EQ(webhook_->health("/readyz"), "ok\n");
  const std::string verbose = webhook_->health("/readyz?verbose");
  EXPECT_NE(verbose.find("[+]view/nodeevidences ok\n"), std::string::npos) << verbose;
  EXPECT_NE(verbose.find("readyz check passed\n"), std::string::npos) << verbose;
  EXPECT_EQ(webhook_->metric("nodeproof_ready"), 1);
  EXPECT_EQ(webhook_->metric("nodeproof_ready_condition{condition=\"clock\"}"), 1);
}

}  // namespace
}  // namespace nodeproof::test
