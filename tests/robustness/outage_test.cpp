// The real program while the API server is silent, lacks a definition, or has another time: it says so, and
// places no sensitive pod by what it cannot know.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/robustness/webhook_process.hpp"

namespace nodeproof::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using webhook::test::EdgeClient;
using webhook::test::post;

// The view's age limit is 20 s, a probe of a quiet watch comes after 15 and may take 5.
template <typename Condition>
bool within_a_minute(Condition condition) {
  for (int i = 0; i < 600; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(100ms);
  }
  return condition();
}

class Outage : public ::testing::Test {
 protected:
  void start() { webhook_.emplace(api_); }
  bool becomes_ready() {
    return within_a_minute([this] { return webhook_->is_ready(); });
  }
  bool becomes_unready() {
    return within_a_minute([this] { return !webhook_->is_ready(); });
  }
  bool comes_to_log(const std::string& text) {
    return within_a_minute([&] { return webhook_->log().find(text) != std::string::npos; });
  }
  std::string answer_to(const std::string& review) {
    EdgeClient client(webhook_->port());
    client.start_tls();
    client.send(post("/admit", review));
    const auto reply = client.reply();
    return reply ? reply->body : "no answer";
  }

  SmallApiServer api_;
  std::optional<WebhookProcess> webhook_;
};

TEST_F(Outage, AnOldViewIsToldAndPlacesNoSensitivePod) {
  start();
  ASSERT_TRUE(becomes_ready()) << webhook_->log();
  api_.be_silent(true);
  ASSERT_TRUE(becomes_unready());
  EXPECT_THAT(webhook_->health("/readyz?verbose"), HasSubstr("[-]view/nodes failed: nothing was heard of"));
  EXPECT_THAT(webhook_->health("/readyz?verbose"), HasSubstr("the limit is 20s"));
  EXPECT_EQ(webhook_->health("/healthz"), "ok\n") << "a restart would not help";
  EXPECT_EQ(webhook_->metric("nodeproof_ready"), 0);
  EXPECT_EQ(webhook_->metric("nodeproof_ready_condition{condition=\"view/nodes\"}"), 0);
  EXPECT_TRUE(comes_to_log("not ready: nothing was heard of"));

  const std::string denied = answer_to(binding_review());
  EXPECT_THAT(denied, HasSubstr(R"("allowed":false)"));
  EXPECT_THAT(denied, HasSubstr("view of the cluster is too old: nothing was heard of"));
  EXPECT_THAT(denied, HasSubstr("remedy: "));
  EXPECT_THAT(answer_to(plain_pod_review()), HasSubstr(R"("allowed":true)"));

  api_.be_silent(false);
  EXPECT_TRUE(becomes_ready()) << webhook_->log();
  EXPECT_TRUE(comes_to_log("] ready\n"));
  EXPECT_TRUE(answers_honestly(webhook_->port()));
}

TEST_F(Outage, AClockThatIsOffIsToldAndPlacesNoSensitivePod) {
  start();
  ASSERT_TRUE(becomes_ready()) << webhook_->log();
  api_.shift_clock(60s);
  ASSERT_TRUE(becomes_unready());
  EXPECT_THAT(webhook_->health("/readyz"), HasSubstr("the clock differs by"));
  EXPECT_THAT(answer_to(binding_review()), HasSubstr("the clock differs by"));
  EXPECT_THAT(answer_to(plain_pod_review()), HasSubstr(R"("allowed":true)"));
  api_.shift_clock(0s);
  EXPECT_TRUE(becomes_ready()) << webhook_->log();
  EXPECT_TRUE(answers_honestly(webhook_->port()));
}

TEST_F(Outage, AMissingDefinitionIsNamedWithItsRemedy) {
  api_.set_unknown("nodequotes");
  start();
  EXPECT_TRUE(
      comes_to_log("the API server does not know nodeproof.dev/v1alpha1 nodequotes: install the chart"));
  EXPECT_THAT(webhook_->health("/readyz"), HasSubstr("nodequotes have not been listed yet"));
  EXPECT_THAT(answer_to(plain_pod_review()), HasSubstr("still reading the cluster's state"));
  api_.set_unknown("");
  EXPECT_TRUE(becomes_ready()) << webhook_->log();
  EXPECT_TRUE(answers_honestly(webhook_->port()));
}

}  // namespace
}  // namespace nodeproof::test
