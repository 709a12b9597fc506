#include "agent/published_endorsements.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/fakes.hpp"

namespace nodeproof::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const EndorsementKey kKey{forge::default_chip_id(), forge::kTcb};

class Source final : public EndorsementSource {
 public:
  std::vector<Bytes> endorsements(const EndorsementKey&, const std::stop_token&) override {
    if (!answers) throw EndorsementError("THIM is silent");
    return {{1}};
  }
  bool answers = false;
};

class PublishedEndorsementsTest : public testing::Test {
 protected:
  void publish(const forge::VcekOptions& options = {}) {
    wire::NodeEvidence evidence;
    evidence.name = "node-1";
    evidence.boot = kBoot;
    evidence.platform = wire::kPlatformSnp;
    evidence.collected = epoch_of(3).epoch;
    evidence.hcl_report = {1};
    evidence.certificates = {vcek(options), {4}};
    evidence.collected_at = "2026-08-25T00:00:00Z";
    api_.objects[FakeApi::kEvidence] = to_json(evidence);
  }
  static Bytes vcek(const forge::VcekOptions& options = {}) {
    static std::map<std::uint8_t, Bytes> issued;  // each issue is another signature
    Bytes& der = issued[options.tcb.snp];
    if (der.empty()) der = forge::issue_vcek(forge::shared_world().amd, options).certificate.der();
    return der;
  }
  std::vector<Bytes> ask() { return published_.endorsements(kKey, stop_.get_token()); }

  Source first_;
  FakeApi api_;
  std::stop_source stop_;
  PublishedEndorsements published_{first_, api_, "node-1"};
};

TEST_F(PublishedEndorsementsTest, StandInForASilentSource) {
  publish();
  EXPECT_THAT(ask(), ElementsAre(vcek(), Bytes{4}));
}

TEST_F(PublishedEndorsementsTest, AreNotReadWhileTheSourceAnswers) {
  publish();
  first_.answers = true;
  EXPECT_THAT(ask(), ElementsAre(Bytes{1}));
  EXPECT_THAT(api_.requests, IsEmpty());
}

TEST_F(PublishedEndorsementsTest, OfAnotherTcbAreOfNoUse) {
  forge::VcekOptions older;
  older.tcb.snp = static_cast<std::uint8_t>(forge::kTcb.snp - 1);
  publish(older);
  EXPECT_THROW(ask(), EndorsementError);
}

TEST_F(PublishedEndorsementsTest, WhereNoneWerePublishedTheSourceIsHeard) {
  EXPECT_THROW(ask(), EndorsementError);
}

TEST_F(PublishedEndorsementsTest, AnObjectThatCannotBeReadIsNone) {
  api_.objects[FakeApi::kEvidence] = "{}";
  EXPECT_THROW(ask(), EndorsementError);
  publish();
  api_.before = [](const std::string&) { throw kube::ApiError(0, "Unreachable", "no answer"); };
  EXPECT_THROW(ask(), EndorsementError);
}

TEST_F(PublishedEndorsementsTest, EvidenceWithoutCertificatesHasNone) {
  wire::NodeEvidence evidence;
  evidence.name = "node-1";
  evidence.boot = kBoot;
  evidence.collected_at = "2026-08-25T00:00:00Z";
  api_.objects[FakeApi::kEvidence] = to_json(evidence);
  EXPECT_THROW(ask(), EndorsementError);
}

TEST_F(PublishedEndorsementsTest, AStopIsNoOutage) {
  publish();
  stop_.request_stop();
  EXPECT_THROW(ask(), EndorsementError);
  EXPECT_THAT(api_.requests, IsEmpty());
}

}  // namespace
}  // namespace nodeproof::agent
