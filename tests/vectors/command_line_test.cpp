// Command lines that ask for nothing we do: each names the word that is wrong and ends with the usage code.
#include "tests/vectors/program.hpp"

namespace nodeproof {
namespace {

TEST(CommandLine, NamesWhatItDoesNotKnow) {
  const struct {
    std::vector<std::string> arguments;
    std::string names;
  } table[] = {
      {{}, "A subcommand is required"},
      {{"frobnicate"}, "frobnicate: there is no such command"},
      {{"verify", "azure"}, "azure: there is no such command"},
      {{"node", "logs", "worker-7"}, "logs: there is no such command"},
      {{"verify", "azure-snp"}, "--hcl is required"},
      {{"inspect", "hcl.bin", "--colour"}, "not expected: --colour"},
  };
  for (const auto& row : table) {
    const ProgramRun run = run_program(row.arguments);
    EXPECT_EQ(run.exit_code, 2) << row.names;
    EXPECT_NE(run.output.find(row.names), std::string::npos) << run.output;
  }
}

TEST(CommandLine, HelpIsNoError) {
  for (const char* verb : {"inspect", "verify", "nodes", "explain", "policy"}) {
    const ProgramRun run = run_program({verb, "--help"});
    EXPECT_EQ(run.exit_code, 0) << run.output;
    EXPECT_NE(run.output.find("Usage: nodeproof " + std::string(verb)), std::string::npos) << run.output;
  }
}

}  // namespace
}  // namespace nodeproof
