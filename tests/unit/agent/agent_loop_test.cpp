#include <gmock/gmock.h>

#include "tests/unit/agent/agent_loop_scene.hpp"

namespace nodeproof::agent {
namespace {

using testing::Each;
using testing::HasSubstr;

const std::string kPutQuote = std::string("PUT ") + FakeApi::kQuote;
const std::string kPostEvidence = "POST /apis/nodeproof.dev/v1alpha1/nodeevidences";
const std::string kPostQuote = "POST /apis/nodeproof.dev/v1alpha1/nodequotes";

TEST_F(AgentLoopTest, PublishesEvidenceThenAQuoteOverIt) {
  EXPECT_TRUE(once());
  EXPECT_EQ(evidence().collection.code, kComplete);
  EXPECT_EQ(quote().evidence_digest, evidence().digest());
  EXPECT_EQ(quote().epoch, epoch_of(7).epoch);
  EXPECT_EQ(quote().boot, kBoot);
}

TEST_F(AgentLoopTest, ATrustedLaunchNodeQuotesOverItsEvidenceToo) {
  tpm_.hcl = false;
  tpm_.ak_certificate = Bytes{0x30, 0x00};
  EXPECT_TRUE(once());
  EXPECT_EQ(evidence().platform, wire::kPlatformTrustedLaunch);
  EXPECT_EQ(evidence().event_log, firmware_.facts.event_log);
  EXPECT_EQ(quote().evidence_digest, evidence().digest());
  EXPECT_EQ(endorsements_.calls, 0);
}

TEST_F(AgentLoopTest, AMissingEventLogIsPublishedAndLoggedOnce) {
  firmware_.facts = {{}, wire::CollectionState{"no-log", "it is empty. Remedy: fill it"}, {}};
  run(3);
  EXPECT_EQ(evidence().no_event_log, firmware_.facts.no_event_log);
  EXPECT_EQ(evidence().collection.code, kComplete);
  EXPECT_EQ(tpm_.quotes, 3);
  const std::string line = "no-log: it is empty. Remedy: fill it";
  EXPECT_NE(log_.text().find(line), std::string::npos);
  EXPECT_EQ(log_.text().find(line), log_.text().rfind(line));
}

TEST_F(AgentLoopTest, ARefreshWritesTheQuoteAloneWithTheEpochOfTheMoment) {
  run(5, [this](int wait) { api_.set_epoch(7 + static_cast<std::uint64_t>(wait)); });
  EXPECT_EQ(tpm_.quotes, 5);
  EXPECT_EQ(api_.count(kPostEvidence), 1U);
  EXPECT_EQ(api_.count(kPostQuote), 1U);
  EXPECT_EQ(api_.count(kPutQuote), 4U);
  EXPECT_EQ(writes(), 6U);
  EXPECT_EQ(quote().epoch.number, 11U);
  EXPECT_LE(timer_.waits[0], Seconds(120));  // to its place in the period
  EXPECT_THAT(std::vector<Milliseconds>(timer_.waits.begin() + 1, timer_.waits.end()),
              Each(Milliseconds(120'000)));
}

TEST_F(AgentLoopTest, CollectsAnewBeforeHalfOfMaxReportAge) {
  run(370, [this](int) { api_.set_epoch(static_cast<std::uint64_t>(timer_.waits.size()) + 7); });
  EXPECT_EQ(tpm_.report_reads, 2);
  EXPECT_EQ(api_.count(kPutEvidence), 1U);
  EXPECT_EQ(quote().evidence_digest, evidence().digest());
}

TEST_F(AgentLoopTest, CollectsAnewForANewBootAndForANewNode) {
  EXPECT_TRUE(once());
  set_boot_id("22222222-2222-4333-8444-555555555555");
  EXPECT_TRUE(once());
  EXPECT_EQ(evidence().boot.boot_id, "22222222-2222-4333-8444-555555555555");
  EXPECT_EQ(quote().boot, evidence().boot);
  api_.objects[FakeApi::kNode] =
      R"({"metadata":{"name":"node-1","uid":"33333333-3333-4333-8333-333333333333","resourceVersion":"2"}})";
  EXPECT_TRUE(once());
  EXPECT_EQ(quote().boot.node_uid, "33333333-3333-4333-8333-333333333333");
  EXPECT_EQ(tpm_.report_reads, 3);
}

// Another AK than the report's is a matter for the verifier, never a reason for silence.
TEST_F(AgentLoopTest, PublishesTheQuoteOfAnotherAk) {
  EXPECT_TRUE(once());
  const Bytes before = quote().signature;
  tpm_.quoting_key = &tpm_.world.other_ak;
  EXPECT_TRUE(once());
  EXPECT_NE(quote().signature, before);
  EXPECT_EQ(evidence().collection.code, kComplete);
}

TEST_F(AgentLoopTest, SaysOnceThatThereIsNoTpmAndLooksAgainAtEveryRefresh) {
  tpm_.failure = TpmError(TpmErrorKind::kNoTpm, "/dev/tpmrm0: No such file or directory");
  run(4, [this](int wait) {
    if (wait == 3) tpm_.failure.reset();
  });
  EXPECT_EQ(api_.count(kPostEvidence), 1U);
  EXPECT_EQ(writes(), 3U);  // none, then evidence and quote
  EXPECT_EQ(evidence().platform, wire::kPlatformSnp);
  EXPECT_THAT(std::vector<Milliseconds>(timer_.waits.begin() + 1, timer_.waits.end()),
              Each(Milliseconds(120'000)));
}

TEST_F(AgentLoopTest, ANodeWithoutTpmCountsAsPublished) {
  tpm_.failure = TpmError(TpmErrorKind::kNoTpm, "absent");
  EXPECT_TRUE(once());
  EXPECT_EQ(evidence().platform, wire::kPlatformNone);
  EXPECT_EQ(evidence().collection.code, kNoTpm);
  EXPECT_FALSE(api_.objects.contains(FakeApi::kQuote));
}

TEST_F(AgentLoopTest, ATpmThatFailsIsPublishedAndTriedAgainSoon) {
  tpm_.failure = TpmError(TpmErrorKind::kOther, "TPM_RC_FAILURE");
  run(2, [this](int wait) {
    EXPECT_EQ(evidence().collection.code, wait == 1 ? kTpmError : kComplete);
    tpm_.failure.reset();
  });
  EXPECT_LE(timer_.waits[0], Backoff::kFirst);
  EXPECT_EQ(evidence().collection.code, kComplete);
}

TEST_F(AgentLoopTest, AQuoteThatKeepsFailingIsSaidInTheEvidenceUntilItWorksAgain) {
  EXPECT_TRUE(once());
  const Sha256Digest digest = evidence().digest();
  tpm_.quote_failure = TpmError(TpmErrorKind::kNoTpm, "no answer");
  for (int i = 1; i < AgentLoop::kQuoteFailuresToReport; ++i) {
    EXPECT_FALSE(once());
    EXPECT_EQ(evidence().collection.code, kComplete);
  }
  EXPECT_FALSE(once());
  EXPECT_EQ(evidence().collection.code, kNoTpm);
  EXPECT_EQ(evidence().platform, wire::kPlatformSnp);
  EXPECT_EQ(evidence().digest(), digest);
  EXPECT_FALSE(once());
  tpm_.quote_failure.reset();
  EXPECT_TRUE(once());
  EXPECT_EQ(evidence().collection.code, kComplete);
  EXPECT_EQ(api_.count(kPutEvidence), 2U);
}

TEST_F(AgentLoopTest, ATpmThatFailsLaterDoesNotUndoTheEvidenceOfTheBoot) {
  EXPECT_TRUE(once());
  const Sha256Digest digest = evidence().digest();
  timer_.wait(std::chrono::hours(12), {});
  tpm_.hcl = false;
  EXPECT_TRUE(once());
  EXPECT_EQ(evidence().digest(), digest);
  EXPECT_EQ(evidence().collection.code, kNoAkCertificate);
  EXPECT_EQ(quote().evidence_digest, digest);
  tpm_.hcl = true;
  EXPECT_TRUE(once());
  EXPECT_EQ(evidence().collection.code, kComplete);
}

TEST_F(AgentLoopTest, AsksForEndorsementsBetweenRefreshesAndPublishesThemWithoutANewQuote) {
  endorsements_.reachable = false;
  Sha256Digest digest{};
  run(6, [&](int wait) {
    EXPECT_EQ(evidence().collection.code, wait <= 3 ? kEndorsementsUnreachable : kComplete);
    if (wait == 1) digest = evidence().digest();
    if (wait == 3) endorsements_.reachable = true;
  });
  EXPECT_EQ(evidence().certificates.size(), 3U);
  EXPECT_EQ(evidence().digest(), digest);
  EXPECT_EQ(endorsements_.calls, 4);
  EXPECT_EQ(api_.count(kPutEvidence), 1U);
  EXPECT_LE(timer_.waits[0], Backoff::kFirst);
  EXPECT_LE(timer_.waits[2], 4 * Backoff::kFirst);
}

TEST_F(AgentLoopTest, BacksOffWhileTheApiServerIsAwayAndReturnsToItsPlace) {
  EXPECT_TRUE(once());
  api_.before = [](const std::string&) {
    throw kube::ApiError(0, "Unreachable", "GET /api: connection refused");
  };
  run(7, [this](int wait) {
    if (wait == 5) api_.before = [](const std::string&) {};
  });
  EXPECT_LE(timer_.waits[0], Backoff::kFirst);
  EXPECT_GT(timer_.waits[4], timer_.waits[0]);
  EXPECT_EQ(timer_.waits[6], Seconds(120));
  EXPECT_THAT(log_.text(), HasSubstr("connection refused. Remedy: the API server does not answer"));
}

TEST_F(AgentLoopTest, SaysOnceThatSomethingFailsAndOnceThatItWorksAgain) {
  const auto refuse = [](const std::string&) { throw kube::ApiError(403, "Forbidden", "not allowed"); };
  run(12, [&](int wait) {
    if (wait == 2) api_.before = refuse;
    if (wait == 6) api_.before = [](const std::string&) {};
  });
  const std::string log = log_.text();
  const std::size_t failed = log.find("not allowed");
  const std::size_t again = log.find("this works again, which failed before: not allowed");
  ASSERT_NE(again, std::string::npos) << log;
  EXPECT_LT(failed, again);
  EXPECT_EQ(log.find("not allowed", failed + 1), log.rfind("not allowed"))
      << "named twice: when it fails and when it works again";
}

TEST_F(AgentLoopTest, WaitsAsLongAsTheApiServerAsks) {
  api_.before = [](const std::string&) {
    throw kube::ApiError(429, "TooManyRequests", "slow down", Seconds(45));
  };
  run(1);
  EXPECT_EQ(timer_.waits[0], Seconds(45));
}

struct Absent {
  const char* name;
  std::function<void(FakeApi&)> arrange;
  const char* message;
};

class AgentLoopReports : public AgentLoopTest, public testing::WithParamInterface<Absent> {};

TEST_P(AgentLoopReports, WhatIsAbsentOnOneLineWithARemedyAndGoesOn) {
  GetParam().arrange(api_);
  run(3);
  EXPECT_EQ(timer_.waits.size(), 3U);
  EXPECT_THAT(log_.text(), HasSubstr(GetParam().message));
  EXPECT_THAT(log_.text(), HasSubstr("Remedy: "));
  EXPECT_FALSE(api_.objects.contains(FakeApi::kEvidence));
}

INSTANTIATE_TEST_SUITE_P(
    All, AgentLoopReports,
    testing::Values(Absent{"node", [](FakeApi& api) { api.objects.erase(FakeApi::kNode); }, "no Node node-1"},
                    Absent{"epoch", [](FakeApi& api) { api.objects.erase(FakeApi::kEpoch); },
                           "no ConfigMap nodeproof-system/nodeproof-epoch"},
                    Absent{"crds",
                           [](FakeApi& api) {
                             api.before = [](const std::string& request) {
                               if (request.starts_with("POST"))
                                 throw kube::ApiError(404, "NotFound", "404 NotFound");
                             };
                           },
                           "apply the CRDs"},
                    Absent{"rights",
                           [](FakeApi& api) {
                             api.before = [](const std::string& request) {
                               if (request.starts_with("POST"))
                                 throw kube::ApiError(403, "Forbidden", "403 Forbidden");
                             };
                           },
                           "RBAC"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(AgentLoopTest, CountsEachAttestationByWhatCameOfIt) {
  EXPECT_TRUE(once());
  EXPECT_EQ(attestations(), "published 1");
  tpm_.quote_failure = TpmError(TpmErrorKind::kNoTpm, "no answer");
  EXPECT_FALSE(once());
  EXPECT_EQ(attestations(), "published 1, tpm-error 1");
  tpm_.quote_failure.reset();
  api_.before = [](const std::string&) { throw kube::ApiError(503, "", "503 Service Unavailable"); };
  EXPECT_FALSE(once());
  EXPECT_EQ(attestations(), "api-error 1, published 1, tpm-error 1");
  api_.before = [](const std::string&) {};
  std::filesystem::remove(boot_id_file_);
  EXPECT_FALSE(once());
  EXPECT_EQ(attestations(), "api-error 1, other-error 1, published 1, tpm-error 1");
}

TEST_F(AgentLoopTest, ANodeThatCanProveNothingIsCountedApart) {
  tpm_.failure = TpmError(TpmErrorKind::kNoTpm, "absent");
  EXPECT_TRUE(once());
  EXPECT_EQ(attestations(), "no-proof 1");
  EXPECT_TRUE(metrics_.last_success());
}

// It says nothing about the node, whether it came in the middle or before the beginning.
TEST_F(AgentLoopTest, WhatAStopEndedIsNotCounted) {
  stop_.request_stop();
  EXPECT_FALSE(once());
  EXPECT_EQ(attestations(), "");
  EXPECT_FALSE(metrics_.last_success());
}

// A credential or an endorsement that cannot be had between refreshes is no attestation that failed.
TEST_F(AgentLoopTest, MendingIsNotCounted) {
  endorsements_.reachable = false;
  run(4);
  EXPECT_EQ(attestations(), "published " + std::to_string(tpm_.quotes));
}

// After a revocation a node is Stale until its next quote: it does not wait for its place in the period.
TEST_F(AgentLoopTest, AnotherKeyGenerationIsQuotedAtOnce) {
  LoopSettings settings{"node-1", "nodeproof-system", boot_id_file_, Seconds(120), std::chrono::hours(24)};
  settings.look_out = Seconds(1);
  AgentLoop loop(settings, {api_, tpm_, collector_, timer_, metrics_}, 1);
  const auto publish = [this](std::uint64_t number, const std::string& kid) {
    wire::PublishedEpoch epoch = epoch_of(number);
    if (!kid.empty()) epoch.epoch.kid = kid;
    api_.objects[FakeApi::kEpoch] = wire::epoch_config_map(epoch, "nodeproof-system");
  };
  std::vector<int> quotes;
  timer_.on_wait = [&, count = 0]() mutable {
    quotes.push_back(tpm_.quotes);
    ++count;
    if (count == 1) publish(8, "");                       // the next epoch is no reason
    if (count == 2) publish(9, "ffffffffffffffff");       // another generation is
    if (count == 3) api_.objects.erase(FakeApi::kEpoch);  // a look that fails is none
    if (count == 5) stop_.request_stop();
  };
  loop.run(stop_.get_token());
  EXPECT_EQ(quotes, (std::vector<int>{1, 1, 2, 2, 2}));
  EXPECT_EQ(quote().epoch.kid, "ffffffffffffffff");
  EXPECT_THAT(timer_.waits, Each(testing::Le(Milliseconds(1000))));
}

TEST_F(AgentLoopTest, SaysWhenTheBootIdCannotBeRead) {
  std::filesystem::remove(boot_id_file_);
  EXPECT_FALSE(once());
  EXPECT_THAT(log_.text(), HasSubstr("bootIdFile"));
}

TEST_F(AgentLoopTest, AStopWhileCollectingPublishesNothing) {
  tpm_.stale_reads = 1000;
  run(1);
  EXPECT_EQ(writes(), 0U);
  EXPECT_EQ(timer_.waits.size(), 1U);
}

TEST_F(AgentLoopTest, DoesNothingAfterAStop) {
  stop_.request_stop();
  loop_.run(stop_.get_token());
  EXPECT_TRUE(api_.requests.empty());
}

}  // namespace
}  // namespace nodeproof::agent
