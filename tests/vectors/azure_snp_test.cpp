// Judges every folder of recorded Azure SNP evidence as `nodeproof verify azure-snp` does, and
// compares with what its expect.json says. A new folder needs no code.
#include <gtest/gtest.h>

#include "cli/verify_azure_snp.hpp"
#include "tests/vectors/judgement.hpp"
#include "tests/vectors/program.hpp"

namespace nodeproof {
namespace {

cli::AzureSnpOptions options_for(const std::filesystem::path& relative,
                                 const vectors::Expectation& expectation) {
  const auto folder = vectors::folder() / relative;
  cli::AzureSnpOptions out;
  out.hcl = folder / "hcl.bin";
  out.certificates = vectors::certificate_authorities();
  out.certificates.push_back(folder / "vcek.der");
  if (std::filesystem::exists(folder / "ak-cert.der")) out.ak_certificate = folder / "ak-cert.der";
  if (std::filesystem::exists(folder / "quote.msg")) {
    out.quote = folder / "quote.msg";
    out.signature = folder / "quote.sig";
    out.pcrs = folder / "pcrs-sha256.bin";
  }
  out.qualifying_data = expectation.qualifying_data;
  out.at = vectors::kAt;
  out.json = true;
  return out;
}

TEST(AzureSnpVectors, AreJudgedForTheCheckThatIsWrong) {
  NODEPROOF_NEED_VECTORS();
  vectors::judge_all("azure-snp", [](const auto& folder, const vectors::Expectation& expectation) {
    return [options = options_for(folder, expectation)](std::ostream& out, std::ostream& err) {
      return cli::verify_azure_snp(options, UnixTime{}, out, err);
    };
  });
}

std::vector<std::string> genoa_arguments() {
  const auto folder = vectors::folder() / "azure-snp/genoa-v3-report";
  const auto amd = vectors::folder() / "amd-certs/genoa";
  return {"verify",         "azure-snp",
          "--hcl",          folder / "hcl.bin",
          "--certificates", folder / "vcek.der",
          amd / "ask.pem",  amd / "ark.pem",
          "--quote",        folder / "quote.msg",
          "--signature",    folder / "quote.sig",
          "--pcrs",         folder / "pcrs-sha256.bin",
          "--at",           vectors::kAt};
}

TEST(Program, RefusesAQuoteWithoutAChallenge) {
  NODEPROOF_NEED_VECTORS();
  const ProgramRun run = run_program(genoa_arguments());
  EXPECT_EQ(run.exit_code, cli::kRefused);
  EXPECT_NE(run.output.find("Refused: qualifying-data failed."), std::string::npos) << run.output;
}

TEST(Program, AcceptsOneWhenToldTo) {
  NODEPROOF_NEED_VECTORS();
  auto arguments = genoa_arguments();
  arguments.push_back("--accept-unfresh");
  const ProgramRun run = run_program(arguments);
  EXPECT_EQ(run.exit_code, cli::kVerified) << run.output;
  EXPECT_NE(run.output.find("not checked  qualifying-data"), std::string::npos) << run.output;
}

// The padded AK certificate of another VM: read as NV gives it, and refused for what it is.
TEST(Program, RefusesTheAkCertificateOfAnotherVm) {
  NODEPROOF_NEED_VECTORS();
  auto arguments = genoa_arguments();
  arguments.insert(arguments.end(),
                   {"--accept-unfresh", "--ak-certificate",
                    vectors::folder() / "ak-certs/derived-trusted-launch-leaf-padded-4096.bin"});
  const ProgramRun run = run_program(arguments);
  EXPECT_EQ(run.exit_code, cli::kRefused);
  EXPECT_NE(run.output.find("Refused: ak-certificate failed."), std::string::npos) << run.output;
  EXPECT_NE(run.output.find("(key-mismatch)"), std::string::npos) << run.output;
}

TEST(Program, ComparesTheChallengeOfTheReport) {
  NODEPROOF_NEED_VECTORS();
  auto arguments = genoa_arguments();
  *(std::find(arguments.begin(), arguments.end(), "--hcl") + 1) =
      vectors::folder() / "azure-snp/milan-v3-report-userdata/hcl.bin";
  const std::string challenge =
      "982f5c6e45df0ed3f10b6f60b02f0c8390e281300f3805e2279c16168cd6ae9aa398f647caa2338748cd0fd9f5f819ef" +
      std::string(32, '0');
  arguments.insert(arguments.end(), {"--user-data", challenge});
  EXPECT_NE(run_program(arguments).output.find("passed       report-freshness"), std::string::npos);
  arguments.back().front() = '0';
  EXPECT_NE(run_program(arguments).output.find("(challenge-differs)"), std::string::npos);
}

TEST(Program, ReplacesTheReferenceValues) {
  NODEPROOF_NEED_VECTORS();
  const auto file = std::filesystem::path(testing::TempDir()) / "reference-values.yaml";
  const auto run_with = [&file](const std::string& yaml) {
    write_file(file, as_bytes(yaml));
    auto arguments = genoa_arguments();
    arguments.insert(arguments.end(), {"--accept-unfresh", "--reference-values", file});
    return run_program(arguments);
  };
  const std::string entry = "paravisors:\n  - product: Genoa\n    idKeyDigest: ";
  const std::string seen =
      "942fd93ebde6ea7a96efadeafc60f1c6b3d10e703b1dafd7555b92f7f3d32d0e006767648cba5b102af3d65756af4177";
  EXPECT_EQ(run_with(entry + seen + "\n    minimumGuestSvn: 65547\n").exit_code, cli::kVerified);
  for (const std::string& other :
       {seen + "\n    minimumGuestSvn: 65548\n", std::string(96, 'a') + "\n    minimumGuestSvn: 1\n"}) {
    const ProgramRun run = run_with(entry + other);
    EXPECT_EQ(run.exit_code, cli::kRefused);
    EXPECT_NE(run.output.find("Refused: paravisor failed."), std::string::npos) << run.output;
  }
  EXPECT_EQ(run_with("paravisors: 1\n").exit_code, cli::kUsage);
  std::filesystem::remove(file);
}

TEST(Program, TellsMisuseFromRefusalFromEnvironment) {
  NODEPROOF_NEED_VECTORS();
  const auto replaced = [](const std::string& option, const std::string& value) {
    auto arguments = genoa_arguments();
    *(std::find(arguments.begin(), arguments.end(), option) + 1) = value;
    return run_program(arguments);
  };
  const auto folder = vectors::folder() / "azure-snp/genoa-v3-report";
  const ProgramRun certificate_as_hcl = replaced("--hcl", folder / "vcek.der");
  EXPECT_EQ(certificate_as_hcl.exit_code, cli::kRefused);
  EXPECT_NE(certificate_as_hcl.output.find("Refused: hcl-frame failed."), std::string::npos);
  EXPECT_EQ(replaced("--hcl", "/nonexistent").exit_code, cli::kEnvironment);
  EXPECT_EQ(replaced("--at", "yesterday").exit_code, cli::kUsage);
  EXPECT_EQ(replaced("--pcrs", folder / "quote.sig").exit_code, cli::kUsage);
  EXPECT_EQ(replaced("--certificates", folder / "quote.sig").exit_code, cli::kUsage);
  EXPECT_EQ(replaced("--hcl", "/dev/zero").exit_code, cli::kUsage);
  EXPECT_EQ(run_program({}).exit_code, cli::kUsage);
  EXPECT_EQ(run_program({"verify", "azure-snp"}).exit_code, cli::kUsage);
  EXPECT_EQ(run_program({"verify", "azure-snp", "--help"}).exit_code, 0);
}

}  // namespace
}  // namespace nodeproof
