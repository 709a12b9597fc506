// Every recorded event log, judged by `nodeproof verify event-log`: what programs read of it is what is
// stated with the recordings.
#include <gtest/gtest.h>

#include <set>

#include "attest/strict_json.hpp"
#include "cli/verdict.hpp"
#include "tests/support/vectors.hpp"
#include "tests/vectors/program.hpp"

namespace nodeproof {
namespace {

using attest::JsonDocument;
using attest::JsonValue;

constexpr std::size_t kMaxJson = 1U << 20U;

std::map<std::string, std::string> texts_of(const JsonValue& object) {
  std::map<std::string, std::string> out;
  const auto members = object.members();
  for (const JsonValue::Member& member : *members) out[std::string(member.key)] = *member.value.text();
  return out;
}

// claims.eventLog against the statement.
void expect_claims(const JsonValue& claims, const JsonValue& stated) {
  EXPECT_EQ(*claims.required("secureBoot")->text(), *stated.required("secure_boot_verdict")->text());
  const auto bank = stated.optional("replay_bank");
  if (!*bank) return;
  EXPECT_EQ(*claims.required("events")->unsigned_integer(), *stated.required("events")->unsigned_integer());
  const std::string name = *(*bank)->text();
  EXPECT_EQ(texts_of(*claims.required("pcrs")->required(name)), texts_of(*stated.required("replayed_pcrs")));
}

// The names of all logs in the folder: none may be there of which nothing is stated.
std::set<std::string> recorded_logs() {
  std::set<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(vectors::folder() / "event-logs")) {
    if (entry.path().extension() == ".bin") out.insert(entry.path().stem());
  }
  return out;
}

TEST(EventLogProgram, JudgesEveryLogAsStated) {
  NODEPROOF_NEED_VECTORS();
  const Bytes text = vectors::file("event-logs/expect.json");
  const auto document = JsonDocument::parse(text, kMaxJson, "expect.json");
  ASSERT_TRUE(document);
  const auto logs = document->root().members();
  ASSERT_TRUE(logs);
  std::set<std::string> stated;
  for (const JsonValue::Member& log : *logs) stated.insert(std::string(log.key));
  EXPECT_EQ(stated, recorded_logs());
  for (const JsonValue::Member& log : *logs) {
    SCOPED_TRACE(log.key);
    const std::string file = vectors::folder() / "event-logs" / (std::string(log.key) + ".bin");
    const ProgramRun run = run_program({"verify", "event-log", file, "--json"});
    const bool unprovable = *log.value.required("secure_boot_verdict")->text() == "unprovable";
    EXPECT_EQ(run.exit_code, unprovable ? cli::kRefused : cli::kVerified);
    const auto output = JsonDocument::parse(as_bytes(run.output), kMaxJson, "output");
    ASSERT_TRUE(output) << run.output;
    const auto claims = output->root().required("claims")->optional("eventLog");
    ASSERT_EQ(claims->has_value(), *log.value.required("parses")->boolean());
    if (*claims) expect_claims(**claims, log.value);
  }
}

TEST(EventLogProgram, HoldsMeasuredBootsAgainstTheirPcrs) {
  NODEPROOF_NEED_VECTORS();
  const auto boots = vectors::folder() / "qemu-measured-boot";
  const auto verdict = [&](const char* log, const std::string& pcrs) {
    return run_program(
        {"verify", "event-log", boots / log / "binary_bios_measurements", "--pcrs", boots / pcrs});
  };
  for (const char* boot : {"sb-on", "sb-off", "sb-on-boot2", "sb-on-cmdline", "sb-off-altered-kernel"}) {
    for (const char* pcrs : {"/pcrs.json", "/quote/quote.pcrs", "/quote/quote-rsa.pcrs"}) {
      const ProgramRun run = verdict(boot, boot + std::string(pcrs));
      EXPECT_EQ(run.exit_code, cli::kVerified) << boot << pcrs << run.output;
    }
  }
  const ProgramRun kernel = verdict("sb-off", "sb-off-altered-kernel/pcrs.json");
  EXPECT_EQ(kernel.exit_code, cli::kRefused);
  EXPECT_NE(
      kernel.output.find("PCR 9 (sha1), PCR 9 (sha256), PCR 9 (sha384) are not what the log replays to"),
      std::string::npos)
      << kernel.output;
  const ProgramRun off = verdict("sb-on", "sb-off/pcrs.json");
  EXPECT_EQ(off.exit_code, cli::kRefused);
  EXPECT_NE(off.output.find("PCR 7 (sha256) differs"), std::string::npos) << off.output;
}

TEST(EventLogProgram, ComparesRawPcrsOfEveryBank) {
  NODEPROOF_NEED_VECTORS();
  const auto folder = vectors::folder() / "tpm-quotes/gce-cos85-nonce";
  for (const char* bank : {"sha1", "sha256", "sha384"}) {
    const ProgramRun run = run_program({"verify", "event-log", folder / "eventlog.bin", "--pcrs",
                                        folder / (std::string("pcrs-") + bank + ".bin")});
    EXPECT_EQ(run.exit_code, cli::kVerified) << run.output;
    EXPECT_NE(run.output.find(std::string("PCRs 0-9 of ") + bank), std::string::npos) << run.output;
  }
  const ProgramRun legacy =
      run_program({"verify", "event-log", vectors::folder() / "event-logs/gce-debian-10.bin", "--pcrs",
                   folder / "pcrs-sha256.bin"});
  EXPECT_EQ(legacy.exit_code, cli::kRefused);
  EXPECT_NE(legacy.output.find("the log is of sha1, the PCR values are of sha256: they cannot be compared"),
            std::string::npos)
      << legacy.output;
  EXPECT_EQ(run_program({"verify", "event-log"}).exit_code, cli::kUsage);
  EXPECT_EQ(run_program({"verify", "event-log", "--help"}).exit_code, 0);
}

}  // namespace
}  // namespace nodeproof
