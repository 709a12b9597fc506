#include "webhook/messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "attest/checks.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Messages, ALongDetailIsCutAndTheRemedySurvives) {
  const Unmet unmet{"tpm-error", std::string(4000, 'x'), "reboot the node", Seconds(90)};
  const std::string message = unmet_message("demo/api", "node-a", "confidential", unmet);
  EXPECT_EQ(message.size(), kMaxMessage);
  EXPECT_THAT(message,
              StartsWith("pod demo/api may not be placed on node node-a: policy confidential is not met"));
  EXPECT_THAT(message, EndsWith("x (evidence 1m30s old); remedy: reboot the node"));
}

TEST(Messages, NeverExceedTheLimit) {
  const std::string longest(253, 'n');
  for (const std::size_t size : {0U, 100U, 800U, 5000U}) {
    const Unmet unmet{std::string(63, 'c'), std::string(size, 'd'), std::string(size, 'r'), {}};
    EXPECT_LE(unmet_message(std::string(317, 'p'), longest, std::string(63, 'q'), unmet).size(), kMaxMessage);
    EXPECT_LE(refusal_message(std::string(317, 'p'), std::string(size, 'd'), std::string(size, 'r')).size(),
              kMaxMessage);
  }
}

// Every part as long as Kubernetes lets it be: 63 characters of a namespace and a policy, 253 of a pod and a
// node. The sentence then still says who, where, by which policy, for what, since when, and what to do.
TEST(Messages, LongNamesLeaveEveryPartInItsPlace) {
  const std::string pod = std::string(63, 's') + "/" + std::string(253, 'p');
  const std::string node(253, 'n');
  const std::string policy(63, 'q');
  for (const auto& info : attest::all_checks()) {
    for (const std::size_t detail : {0U, 40U, 400U, 4000U}) {
      const Unmet unmet{std::string(info.name), std::string(detail, 'd'),
                        "reboot the node and look at kubectl get nodeattestations", Seconds(93784)};
      const std::string message = unmet_message(pod, node, policy, unmet);
      EXPECT_LE(message.size(), kMaxMessage);
      EXPECT_THAT(message, StartsWith("pod " + pod + " may not be placed on node " + node + ": policy " +
                                      policy + " is not met because of " + std::string(info.name) + ": "));
      EXPECT_THAT(message, EndsWith(" (evidence 26h3m4s old); remedy: " + unmet.remedy));
      EXPECT_THAT(message, Not(HasSubstr("\n")));
    }
  }
}

TEST(Messages, AreCutBetweenCharacters) {
  for (std::size_t shift = 0; shift < 4; ++shift) {
    std::string detail(shift, 'x');
    for (int i = 0; i < 500; ++i) detail += "\xe2\x82\xac";
    const std::string message = refusal_message("demo/api", detail, "wait");
    EXPECT_LE(message.size(), kMaxMessage);
    EXPECT_GE(message.size(), kMaxMessage - 3);
    EXPECT_THAT(message, EndsWith("\xe2\x82\xac; remedy: wait"));
  }
}

TEST(Messages, StayOnOneLineOfText) {
  const std::string message = refusal_message("demo/api", "line one\nline\ttwo\x1b[31m\xff", "wait");
  EXPECT_EQ(message, "pod demo/api: line one line two [31m\xef\xbf\xbd; remedy: wait");
}

TEST(Messages, APodWithoutANameIsSaidToHaveNone) {
  EXPECT_EQ(pod_name("demo", ""), "demo/(unnamed)");
  EXPECT_EQ(pod_name("demo", "api"), "demo/api");
}

}  // namespace
}  // namespace nodeproof::webhook
