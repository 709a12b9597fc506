#include "agent/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "agent/measured_tpm.hpp"
#include "tests/unit/agent/fakes.hpp"

namespace nodeproof::agent {
namespace {

using testing::HasSubstr;

class AgentMetricsTest : public testing::Test {
 protected:
  std::string sample(const std::string& name_and_labels) const {
    std::istringstream text(metrics_.render());
    for (std::string line; std::getline(text, line);) {
      if (line.starts_with(name_and_labels + " ")) return line.substr(name_and_labels.size() + 1);
    }
    return "none";
  }
  std::string attestations(const std::string& result) const {
    return sample("nodeproof_agent_attestations_total{result=\"" + result + "\"}");
  }
  std::string tpm_count(const std::string& operation) const {
    return sample("nodeproof_agent_tpm_duration_seconds_count{operation=\"" + operation + "\"}");
  }

  FixedClock clock_;
  Metrics metrics_{"1.2.3", clock_};
};

// Names are an interface: dashboards and alerts use them.
TEST_F(AgentMetricsTest, HaveTheseNames) {
  std::istringstream text(metrics_.render());
  std::set<std::string> names;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("# TYPE ")) names.insert(line.substr(7));
  }
  EXPECT_EQ(names, (std::set<std::string>{"nodeproof_agent_attestations_total counter",
                                          "nodeproof_agent_tpm_duration_seconds histogram",
                                          "nodeproof_agent_last_success_time_seconds gauge",
                                          "nodeproof_agent_start_time_seconds gauge",
                                          "nodeproof_agent_build_info gauge"}));
}

TEST_F(AgentMetricsTest, EverySeriesIsThereFromTheStart) {
  for (const char* result : {"published", "no-proof", "api-error", "tpm-error", "other-error"})
    EXPECT_EQ(attestations(result), "0") << result;
  for (const char* operation : {"quote", "read-nv", "activate", "other"})
    EXPECT_EQ(tpm_count(operation), "0") << operation;
  EXPECT_EQ(sample("nodeproof_agent_last_success_time_seconds"), "0");
  EXPECT_EQ(sample("nodeproof_agent_build_info{version=\"1.2.3\"}"), "1");
  EXPECT_EQ(sample("nodeproof_agent_start_time_seconds"), std::to_string(to_unix(forge::kNow)));
  EXPECT_FALSE(metrics_.last_success());
}

TEST_F(AgentMetricsTest, OnlyWhatWasPublishedIsASuccess) {
  for (const auto failure :
       {AttestationResult::kApiFailure, AttestationResult::kTpmFailure, AttestationResult::kOtherFailure}) {
    metrics_.count_attestation(failure);
    EXPECT_EQ(attestations(std::string(to_string(failure))), "1");
    EXPECT_FALSE(metrics_.last_success()) << to_string(failure);
  }
  for (const auto success : {AttestationResult::kPublished, AttestationResult::kNoProof}) {
    Metrics metrics("", clock_);
    metrics.count_attestation(success);
    EXPECT_EQ(metrics.last_success(), forge::kNow) << to_string(success);
    EXPECT_THAT(metrics.render(),
                HasSubstr("attestations_total{result=\"" + std::string(to_string(success)) + "\"} 1\n"));
  }
}

TEST_F(AgentMetricsTest, EveryOperationOnTheTpmIsTimedOnce) {
  FakeTpm fake;
  MeasuredTpm tpm(fake, metrics_);
  EXPECT_TRUE(tpm.has_ak());
  EXPECT_TRUE(tpm.has_nv(kHclReportIndex));
  EXPECT_FALSE(tpm.read_nv(kHclReportIndex).empty());
  tpm.write_user_data(Sha512Digest{});
  EXPECT_EQ(fake.writes, 1);
  EXPECT_FALSE(tpm.quote(attest::PcrSelection{}, Sha256Digest{}).attest.empty());
  tpm.read_pcrs(attest::PcrSelection{});
  EXPECT_EQ(tpm.activate({}), *fake.held);
  EXPECT_EQ(tpm_count("other"), "4");
  for (const char* operation : {"read-nv", "quote", "activate"})
    EXPECT_EQ(tpm_count(operation), "1") << operation;
}

TEST_F(AgentMetricsTest, AnOperationThatFailsIsTimedAndFailsAlike) {
  FakeTpm fake;
  fake.failure = TpmError(TpmErrorKind::kNoAk, "no key");
  MeasuredTpm tpm(fake, metrics_);
  try {
    tpm.has_ak();
    FAIL() << "the failure is lost";
  } catch (const TpmError& error) {
    EXPECT_EQ(error.kind(), TpmErrorKind::kNoAk);
  }
  EXPECT_EQ(tpm_count("other"), "1");
}

TEST_F(AgentMetricsTest, TimesGoIntoTheBucketOfTheirSeconds) {
  metrics_.observe_tpm(TpmOperation::kQuote, std::chrono::milliseconds(40));
  const std::string bucket = "nodeproof_agent_tpm_duration_seconds_bucket{operation=\"quote\",le=";
  EXPECT_EQ(sample(bucket + "\"0.025\"}"), "0");
  EXPECT_EQ(sample(bucket + "\"0.1\"}"), "1");
  EXPECT_EQ(sample("nodeproof_agent_tpm_duration_seconds_sum{operation=\"quote\"}"), "0.04");
}

}  // namespace
}  // namespace nodeproof::agent
