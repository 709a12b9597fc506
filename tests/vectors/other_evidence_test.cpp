// Recorded evidence that no verb may accept: of TDX, of a vTPM whose AK nobody certified, of other makers'
// TPMs. Every folder of its kind is judged; a new one needs no code.
#include "tests/vectors/judgement.hpp"
#include "tests/vectors/program.hpp"

namespace nodeproof {
namespace {

// The files of `folder` that end so.
std::vector<std::string> files_in(const std::filesystem::path& folder, std::string_view ending) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(vectors::folder() / folder)) {
    if (entry.path().string().ends_with(ending)) out.push_back(entry.path());
  }
  return out;
}

// The only one.
std::string file_in(const std::filesystem::path& folder, std::string_view ending) {
  const auto found = files_in(folder, ending);
  EXPECT_EQ(found.size(), 1U) << folder << " *" << ending;
  return found.empty() ? std::string() : found.front();
}

std::string nonce_of(const std::filesystem::path& folder) {
  std::string out(as_text(vectors::file(folder / "nonce.hex")));
  std::erase_if(out, [](char c) { return c == '\n' || c == '\r'; });
  return out;
}

TEST(OtherEvidence, OfTdxIsRefusedForWhatItIs) {
  NODEPROOF_NEED_VECTORS();
  const auto folders = vectors::cases("azure-tdx");
  EXPECT_FALSE(folders.empty());
  for (const auto& folder : folders) {
    SCOPED_TRACE(folder);
    std::vector<std::string> arguments{"verify", "azure-snp",  "--hcl",         file_in(folder, "hcl.bin"),
                                       "--at",   vectors::kAt, "--certificates"};
    for (const std::string& ca : vectors::certificate_authorities()) arguments.push_back(ca);
    const ProgramRun run = run_program(arguments);
    EXPECT_EQ(run.exit_code, cli::kRefused);
    EXPECT_NE(run.output.find("Refused: hcl-frame failed."), std::string::npos) << run.output;
    EXPECT_NE(run.output.find("hcl.report_type at 0x4c8 is TDX, supported: SNP"), std::string::npos);
    EXPECT_NE(run.output.find("Remedy: use a node pool of an AMD SEV-SNP"), std::string::npos) << run.output;
  }
}

// Its verdict says "must be refused as node evidence"; the challenge is the recorded one.
TEST(OtherEvidence, OfAnAkThatNobodyCertifiedIsRefused) {
  NODEPROOF_NEED_VECTORS();
  const auto folders = vectors::cases("azure-trusted-launch");
  EXPECT_FALSE(folders.empty());
  for (const auto& folder : folders) {
    SCOPED_TRACE(folder);
    const auto expectation = vectors::read_expectation(folder);
    ASSERT_TRUE(expectation) << to_string(expectation.error());
    const ProgramRun run = run_program(
        {"verify", "trusted-launch", "--ak-certificate", file_in(folder, ".der"), "--quote",
         file_in(folder, "quote.msg"), "--signature", file_in(folder, "quote.sig"), "--pcrs",
         file_in(folder, "pcrs.bin"), "--qualifying-data", nonce_of(folder), "--at", vectors::kAt, "--json"});
    const auto judged = vectors::read_judgement(run.output, run.exit_code);
    ASSERT_TRUE(judged) << run.output;
    EXPECT_EQ(judged->verified, expectation->verified);
    EXPECT_EQ(judged->exit_code, expectation->verified ? cli::kVerified : cli::kRefused);
    for (const std::string& check : expectation->failed)
      EXPECT_TRUE(judged->failed.contains(check)) << check << " in " << run.output;
  }
}

// Signed as they should be, under certificates that do not come from Microsoft.
TEST(OtherEvidence, OfAnotherMakersTpmIsRefusedForItsCertificate) {
  NODEPROOF_NEED_VECTORS();
  int judged = 0;
  for (const auto& folder : vectors::cases("tpm-quotes")) {
    if (files_in(folder, "-ak-chain.pem").empty()) continue;
    SCOPED_TRACE(folder);
    const ProgramRun run = run_program(
        {"verify", "trusted-launch", "--ak-certificate", file_in(folder, "-ak-chain.pem"), "--certificates",
         file_in(folder, "-ak-chain.pem"), file_in(folder, "-root.pem"), "--quote",
         file_in(folder, "-attest.bin"), "--signature", file_in(folder, "-tpmt-signature.bin"), "--pcrs",
         vectors::folder() / "tpm-quotes/gce-cos85-nonce/pcrs-sha256.bin", "--qualifying-data",
         nonce_of(folder), "--at", vectors::kAt});
    EXPECT_EQ(run.exit_code, cli::kRefused);
    EXPECT_NE(run.output.find("Refused: ak-certificate failed."), std::string::npos) << run.output;
    ++judged;
  }
  EXPECT_GT(judged, 0);
}

}  // namespace
}  // namespace nodeproof
