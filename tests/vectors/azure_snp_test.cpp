// Judges every folder of recorded Azure SNP evidence as `nodeproof verify azure-snp` does, and
// compares with what its expect.json says. A new folder needs no code.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "attest/strict_json.hpp"
#include "cli/verify_azure_snp.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof {
namespace {

using attest::JsonDocument;
using attest::JsonValue;

constexpr std::size_t kMaxJson = 1U << 20U;
constexpr const char* kAt = "2026-08-25T00:00:00Z";

// The table at the end of the vectors' README: a false key means that this check must fail.
const std::map<std::string, std::string, std::less<>> kCheckOfKey{
    {"signature_valid", "report-signature"},
    {"chain_valid", "certificate-chain"},
    {"spl_equal_reported_tcb", "tcb-extensions"},
    {"hwid_matches_chip_id", "chip-id"},
    {"report_data_binds_json", "report-data-binding"},
    {"quote_signature_by_HCLAkPub", "quote-signature"},
    {"pcr_digest_matches", "pcr-digest"},
    {"ak_cert_key_equals_ak_pub", "ak-certificate"},
};

struct Expectation {
  bool verified = false;
  std::set<std::string> failed;  // exactly these checks
  std::string qualifying_data;   // to give on the command line; empty: none
};

struct Judgement {
  bool verified = false;
  std::set<std::string> failed;
  int exit_code = -1;
};

std::string join(const std::set<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : " ") + name;
  return out.empty() ? "-" : out;
}

Result<Expectation> read_expectation(const std::filesystem::path& folder) {
  NODEPROOF_TRY(document, JsonDocument::parse(vectors::file(folder / "expect.json"), kMaxJson, "expect"));
  const JsonValue root = document.root();
  NODEPROOF_TRY(verdict_member, root.required("verdict"));
  NODEPROOF_TRY(verdict, verdict_member.text());
  NODEPROOF_TRY(checks_member, root.required("checks"));
  NODEPROOF_TRY(checks, checks_member.members());
  Expectation out;
  for (const JsonValue::Member& check : checks) {
    const auto known = kCheckOfKey.find(check.key);
    const auto holds = check.value.boolean();
    if (known != kCheckOfKey.end() && holds && !*holds) out.failed.insert(known->second);
  }
  out.verified = verdict.starts_with("valid") || verdict.starts_with("report valid");
  if (verdict.find("policy must refuse") != std::string::npos) {
    out.verified = false;
    out.failed.insert("guest-policy");
  }
  if (verdict.find("expired") != std::string::npos) {
    out.verified = false;
    out.failed.insert("certificate-chain");
  }
  if (verdict.find("lack of challenge") != std::string::npos) {
    out.failed.insert("qualifying-data");
    return out;
  }
  NODEPROOF_TRY(quote, root.optional("quote"));
  if (!quote) return out;
  NODEPROOF_TRY(data_member, quote->required("extra_data_hex"));
  NODEPROOF_TRY(data, data_member.text());
  out.qualifying_data = data;
  return out;
}

// All of AMD's and Microsoft's, of every product line: what does not belong must not disturb.
std::vector<std::string> certificate_authorities() {
  std::vector<std::string> out;
  for (const char* folder : {"amd-certs", "ak-certs"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(vectors::folder() / folder)) {
      if (entry.path().extension() == ".pem") out.push_back(entry.path());
    }
  }
  return out;
}

cli::AzureSnpOptions options_for(const std::filesystem::path& relative, const Expectation& expectation) {
  const auto folder = vectors::folder() / relative;
  cli::AzureSnpOptions out;
  out.hcl = folder / "hcl.bin";
  out.certificates = certificate_authorities();
  out.certificates.push_back(folder / "vcek.der");
  if (std::filesystem::exists(folder / "ak-cert.der")) out.ak_certificate = folder / "ak-cert.der";
  if (std::filesystem::exists(folder / "quote.msg")) {
    out.quote = folder / "quote.msg";
    out.signature = folder / "quote.sig";
    out.pcrs = folder / "pcrs-sha256.bin";
  }
  out.qualifying_data = expectation.qualifying_data;
  out.at = kAt;
  out.json = true;
  return out;
}

Result<Judgement> read_judgement(const std::string& json, int exit_code) {
  NODEPROOF_TRY(document, JsonDocument::parse(as_bytes(json), kMaxJson, "output"));
  NODEPROOF_TRY(verdict_member, document.root().required("verdict"));
  NODEPROOF_TRY(verdict, verdict_member.text());
  NODEPROOF_TRY(checks_member, document.root().required("checks"));
  NODEPROOF_TRY(checks, checks_member.array());
  Judgement out{verdict == "verified", {}, exit_code};
  for (const JsonValue& check : checks) {
    NODEPROOF_TRY(outcome_member, check.required("outcome"));
    NODEPROOF_TRY(outcome, outcome_member.text());
    NODEPROOF_TRY(name_member, check.required("check"));
    NODEPROOF_TRY(name, name_member.text());
    if (outcome == "failed") out.failed.insert(name);
  }
  return out;
}

Judgement judge(const cli::AzureSnpOptions& options) {
  std::ostringstream out;
  std::ostringstream err;
  const int exit_code = cli::verify_azure_snp(options, UnixTime{}, out, err);
  EXPECT_EQ(err.str(), "");
  const auto judgement = read_judgement(out.str(), exit_code);
  EXPECT_TRUE(judgement) << out.str();
  return judgement ? *judgement : Judgement{};
}

TEST(AzureSnpVectors, AreJudgedForTheCheckThatIsWrong) {
  NODEPROOF_NEED_VECTORS();
  const auto cases = vectors::cases("azure-snp");
  ASSERT_FALSE(cases.empty());
  std::cout << std::left << std::setw(34) << "case" << std::setw(10) << "expected" << std::setw(10)
            << "judged" << std::setw(34) << "must fail"
            << "failed\n";
  for (const auto& folder : cases) {
    SCOPED_TRACE(folder);
    const auto expectation = read_expectation(folder);
    ASSERT_TRUE(expectation) << to_string(expectation.error());
    const Judgement got = judge(options_for(folder, *expectation));
    const auto word = [](bool verified) { return verified ? "verified" : "refused"; };
    std::cout << std::setw(34) << folder.filename().string() << std::setw(10) << word(expectation->verified)
              << std::setw(10) << word(got.verified) << std::setw(34) << join(expectation->failed)
              << join(got.failed) << '\n';
    EXPECT_EQ(got.verified, expectation->verified);
    EXPECT_EQ(got.failed, expectation->failed);
    EXPECT_EQ(got.exit_code, got.verified ? cli::kVerified : cli::kRefused);
  }
}

// What the process prints and how it ends, without a shell between.
struct ProgramRun {
  std::string output;
  int exit_code = -1;
};

ProgramRun run_program(std::vector<std::string> arguments) {
  const char* folder = std::getenv("NODEPROOF_BIN");
  arguments.insert(arguments.begin(), std::string(folder == nullptr ? "." : folder) + "/nodeproof");
  int pipe_ends[2];
  EXPECT_EQ(::pipe(pipe_ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe_ends[1], STDOUT_FILENO);
    ::dup2(pipe_ends[1], STDERR_FILENO);
    ::close(pipe_ends[0]);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(pipe_ends[1]);
  ProgramRun out;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(pipe_ends[0], buffer, sizeof buffer)) > 0;) {
    out.output.append(buffer, static_cast<std::size_t>(n));
  }
  ::close(pipe_ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  out.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
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
          "--at",           kAt};
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
