#include "webhook/pod_sweeper.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"
#include "tests/unit/webhook/fake_cluster_api.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kNow;
using ::testing::SizeIs;

constexpr Seconds kInterval{300};

class SetClock final : public Clock {
 public:
  UnixTime now() const override { return time; }
  UnixTime time = kNow;
};

std::string pod_json(const std::string& node, const std::string& more = {}) {
  return R"({"metadata":{"name":"api","namespace":"vault","annotations":{"x":")" + more +
         R"("}},"spec":{"nodeName":")" + node + R"("},"status":{"phase":"Running"}})";
}

// Answers pages of pods in the order of their tokens, and keeps what was asked.
class PagedPods final : public ClusterApi {
 public:
  std::optional<std::string> get_if_exists(const std::string& path) override {
    asked.push_back(path);
    if (fails) throw kube::ApiError(503, "ServiceUnavailable", "try later");
    const std::size_t at = path.find("&continue=p");
    const std::size_t first = at == std::string::npos ? 0 : std::stoul(path.substr(at + 11));
    const std::size_t limit = std::stoul(path.substr(path.find("&limit=") + 7));
    std::string items;
    std::size_t next = first;
    for (; next < pods.size() && next < first + limit; ++next)
      items += (items.empty() ? "" : ",") + pods[next];
    const std::string token = next < pods.size() ? "p" + std::to_string(next) : "";
    return R"({"metadata":{"continue":")" + token + R"("},"items":[)" + items + "]}";
  }
  void create(const std::string&, const std::string&) override { FAIL(); }
  void replace(const std::string&, const std::string&) override { FAIL(); }
  void merge_patch(const std::string&, const std::string&) override { FAIL(); }
  void json_patch(const std::string&, const std::string&) override { FAIL(); }
  void remove(const std::string&, const std::string&) override { FAIL(); }

  std::vector<std::string> pods;
  std::vector<std::string> asked;
  bool fails = false;
};

class Sweeper : public ::testing::Test {
 protected:
  void step() {
    api_.asked.clear();
    sweeper_.step([this] { return snapshot_; }, [this] { return pages_left_-- > 0; });
  }
  std::size_t count(UnprovenReason reason) const { return sweeper_.last()->counts.by_reason.at(reason); }

  PagedPods api_;
  SetClock clock_;
  testing::FakeClusterApi event_api_;
  EventWriter events_{event_api_};
  PodSweeper sweeper_{api_, clock_, kInterval, events_};
  std::shared_ptr<const Snapshot> snapshot_ = std::make_shared<const Snapshot>(testing::picture());
  int pages_left_ = 1000;
};

TEST_F(Sweeper, ReadsPageByPageAndCounts) {
  api_.pods.assign(150, pod_json("cvm-1"));
  api_.pods.resize(230, pod_json("plain-1"));
  api_.pods.push_back(R"({"metadata":{},"spec":{}})");
  EXPECT_EQ(sweeper_.last(), nullptr);
  step();
  EXPECT_THAT(api_.asked, ElementsAre(std::string(kRunningPodsPath) + "&limit=100",
                                      std::string(kRunningPodsPath) + "&limit=100&continue=p100",
                                      std::string(kRunningPodsPath) + "&limit=100&continue=p200"));
  ASSERT_TRUE(sweeper_.last());
  EXPECT_EQ(count(UnprovenReason::kUnmet), 80U);
  EXPECT_EQ(count(UnprovenReason::kUnreadable), 1U);
  EXPECT_EQ(sweeper_.last()->counts.on_node("plain-1"), 80U);
  EXPECT_EQ(sweeper_.last()->counts.on_node("cvm-1"), 0U);
  EXPECT_EQ(sweeper_.last()->at, kNow);
}

TEST_F(Sweeper, TellsThePodsThatItFinds) {
  api_.pods = {pod_json("cvm-1"), pod_json("plain-1")};
  step();
  events_.write();
  ASSERT_THAT(event_api_.calls, SizeIs(1));
  EXPECT_EQ(event_api_.calls[0].first, "create /api/v1/namespaces/vault/events");
  EXPECT_THAT(event_api_.calls[0].second, HasSubstr("plain-1"));
  clock_.time += kInterval;
  step();
  events_.write();
  EXPECT_THAT(event_api_.calls, SizeIs(1)) << "once";
}

TEST_F(Sweeper, IsDueAgainAfterItsInterval) {
  step();
  clock_.time += kInterval - Seconds(1);
  step();
  EXPECT_THAT(api_.asked, SizeIs(0));
  clock_.time += Seconds(1);
  api_.pods = {pod_json("plain-1")};
  step();
  EXPECT_EQ(count(UnprovenReason::kUnmet), 1U);
  clock_.time = kNow;  // a clock that was put back must not stop the sweeps
  step();
  EXPECT_THAT(api_.asked, SizeIs(1));
}

TEST_F(Sweeper, IsDueEarlyWhenTheLastOneCameTooSoon) {
  const auto pages = [this](std::optional<UnixTime> after) {
    api_.asked.clear();
    sweeper_.step([this] { return snapshot_; }, [] { return true; }, after);
    return api_.asked.size();
  };
  step();
  clock_.time += kInterval / 10;
  EXPECT_EQ(pages(std::nullopt), 0U);
  EXPECT_EQ(pages(kNow), 0U) << "it saw what was then";
  EXPECT_EQ(pages(kNow + Seconds(1)), 1U);
  EXPECT_EQ(pages(kNow + Seconds(1)), 0U);
  clock_.time += kInterval / 10 - Seconds(1);
  EXPECT_EQ(pages(clock_.time), 0U) << "not one after another";
}

TEST_F(Sweeper, TellsWhichPoliciesAreAtStakeOnWhichNode) {
  api_.pods = {pod_json("cvm-1"), pod_json("plain-1"), pod_json("plain-1")};
  step();
  EXPECT_EQ(sweeper_.last()->at_stake, (PoliciesAtStake{{"plain-1", {"confidential"}}}));
}

TEST_F(Sweeper, OneThatIsCutShortChangesNothing) {
  api_.pods.assign(150, pod_json("plain-1"));
  pages_left_ = 1;
  step();
  EXPECT_THAT(api_.asked, SizeIs(1));
  EXPECT_EQ(sweeper_.last(), nullptr);
  api_.fails = true;
  pages_left_ = 1000;
  EXPECT_THROW(step(), kube::ApiError);
  EXPECT_EQ(sweeper_.last(), nullptr);
  api_.fails = false;
  step();
  EXPECT_EQ(count(UnprovenReason::kUnmet), 150U) << "tried again at once";
  sweeper_.forget();
  EXPECT_EQ(sweeper_.last(), nullptr);
}

TEST_F(Sweeper, LongPodsComeInShorterPages) {
  api_.pods.assign(40, pod_json("plain-1", std::string(std::size_t{1} << 20U, 'x')));
  step();
  EXPECT_EQ(count(UnprovenReason::kUnmet), 40U);
  EXPECT_THAT(api_.asked.front(), HasSubstr("&limit=100"));
  EXPECT_THAT(api_.asked.at(5), HasSubstr("&limit=3"));
}

TEST_F(Sweeper, AnAnswerThatIsNoListIsAFailure) {
  api_.pods = {"7"};
  EXPECT_NO_THROW(step());
  EXPECT_EQ(count(UnprovenReason::kUnreadable), 1U);
  clock_.time += kInterval;
  api_.pods = {"{"};
  EXPECT_THROW(step(), std::runtime_error);
  EXPECT_EQ(count(UnprovenReason::kUnreadable), 1U) << "what was known stays";
}

}  // namespace
}  // namespace nodeproof::webhook
