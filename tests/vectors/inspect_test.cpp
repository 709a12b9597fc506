// `nodeproof inspect` on every recorded file, whatever it is: recognised, and as what it is.
#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <set>

#include "attest/event_log.hpp"
#include "attest/strict_json.hpp"
#include "cli/inspect.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof::cli {
namespace {

struct Expected {
  const char* ending;  // of the path, as long as it must be to be right
  std::set<std::string> kinds;
};

// The first ending that fits a path counts, so the special ones stand first.
const std::vector<Expected>& table() {
  static const std::vector<Expected> kTable{
      {"README.md", {"text"}},
      {"/hcl.bin", {"hcl-report"}},
      {"/report.bin", {"snp-report"}},
      {"quote.bin", {"td-quote"}},
      {"ccel.bin", {"event-log"}},
      {"eventlog.bin", {"event-log"}},
      {"binary_bios_measurements", {"event-log"}},
      {"padded.bin", {"certificate"}},
      {"padded-4096.bin", {"certificate"}},
      {"attest.bin", {"tpms-attest"}},
      {"tpmt-signature.bin", {"tpmt-signature"}},
      {"/pcrs.bin", {"pcrs-tpm2-tools"}},
      {".pcrs", {"pcrs-tpm2-tools"}},
      {"pcrs.json", {"pcrs-json"}},
      {"thim-amd-certification.json", {"thim-reply"}},
      {".spki.der", {"public-key"}},
      {"/crl.der", {"crl"}},
      {".der", {"certificate"}},
      {".tpmt_public", {"tpmt-public"}},
      {".tpmt_signature", {"tpmt-signature"}},
      {".msg", {"tpms-attest"}},
      {".sig", {"raw-signature", "tpmt-signature"}},
      {".name", {"tpm-name"}},
      {".pub", {"tpm2b-public", "public-key"}},
      {".pem", {"certificate", "public-key", "pem-bundle"}},
      {".hex", {"hex"}},
      {".jwt", {"jwt"}},
      {".yaml", {"yaml"}},
      {".events.json", {"kubernetes-list"}},
      {"ima_binary_runtime_measurements", {"ima-log"}},
      {".json", {"json", "admission-review"}},
      {".txt", {"text", "yaml"}},
  };
  return kTable;
}

// Whole folders, where endings say nothing or something else.
std::set<std::string> kinds_for(const std::string& path) {
  if (path.find("/efivars/") != std::string::npos) return {"efi-variable"};
  for (const Expected& expected : table()) {
    if (path.ends_with(expected.ending)) return expected.kinds;
  }
  if (path.starts_with("event-logs/")) return {"event-log"};
  if (path.find("/pcrs-sha") != std::string::npos) return {"pcrs-raw"};
  return {"text"};
}

TEST(Inspect, EveryRecordedFileIsWhatItIs) {
  NODEPROOF_NEED_VECTORS();
  std::map<std::string, int> seen;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(vectors::folder())) {
    if (!entry.is_regular_file()) continue;
    const std::string path = std::filesystem::relative(entry.path(), vectors::folder());
    const Description description = describe(vectors::file(path), entry.path().filename());
    EXPECT_TRUE(kinds_for(path).contains(description.kind)) << path << " is taken for " << description.kind;
    ++seen[description.kind];
  }
  for (const auto& [kind, count] : seen) std::cout << kind << ": " << count << '\n';
  EXPECT_GT(seen["hcl-report"], 5) << "the folder is not the one of recorded evidence";
}

// Every log that holds together is read whole, with as many events as expect.json counts.
TEST(Inspect, EventLogsAreReadWhole) {
  NODEPROOF_NEED_VECTORS();
  const Bytes text = vectors::file("event-logs/expect.json");
  const auto expectations = attest::JsonDocument::parse(text, 1U << 20U, "expect.json");
  ASSERT_TRUE(expectations) << to_string(expectations.error());
  const auto logs = expectations->root().members();
  ASSERT_TRUE(logs);
  for (const attest::JsonValue::Member& log : *logs) {
    const auto events = log.value.optional("events");
    if (!events || !*events) continue;
    const auto parsed = attest::parse_event_log(vectors::file("event-logs/" + std::string(log.key) + ".bin"));
    ASSERT_TRUE(parsed) << log.key << ": " << to_string(parsed.error());
    EXPECT_EQ(parsed->events.size() + (parsed->spec_id ? 1 : 0), *(*events)->unsigned_integer()) << log.key;
  }
  const Description cut = describe(vectors::file("event-logs/derived-rhel8-truncated.bin"), "");
  EXPECT_EQ(cut.problems.size(), 1U);
}

// What the parser took apart, put together again: nothing is lost, whatever the log.
TEST(EventLog, EveryRecordedLogRoundTrips) {
  NODEPROOF_NEED_VECTORS();
  int logs = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(vectors::folder())) {
    if (!entry.is_regular_file()) continue;
    const Bytes content = vectors::file(std::filesystem::relative(entry.path(), vectors::folder()));
    if (describe(content, "").kind != "event-log") continue;
    const auto parsed = attest::parse_event_log(content);
    if (!parsed) continue;
    EXPECT_EQ(attest::serialize_event_log(*parsed), content) << entry.path();
    ++logs;
  }
  EXPECT_GT(logs, 25);
}

TEST(Inspect, ReportsOfEveryTypeSaySo) {
  NODEPROOF_NEED_VECTORS();
  EXPECT_NE(describe(vectors::file("azure-tdx/tdx-hcl-named-snp/hcl.bin"), "").title.find("TDX"),
            std::string::npos);
  EXPECT_NE(describe(vectors::file("azure-snp/genoa-v3-report/hcl.bin"), "").title.find("SNP"),
            std::string::npos);
}

}  // namespace
}  // namespace nodeproof::cli
