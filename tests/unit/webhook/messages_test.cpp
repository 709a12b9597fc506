#include "webhook/messages.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
