#include "agent/command_line.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "base/file.hpp"
#include "tests/support/temporary_folder.hpp"

namespace nodeproof::agent {
namespace {

class CommandLineTest : public testing::Test {
 protected:
  void SetUp() override { ::unsetenv("NODE_NAME"); }

  std::string config(std::string_view yaml) {
    const auto path = folder_ / "agent.yaml";
    write_file(path, as_bytes(yaml));
    return path.string();
  }
  std::variant<Options, int> read(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "nodeproof-agent");
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    return read_command_line(static_cast<int>(argv.size()), argv.data(), out_, err_);
  }

  test::TemporaryFolder folder_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CommandLineTest, FlagsOverrideTheFile) {
  const std::string file = config("namespace: one\ntcti: device:/dev/tpm1\nrefresh: 60s\n");
  const auto read_back =
      read({"--config", file, "--node-name", "node-1", "--tcti", "swtpm:port=1", "--kubeconfig", "kc",
            "--namespace", "two", "--metrics-listen", "127.0.0.1:0", "--log-format", "json", "--once"});
  const auto* options = std::get_if<Options>(&read_back);
  ASSERT_NE(options, nullptr) << err_.str();
  EXPECT_EQ(options->node_name, "node-1");
  EXPECT_EQ(options->config.tcti, "swtpm:port=1");
  EXPECT_EQ(options->config.ns, "two");
  EXPECT_EQ(options->config.metrics_listen, (kube::Endpoint{"127.0.0.1", 0}));
  EXPECT_EQ(options->config.log_format, kube::LogFormat::kJson);
  EXPECT_EQ(options->config.refresh, Seconds(60));
  EXPECT_EQ(options->kubeconfig, "kc");
  EXPECT_TRUE(options->once);
}

TEST_F(CommandLineTest, TakesTheNodeNameFromTheEnvironment) {
  ::setenv("NODE_NAME", "node-2", 1);
  const auto read_back = read({});
  ::unsetenv("NODE_NAME");
  const auto* options = std::get_if<Options>(&read_back);
  ASSERT_NE(options, nullptr) << err_.str();
  EXPECT_EQ(options->node_name, "node-2");
  EXPECT_FALSE(options->once);
}

TEST_F(CommandLineTest, HelpTeachesAndEndsWell) {
  EXPECT_EQ(std::get<int>(read({"--help"})), 0);
  for (const char* part : {"NodeEvidence", "--once", "NODE_NAME", "maxReportAge", "Exit code"}) {
    EXPECT_NE(out_.str().find(part), std::string::npos) << part;
  }
  EXPECT_EQ(err_.str(), "");
}

TEST_F(CommandLineTest, TellsItsVersion) {
  EXPECT_EQ(std::get<int>(read({"--version"})), 0);
  EXPECT_EQ(out_.str().find("nodeproof-agent "), 0U);
}

TEST_F(CommandLineTest, RefusesWithTwoAndARemedyOnStandardError) {
  const struct {
    std::vector<std::string> arguments;
    std::string message;
  } cases[] = {
      {{}, "see kubectl get nodes"},
      {{"--node-name", "a/../b"}, "--node-name: is not the name of a Node"},
      {{"--node-name", "n", "--namespace", "A"}, "--namespace: is not a namespace"},
      {{"--node-name", "n", "--metrics-listen", "8082"}, "--metrics-listen: is not ADDRESS:PORT"},
      {{"--node-name", "n", "--log-format", "xml"}, "--log-format: "},
      {{"--node-name", "n", "--what"}, "--what"},
      {{"--node-name", "n", "stray"}, "stray"},
      {{"--node-name", "n", "--config", (folder_ / "none").string()}, "give a readable file"},
      {{"--node-name", "n", "--config", config("wrong: 1\n")}, "agent.yaml:1:1: wrong"},
  };
  for (const auto& [arguments, message] : cases) {
    err_.str("");
    EXPECT_EQ(std::get<int>(read(arguments)), 2) << message;
    EXPECT_NE(err_.str().find(message), std::string::npos) << err_.str();
  }
  EXPECT_EQ(out_.str(), "");
}

}  // namespace
}  // namespace nodeproof::agent
