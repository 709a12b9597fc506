// Connections in numbers, against the real program: those that come and go, those that hold on, and more than
// it has descriptors for.
#include <gtest/gtest.h>

#include <iostream>

#include "tests/robustness/hostile_crowd.hpp"
#include "tests/robustness/webhook_process.hpp"

namespace nodeproof::test {
namespace {

using namespace std::chrono_literals;
using webhook::test::EdgeClient;
using webhook::test::eventually;
using webhook::test::post;

class Connections : public ::testing::Test {
 protected:
  void start(WebhookOptions options = {}) {
    webhook_.emplace(api_, options);
    ASSERT_TRUE(eventually([this] { return webhook_->is_ready(); })) << webhook_->log();
    ASSERT_TRUE(answers_honestly(webhook_->port()));
    ASSERT_TRUE(descriptors_return_to(webhook_->open_descriptors()));
    descriptors_ = webhook_->open_descriptors();
    memory_ = webhook_->resident_bytes();
  }
  // A few of its own connections to the API server may be open or closed at any moment.
  bool descriptors_return_to(std::size_t before) const {
    return eventually([&] { return webhook_->open_descriptors() <= before + 3; });
  }
  void expect_grown_by_at_most(std::size_t bytes) const {
    const std::size_t now = webhook_->resident_bytes();
    std::cout << "anonymous memory: " << memory_ / 1024 << " kB before, " << now / 1024 << " kB now\n";
    if (kMeasuresMemory) {
      EXPECT_LE(now, memory_ + bytes);
    }
  }
  void expect_as_before() {
    ASSERT_TRUE(webhook_->is_alive()) << webhook_->log();
    EXPECT_TRUE(descriptors_return_to(descriptors_))
        << webhook_->open_descriptors() << " descriptors, " << descriptors_ << " before";
    EXPECT_TRUE(answers_honestly(webhook_->port()));
  }
  SmallApiServer api_;
  std::optional<WebhookProcess> webhook_;
  std::size_t descriptors_ = 0;
  std::size_t memory_ = 0;
};

TEST_F(Connections, AThousandThatComeAndGoLeaveNothingBehind) {
  start();
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(EdgeClient(webhook_->port()).connected()) << i;
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(EdgeClient(webhook_->health_port()).connected()) << i;
  expect_as_before();
  expect_grown_by_at_most(4U << 20U);
}

TEST_F(Connections, HonestRequestsAreAnsweredWhileTwoThousandIdleOnesHold) {
  constexpr std::size_t kOfEach = 1'000;
  start();
  allow_descriptors(4 * kOfEach);
  {
    EdgeClient kept(webhook_->port());
    ASSERT_TRUE(kept.start_tls());
    HostileCrowd crowd(webhook_->port(), kOfEach, kOfEach);
    ASSERT_TRUE(eventually([&] { return webhook_->open_descriptors() >= descriptors_ + kOfEach; }));
    for (int i = 0; i < 100; ++i) {
      kept.send(post("/admit", binding_review()));
      ASSERT_TRUE(is_right_denial(kept.reply())) << i;
      ASSERT_TRUE(answers_honestly(webhook_->port())) << i;
      EXPECT_EQ(webhook_->health("/livez"), "ok\n");
    }
    EXPECT_GE(crowd.held(), kOfEach) << "those with TLS are within their idle time";
    expect_grown_by_at_most(kOfEach * kMaxIdleTls + kOfEach * kMaxIdleTcp + (4U << 20U));
  }
  expect_as_before();
}

TEST_F(Connections, WithoutDescriptorsItWaitsWithoutSpinningAndRecovers) {
  constexpr std::size_t kDescriptors = 96;
  start({.identity = "one", .descriptors = kDescriptors});
  EdgeClient kept(webhook_->port());
  ASSERT_TRUE(kept.start_tls());
  {
    std::vector<EdgeClient> crowd;
    for (int i = 0; i < 200; ++i) crowd.emplace_back(webhook_->port());
    ASSERT_TRUE(eventually([this] { return webhook_->open_descriptors() >= kDescriptors - 1; }));
    const auto before = webhook_->cpu_time();
    std::this_thread::sleep_for(1s);
    EXPECT_LT(webhook_->cpu_time() - before, 500ms) << "of one second";
    kept.send(post("/admit", binding_review()));
    EXPECT_TRUE(is_right_denial(kept.reply())) << "who is connected is served";
  }
  expect_as_before();
}

}  // namespace
}  // namespace nodeproof::test
