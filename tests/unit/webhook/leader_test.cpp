#include "webhook/leader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "attest/strict_json.hpp"
#include "tests/support/http_date.hpp"
#include "tests/support/scripted_http_server.hpp"
#include "tests/unit/webhook/fake_cluster_api.hpp"
#include "tests/unit/webhook/forged_node.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::IsEmpty;
using testing::kNow;

class SetClock final : public Clock {
 public:
  UnixTime now() const override { return now_; }
  void set(UnixTime now) { now_ = now; }

 private:
  UnixTime now_ = kNow;
};

// An API server whose lease nobody else holds, and whose clock is `ahead_` of this machine's.
class LeaderTest : public ::testing::Test {
 protected:
  std::size_t epochs_published() const {
    return static_cast<std::size_t>(std::count_if(api_.calls.begin(), api_.calls.end(), [](const auto& call) {
      return call.first.find("configmaps") != std::string::npos;
    }));
  }

  std::size_t writes_of_the_lease() const {
    const auto requests = server_.requests();
    return static_cast<std::size_t>(std::count_if(
        requests.begin(), requests.end(), [](const auto& request) { return request.method != "GET"; }));
  }

  // Any reply tells the time.
  void hear() { client_.get_if_exists("/version"); }

  std::atomic<bool> gone_{false};
  std::atomic<int> ahead_{0};  // seconds
  test::ScriptedHttpServer server_{
      [this](const test::ScriptedRequest& request, test::ScriptedConnection& to) {
        if (gone_) return to.reply(500, "{}");
        const std::string date = "Date: " + test::http_date(SystemClock().now() + Seconds(ahead_));
        request.method == "GET" ? to.reply(404, "{}", {date}) : to.reply(201, request.body, {date});
      }};
  kube::Connection connection_ = [this] {
    kube::Connection out;
    out.server = server_.url();
    out.token = "t0ken";
    return out;
  }();
  kube::ApiClient client_{connection_, "test"};
  testing::FakeClusterApi api_;
  SetClock clock_;
  Leader leader_{client_, api_, clock_, {"np", "a", testing::kEpochLength, std::chrono::hours(24)}};
};

TEST_F(LeaderTest, PublishesEachEpochOnce) {
  leader_.step();
  EXPECT_TRUE(leader_.leading());
  EXPECT_EQ(epochs_published(), 1U);
  leader_.step();
  EXPECT_EQ(epochs_published(), 1U);
  clock_.set(kNow + testing::kEpochLength);
  leader_.step();
  EXPECT_EQ(epochs_published(), 2U);
}

// Before the first answer of the API server nobody knows that this clock is wrong; after it, nothing is
// published by it.
TEST_F(LeaderTest, AClockAnHourAheadPublishesNothing) {
  ahead_ = -3600;
  for (int i = 0; i < 3; ++i) {
    leader_.step();
    EXPECT_FALSE(leader_.leading());
  }
  EXPECT_THAT(api_.calls, IsEmpty());
}

TEST_F(LeaderTest, GivesTheLeadUpWhileItsClockIsWrong) {
  leader_.step();
  EXPECT_TRUE(leader_.leading());
  ahead_ = 3600;
  hear();
  leader_.step();
  EXPECT_FALSE(leader_.leading());
  const std::size_t writes = writes_of_the_lease();
  leader_.step();
  EXPECT_EQ(writes_of_the_lease(), writes) << "it only looks";
  ahead_ = 0;
  hear();
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!leader_.leading() && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the lease has its own interval
    leader_.step();
  }
  EXPECT_TRUE(leader_.leading());
}

TEST_F(LeaderTest, LooksAtTheKeysAtOnceWhenSomebodyChangedThem) {
  leader_.step();
  const auto revoke = [this] {
    const std::string path = "/api/v1/namespaces/np/secrets/nodeproof-epoch-key";
    const auto document = attest::JsonDocument::parse(as_bytes(api_.objects.at(path)), 1U << 20U, "Secret");
    const Generations have = *wire::parse_epoch_secret(document->root());
    api_.store(path,
               web::json::value::parse(wire::epoch_secret(*with_revoked(have, have.back().kid), "np", "")));
  };
  revoke();
  leader_.step();
  EXPECT_EQ(epochs_published(), 1U) << "it cannot know";
  leader_.note_keys_changed();
  leader_.step();
  EXPECT_EQ(epochs_published(), 2U);
}

// The lease of a process that was stopped for longer counts for nothing when it goes on, whatever its threads
// believed.
TEST_F(LeaderTest, LeadsOnlyWhileTheLeaseCanStillBeHeld) {
  EXPECT_FALSE(leader_.leading());
  leader_.step();
  EXPECT_TRUE(leader_.leading());
  const auto renewed = std::chrono::steady_clock::now();
  EXPECT_TRUE(leader_.leading_at(renewed + std::chrono::seconds(9)));
  EXPECT_FALSE(leader_.leading_at(renewed + std::chrono::seconds(11)));
}

}  // namespace
}  // namespace nodeproof::webhook
