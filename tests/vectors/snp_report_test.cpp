// Judges every folder of recorded SNP reports as `nodeproof verify snp-report` does, and compares with
// what its expect.json says. A new folder needs no code.
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "cli/verify_snp_report.hpp"
#include "tests/vectors/judgement.hpp"
#include "tests/vectors/program.hpp"

namespace nodeproof {
namespace {

cli::SnpReportOptions options_for(const std::filesystem::path& relative) {
  const auto folder = vectors::folder() / relative;
  cli::SnpReportOptions out;
  out.report = folder / "report.bin";
  out.certificates = vectors::certificate_authorities();
  const bool vlek = std::filesystem::exists(folder / "vlek.der");
  out.certificates.push_back(folder / (vlek ? "vlek.der" : "vcek.der"));
  out.at = vectors::kAt;
  out.json = true;
  return out;
}

TEST(SnpReportVectors, AreJudgedForTheCheckThatIsWrong) {
  NODEPROOF_NEED_VECTORS();
  vectors::judge_all("snp-reports", [](const auto& folder, const vectors::Expectation&) {
    return [options = options_for(folder)](std::ostream& out, std::ostream& err) {
      return cli::verify_snp_report(options, UnixTime{}, out, err);
    };
  });
}

// AMD's lists are of all that AMD published: they revoke nothing that is in use.
TEST(SnpReportVectors, AreJudgedTheSameWithRevocationLists) {
  NODEPROOF_NEED_VECTORS();
  vectors::judge_all("snp-reports", [](const auto& folder, const vectors::Expectation&) {
    cli::SnpReportOptions options = options_for(folder);
    for (const char* line : {"genoa", "turin"})
      options.revocation_lists.push_back(vectors::folder() / "amd-certs" / line / "crl.der");
    return [options](std::ostream& out, std::ostream& err) {
      return cli::verify_snp_report(options, UnixTime{}, out, err);
    };
  });
}

std::vector<std::string> arguments_of(const char* name, const char* line, const char* key, const char* ca) {
  const auto folder = vectors::folder() / "snp-reports" / name;
  const auto amd = vectors::folder() / "amd-certs" / line;
  return {"verify", "snp-report",    "--report", folder / "report.bin", "--certificates", folder / key,
          amd / ca, amd / "ark.pem", "--at",     vectors::kAt};
}

TEST(SnpReportProgram, PrintsTurinsLevels) {
  NODEPROOF_NEED_VECTORS();
  auto arguments = arguments_of("turin-v5-a", "turin", "vcek.der", "ask.pem");
  const ProgramRun text = run_program(arguments);
  EXPECT_EQ(text.exit_code, cli::kVerified) << text.output;
  EXPECT_NE(text.output.find("fmc 0, bootloader 1, tee 0, snp 2, microcode 71"), std::string::npos);
  EXPECT_NE(text.output.find("requested at VMPL 0"), std::string::npos);
  arguments.push_back("--json");
  const ProgramRun json = run_program(arguments);
  EXPECT_NE(json.output.find(R"("product":"Turin")"), std::string::npos) << json.output;
  EXPECT_NE(json.output.find(R"("fmc":0)"), std::string::npos) << json.output;
  EXPECT_NE(json.output.find(R"("chipId":"3b42092f69c656d3)"), std::string::npos) << json.output;
}

TEST(SnpReportProgram, NamesTheProviderOfAVlek) {
  NODEPROOF_NEED_VECTORS();
  auto arguments = arguments_of("milan-v3-vlek-aws", "milan", "vlek.der", "asvk.pem");
  EXPECT_EQ(run_program(arguments).exit_code, cli::kRefused) << "it expired";
  arguments.back() = "2025-06-01T00:00:00Z";
  arguments.push_back("--json");
  const ProgramRun json = run_program(arguments);
  EXPECT_EQ(json.exit_code, cli::kVerified) << json.output;
  EXPECT_NE(json.output.find(R"("cspId":"CN=cc-us-east-2.amazonaws.com")"), std::string::npos) << json.output;
  EXPECT_NE(json.output.find(R"("vmpl":1)"), std::string::npos) << json.output;
  EXPECT_EQ(json.output.find("chipId"), std::string::npos) << json.output;
  EXPECT_EQ(json.output.find("chip-id"), std::string::npos) << json.output;
}

TEST(SnpReportProgram, RefusesAListThatIsOutOfDate) {
  NODEPROOF_NEED_VECTORS();
  auto arguments = arguments_of("turin-v5-a", "turin", "vcek.der", "ask.pem");
  arguments.back() = "2026-10-05T00:00:00Z";
  EXPECT_EQ(run_program(arguments).exit_code, cli::kVerified);
  arguments.insert(arguments.end(), {"--crl", vectors::folder() / "amd-certs/turin/crl.der"});
  const ProgramRun run = run_program(arguments);
  EXPECT_EQ(run.exit_code, cli::kRefused);
  EXPECT_NE(run.output.find("(crl-expired)"), std::string::npos) << run.output;
  EXPECT_NE(run.output.find("https://kdsintf.amd.com/vcek/v1/Turin/crl"), std::string::npos) << run.output;
}

TEST(SnpReportProgram, NamesARootThatWasAdded) {
  NODEPROOF_NEED_VECTORS();
  auto arguments = arguments_of("turin-v5-a", "turin", "vcek.der", "ask.pem");
  arguments.insert(arguments.end(),
                   {"--trust-anchor", vectors::folder() / "ak-certs/microsoft-rsa-devices-root-ca-2021.pem"});
  const ProgramRun run = run_program(arguments);
  EXPECT_EQ(run.exit_code, cli::kVerified) << run.output;
  EXPECT_NE(run.output.find("--trust-anchor adds the root 'CN=Microsoft RSA Devices Root CA 2021"),
            std::string::npos)
      << run.output;
}

TEST(SnpReportProgram, TellsMisuseFromRefusalFromEnvironment) {
  NODEPROOF_NEED_VECTORS();
  const auto with = [](const std::string& option, const std::string& value) {
    auto arguments = arguments_of("turin-v5-a", "turin", "vcek.der", "ask.pem");
    arguments.insert(arguments.end(), {option, value});
    return run_program(arguments).exit_code;
  };
  const std::string certificate = vectors::folder() / "amd-certs/turin/ask.pem";
  EXPECT_EQ(with("--crl", certificate), cli::kUsage);
  EXPECT_EQ(with("--crl", "/nonexistent"), cli::kEnvironment);
  EXPECT_EQ(with("--trust-anchor", vectors::folder() / "snp-reports/turin-v5-a/vcek.der"), cli::kUsage);
  EXPECT_EQ(run_program({"verify", "snp-report"}).exit_code, cli::kUsage);
  EXPECT_EQ(run_program({"verify", "snp-report", "--help"}).exit_code, 0);
  auto truncated = arguments_of("turin-v5-a", "turin", "vcek.der", "ask.pem");
  truncated[3] = certificate;
  EXPECT_EQ(run_program(truncated).exit_code, cli::kRefused);
}

}  // namespace
}  // namespace nodeproof
