#include "kube/leader_lease.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <regex>

#include "tests/support/scripted_http_server.hpp"
#include "tests/unit/kube/test_connection.hpp"

namespace nodeproof::kube {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::ScriptedConnection;
using test::ScriptedHttpServer;
using test::ScriptedRequest;

constexpr const char* kCollection = "/apis/coordination.k8s.io/v1/namespaces/np/leases";

// One Lease with the API server's rules: create once, replace only what was read.
class LeaseStore {
 public:
  void answer(const ScriptedRequest& request, ScriptedConnection& to) {
    if (broken) return to.reply(500, "{}");
    const std::scoped_lock lock(mutex_);
    if (request.method == "GET") return object_.empty() ? to.reply(404, "{}") : to.reply(200, object_);
    const bool create = request.method == "POST";
    if (create != object_.empty() || (!create && version_of(request.body) != version_)) {
      return to.reply(409, R"({"reason":"Conflict"})");
    }
    store(request.body);
    to.reply(create ? 201 : 200, object_);
  }
  std::string object() const {
    const std::scoped_lock lock(mutex_);
    return object_;
  }
  void touch() {  // as another writer would
    const std::scoped_lock lock(mutex_);
    store(object_);
  }
  std::string field(const std::string& name) const {
    std::smatch match;
    const std::string text = object();
    std::regex_search(text, match, std::regex("\"" + name + "\":\"?([^\",}]*)"));
    return match.empty() ? std::string("absent") : match[1].str();
  }
  std::atomic<bool> broken{false};

 private:
  static std::string version_of(const std::string& body) {
    std::smatch match;
    std::regex_search(body, match, std::regex("\"resourceVersion\":\"([0-9]+)\""));
    return match.empty() ? std::string() : match[1].str();
  }
  void store(const std::string& body) {
    version_ = std::to_string(std::stoi(version_) + 1);
    object_ = std::regex_replace(
        body, std::regex("\"resourceVersion\":\"[0-9]+\",|,\"resourceVersion\":\"[0-9]+\""), "");
    object_ = std::regex_replace(object_, std::regex("\"metadata\":\\{"),
                                 "\"metadata\":{\"resourceVersion\":\"" + version_ + "\",");
  }

  mutable std::mutex mutex_;
  std::string object_;
  std::string version_ = "0";
};

class LeaderLeaseTest : public testing::Test {
 protected:
  LeaderLease candidate(const std::string& identity) { return {client_, "np", "webhook", identity}; }
  // Times are the test's own: nothing here waits.
  steady_clock::time_point at(int seconds) const { return start_ + Seconds(seconds); }

  LeaseStore store_;
  ScriptedHttpServer server_{
      [this](const ScriptedRequest& request, ScriptedConnection& to) { store_.answer(request, to); }};
  ApiClient client_{connection_to(server_.url()), "test", Seconds(5)};
  const steady_clock::time_point start_ = steady_clock::now();
};

TEST_F(LeaderLeaseTest, TheFirstCreatesIt) {
  LeaderLease lease = candidate("a");
  EXPECT_TRUE(lease.step(at(0)));
  EXPECT_EQ(store_.field("holderIdentity"), "a");
  EXPECT_EQ(store_.field("leaseDurationSeconds"), "15");
  EXPECT_EQ(store_.field("leaseTransitions"), "0");
  const auto requests = server_.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].target, std::string(kCollection) + "/webhook");
  EXPECT_EQ(requests[1].method, "POST");
  EXPECT_EQ(requests[1].target, kCollection);
}

TEST_F(LeaderLeaseTest, TimesHaveSixFractionDigits) {
  ASSERT_TRUE(candidate("a").step(at(0)));
  const std::regex micro_time("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z");
  EXPECT_TRUE(std::regex_match(store_.field("renewTime"), micro_time)) << store_.field("renewTime");
  EXPECT_TRUE(std::regex_match(store_.field("acquireTime"), micro_time));
}

TEST_F(LeaderLeaseTest, RenewsEveryRetryPeriodAndNotMoreOften) {
  LeaderLease lease = candidate("a");
  ASSERT_TRUE(lease.step(at(0)));
  const std::string acquired = store_.field("acquireTime");
  const std::size_t before = server_.requests().size();
  EXPECT_TRUE(lease.step(at(1)));
  EXPECT_EQ(server_.requests().size(), before);
  EXPECT_TRUE(lease.step(at(2)));
  EXPECT_EQ(server_.requests().size(), before + 2);
  EXPECT_EQ(server_.requests().back().method, "PUT");
  EXPECT_EQ(store_.field("acquireTime"), acquired);
  EXPECT_EQ(store_.field("leaseTransitions"), "0");
}

TEST_F(LeaderLeaseTest, AnotherWaitsUntilTheRecordHasNotChangedForItsDuration) {
  LeaderLease a = candidate("a");
  LeaderLease b = candidate("b");
  ASSERT_TRUE(a.step(at(0)));
  EXPECT_FALSE(b.step(at(100)));  // first seen now, whatever its own times say
  EXPECT_FALSE(b.step(at(114)));
  EXPECT_TRUE(b.step(at(116)));
  EXPECT_EQ(store_.field("holderIdentity"), "b");
  EXPECT_EQ(store_.field("leaseTransitions"), "1");
  EXPECT_FALSE(a.step(at(117)));  // and the first one notices
}

TEST_F(LeaderLeaseTest, LosingTheRaceIsNoError) {
  std::atomic<bool> raced{false};
  ScriptedHttpServer racing([&](const ScriptedRequest& request, ScriptedConnection& to) {
    const std::string read = store_.object();
    if (request.method != "GET" || read.empty() || raced.exchange(true)) return store_.answer(request, to);
    store_.touch();  // somebody writes between our read, which is answered with the old object, and our write
    to.reply(200, read);
  });
  ApiClient client(connection_to(racing.url()), "test", Seconds(5));
  LeaderLease lease(client, "np", "webhook", "a");
  ASSERT_TRUE(lease.step(at(0)));
  EXPECT_FALSE(lease.step(at(2)));
  EXPECT_TRUE(lease.step(at(4)));
}

TEST_F(LeaderLeaseTest, ASilentApiServerCostsTheLeadAfterTheRenewDeadline) {
  LeaderLease lease = candidate("a");
  ASSERT_TRUE(lease.step(at(0)));
  store_.broken = true;
  EXPECT_TRUE(lease.step(at(2)));
  EXPECT_TRUE(lease.step(at(9)));
  EXPECT_FALSE(lease.step(at(11)));
  store_.broken = false;
  EXPECT_TRUE(lease.step(at(13)));
}

// Waiting for an answer counts: else a leader that is stuck in a request would lead for ever.
TEST(LeaderLeaseTiming, TimeSpentWaitingCounts) {
  LeaseStore store;
  std::atomic<bool> stuck{false};
  ScriptedHttpServer server([&](const ScriptedRequest& request, ScriptedConnection& to) {
    if (stuck) to.silence(milliseconds(20'000));
    store.answer(request, to);
  });
  ApiClient client(connection_to(server.url()), "test", Seconds(4));
  LeaderLease lease(client, "np", "webhook", "a",
                    {.duration = Seconds(5), .renew_deadline = Seconds(3), .retry_period = Seconds(0)});
  const auto now = steady_clock::now();
  ASSERT_TRUE(lease.step(now));
  stuck = true;
  EXPECT_FALSE(lease.step(now));
}

TEST_F(LeaderLeaseTest, ReleaseLetsTheNextInAtOnce) {
  LeaderLease a = candidate("a");
  LeaderLease b = candidate("b");
  ASSERT_TRUE(a.step(at(0)));
  ASSERT_FALSE(b.step(at(0)));
  a.release();
  EXPECT_EQ(store_.field("holderIdentity"), "");
  EXPECT_EQ(store_.field("leaseDurationSeconds"), "1");
  EXPECT_TRUE(b.step(at(2)));
  // Releasing what one does not hold changes nothing.
  const std::string before = store_.object();
  a.release();
  EXPECT_EQ(store_.object(), before);
}

TEST_F(LeaderLeaseTest, ReleaseWithoutAServerDoesNotThrow) {
  LeaderLease lease = candidate("a");
  ASSERT_TRUE(lease.step(at(0)));
  store_.broken = true;
  EXPECT_NO_THROW(lease.release());
}

TEST(LeaderLeaseRecord, MalformedOnesAreNotOverwritten) {
  for (const char* body :
       {"", "[]", "{}", R"({"metadata":{"resourceVersion":"1"},"spec":{"holderIdentity":5}})",
        R"({"metadata":{"resourceVersion":"1"},"spec":{"leaseDurationSeconds":-1}})"}) {
    ScriptedHttpServer server(
        [body](const ScriptedRequest&, ScriptedConnection& to) { to.reply(200, body); });
    ApiClient client(connection_to(server.url()), "test", Seconds(5));
    LeaderLease lease(client, "np", "webhook", "a");
    EXPECT_FALSE(lease.step(steady_clock::now())) << body;
    EXPECT_EQ(server.requests().size(), 1U) << body;
  }
}

}  // namespace
}  // namespace nodeproof::kube
