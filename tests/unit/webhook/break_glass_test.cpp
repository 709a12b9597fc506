#include "webhook/break_glass.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/cluster_picture.hpp"
#include "tests/unit/webhook/fake_cluster_api.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kNow;
using testing::kOtherUuid;
using ::testing::Optional;
using ::testing::StrEq;

const std::string kEvents = "create /api/v1/namespaces/default/events";

BreakGlass opened_until(const std::string& until) {
  return {"incident-7", until, kOtherUuid, "41"};
}
BreakGlass opened_for(Seconds left) {
  return opened_until(to_rfc3339(kNow + left));
}

TEST(BreakGlass, EndsAtItsEndAndNotBefore) {
  EXPECT_EQ(ended(opened_for(Seconds(1)), kNow), std::nullopt);
  EXPECT_THAT(ended(opened_for(Seconds(0)), kNow), Optional(HasSubstr("has come")));
  EXPECT_THAT(ended(opened_for(Seconds(-1)), kNow), Optional(HasSubstr("has come")));
}

// As where the label was set before the policy that guards it was there.
TEST(BreakGlass, WithoutAReadableEndItIsOver) {
  EXPECT_THAT(ended(opened_until(""), kNow), Optional(StrEq("it has no end")));
  EXPECT_THAT(ended(opened_until("tomorrow"), kNow), Optional(HasSubstr("cannot be read")));
}

TEST(BreakGlass, IsReadFromTheNamespace) {
  wire::Namespace ns;
  ns.meta.uid = kOtherUuid;
  ns.meta.resource_version = "41";
  ns.meta.annotations["nodeproof.dev/break-glass-until"] = "2026-01-01T00:00:00Z";
  EXPECT_FALSE(entry_of(ns).break_glass) << "an end alone opens nothing";
  ns.meta.labels["nodeproof.dev/break-glass"] = "incident-7";
  const auto read = entry_of(ns).break_glass;
  ASSERT_TRUE(read);
  EXPECT_EQ(read->reason, "incident-7");
  EXPECT_EQ(read->until, "2026-01-01T00:00:00Z");
  EXPECT_EQ(read->uid, kOtherUuid);
  EXPECT_EQ(read->resource_version, "41");
}

class BreakGlassPass : public ::testing::Test {
 protected:
  void pass(UnixTime now = kNow) {
    api_.calls.clear();
    keeper_.pass(namespaces_, now, [this] { return leading_; });
  }
  std::vector<std::string> calls() const {
    std::vector<std::string> out;
    for (const auto& [call, body] : api_.calls) out.push_back(call);
    return out;
  }
  void open(const std::string& name, const BreakGlass& opened) { namespaces_[name].break_glass = opened; }

  NamespaceMap namespaces_{{"demo", {"all-pods", "confidential"}}};
  testing::FakeClusterApi api_;
  BreakGlassKeeper keeper_{api_};
  bool leading_ = true;
};

TEST_F(BreakGlassPass, LeavesNamespacesUnderTheGateAlone) {
  pass();
  EXPECT_THAT(api_.calls, IsEmpty());
}

TEST_F(BreakGlassPass, TellsOnceOfWhatIsOpen) {
  open("demo", opened_for(Seconds(60)));
  pass();
  ASSERT_THAT(calls(), ElementsAre(kEvents));
  for (const char* part :
       {"BreakGlassOpened", "incident-7", "\"kind\":\"Namespace\"", "\"name\":\"demo\"", "without proof"}) {
    EXPECT_THAT(api_.calls.front().second, HasSubstr(part));
  }
  pass();
  EXPECT_THAT(api_.calls, IsEmpty());
  EXPECT_EQ(keeper_.opened(), 1U);
}

TEST_F(BreakGlassPass, TellsAgainOfANewEndOrReason) {
  open("demo", opened_for(Seconds(60)));
  pass();
  open("demo", opened_for(Seconds(90)));
  pass();
  EXPECT_THAT(calls(), ElementsAre(kEvents));
  namespaces_["demo"].break_glass->reason = "incident-8";
  pass();
  EXPECT_THAT(calls(), ElementsAre(kEvents));
  namespaces_["demo"].break_glass->resource_version = "42";
  pass();
  EXPECT_THAT(api_.calls, IsEmpty()) << "another write of the namespace is no occasion";
}

// Another replica led before: its Event stands already.
TEST_F(BreakGlassPass, DoesNotCountWhatWasToldBefore) {
  open("demo", opened_for(Seconds(60)));
  pass();
  BreakGlassKeeper successor(api_);
  successor.pass(namespaces_, kNow, [] { return true; });
  EXPECT_EQ(successor.opened(), 0U);
}

TEST_F(BreakGlassPass, EndsWhatIsPastItsEnd) {
  open("demo", opened_for(Seconds(60)));
  open("other", opened_for(Seconds(61)));
  pass();
  pass(kNow + Seconds(60));
  ASSERT_THAT(calls(), ElementsAre("patch /api/v1/namespaces/demo", kEvents));
  const auto patch = web::json::value::parse(api_.calls.front().second);
  EXPECT_EQ(patch.serialize(),
            R"({"metadata":{"annotations":{"nodeproof.dev/break-glass-until":null},"labels":)"
            R"({"nodeproof.dev/break-glass":null},"resourceVersion":"41","uid":")" +
                std::string(kOtherUuid) + "\"}}");
  EXPECT_THAT(api_.calls.back().second, HasSubstr("BreakGlassEnded"));
  EXPECT_EQ(keeper_.closed(), 1U);
}

// Somebody gave it another end meanwhile: the next pass sees that.
TEST_F(BreakGlassPass, AConflictEndsNothing) {
  open("demo", opened_for(Seconds(-1)));
  api_.before = [](const std::string& call) {
    if (call.starts_with("patch")) throw kube::ApiError(409, "Conflict", "changed");
  };
  pass();
  EXPECT_EQ(keeper_.closed(), 0U);
  EXPECT_THAT(calls(), ElementsAre(kEvents)) << "told of as open, not as ended";
}

TEST_F(BreakGlassPass, EndsEvenWhereItCannotTell) {
  open("demo", opened_for(Seconds(-1)));
  open("other", opened_for(Seconds(-1)));
  api_.before = [](const std::string& call) {
    if (call.starts_with("create")) throw kube::ApiError(403, "Forbidden", "events may not be created");
  };
  pass();
  EXPECT_THAT(calls(), ElementsAre("patch /api/v1/namespaces/demo", "patch /api/v1/namespaces/other"));
  EXPECT_EQ(keeper_.closed(), 2U);
  EXPECT_EQ(keeper_.opened(), 0U);
}

TEST_F(BreakGlassPass, DoesNothingOnceTheLeadIsLost) {
  open("demo", opened_for(Seconds(-1)));
  leading_ = false;
  pass();
  EXPECT_THAT(api_.calls, IsEmpty());
}

TEST_F(BreakGlassPass, ANamespaceMadeAnewIsToldOfAnew) {
  open("demo", opened_for(Seconds(60)));
  pass();
  namespaces_.clear();
  pass();
  open("demo", opened_for(Seconds(60)));
  namespaces_["demo"].break_glass->uid = "705ab4f5-6393-11e8-b7cc-42010a800002";
  pass();
  EXPECT_THAT(calls(), ElementsAre(kEvents));
  EXPECT_EQ(keeper_.opened(), 2U);
}

}  // namespace
}  // namespace nodeproof::webhook
