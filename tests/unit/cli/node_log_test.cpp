#include "cli/node_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/forge_event_log.hpp"
#include "tests/unit/cli/published_node.hpp"

namespace nodeproof::cli {
namespace {

using ::testing::HasSubstr;
using testing::list_of;

class NodeLog : public ::testing::Test {
 protected:
  ExitCode run(const wire::NodeEvidence& evidence, const wire::NodeQuote& quote) {
    options_.file = folder_.write("node.json", list_of({wire::to_json(evidence), wire::to_json(quote)}));
    out_.str({});
    err_.str({});
    return node_log(options_, out_, err_);
  }

  test::TemporaryFolder folder_;
  NodeOptions options_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(NodeLog, ListsTheEventsAndHoldsThemAgainstTheQuote) {
  const wire::NodeEvidence evidence = forge::make_trusted_launch_node();
  EXPECT_EQ(run(evidence, forge::make_node_quote(evidence)), kVerified) << out_.str() << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("Node trusted-1, boot " + std::string(forge::kBootId)));
  EXPECT_THAT(out_.str(), HasSubstr("EV_EFI_VARIABLE_DRIVER_CONFIG"));
  EXPECT_THAT(out_.str(), HasSubstr("equal"));
}

TEST_F(NodeLog, SaysWhereTheQuoteTellsOtherwise) {
  const wire::NodeEvidence evidence = forge::make_trusted_launch_node();
  const auto other = forge::make_event_log({.command_line = "init=/bin/sh"});
  EXPECT_EQ(run(evidence, forge::make_node_quote(evidence, {.quote = {.pcrs = other.pcrs}})), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("PCR 8 (sha256) differs"));
}

TEST_F(NodeLog, WithoutALogSaysWhy) {
  wire::NodeEvidence evidence = forge::make_trusted_launch_node({.event_log = Bytes()});
  evidence.no_event_log = {"log-unreadable", "securityfs is not mounted"};
  EXPECT_EQ(run(evidence, forge::make_node_quote(evidence)), kRefused);
  EXPECT_THAT(err_.str(),
              HasSubstr("node trusted-1 has no event log: log-unreadable: securityfs is not mounted"));
  evidence.no_event_log.reset();
  EXPECT_EQ(run(evidence, forge::make_node_quote(evidence)), kRefused);
  EXPECT_THAT(err_.str(), HasSubstr("does not collect event logs yet"));
}

TEST_F(NodeLog, WithoutEvidenceOrNodeSaysWhatToDo) {
  const wire::NodeEvidence evidence = forge::make_trusted_launch_node();
  options_.file = folder_.write("quote.json", list_of({wire::to_json(forge::make_node_quote(evidence))}));
  EXPECT_EQ(node_log(options_, out_, err_), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("has published no NodeEvidence"));
  options_.file.clear();
  EXPECT_EQ(node_log(options_, out_, err_), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("name a node"));
}

}  // namespace
}  // namespace nodeproof::cli
