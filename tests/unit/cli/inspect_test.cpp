#include "cli/inspect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <sstream>

#include "attest/event_log.hpp"
#include "tests/unit/cli/published_node.hpp"

namespace nodeproof::cli {
namespace {

using test::TemporaryFolder;
using ::testing::HasSubstr;
using testing::make_node_evidence;
using testing::make_node_quote;

Bytes text(std::string_view content) {
  return to_bytes(as_bytes(content));
}

Bytes event_log() {
  attest::EventLog log;
  log.spec_id = attest::SpecId{};
  log.spec_id->algorithms = {{attest::kTpmAlgSha256, 32}};
  attest::LogEvent event;
  event.pcr = 7;
  event.type = attest::kEvSeparator;
  event.digests.push_back({attest::kTpmAlgSha256, Bytes(32, 1)});
  event.data = Bytes(4);
  log.events = {event, event};
  return attest::serialize_event_log(log);
}

struct Seed {
  std::string kind;
  Bytes content;
};

std::vector<Seed> seeds() {
  const wire::NodeEvidence evidence = make_node_evidence();
  const wire::NodeQuote quote = make_node_quote(evidence);
  Bytes padded = evidence.certificates[0];
  padded.resize(4096);
  return {
      {"hcl-report", evidence.hcl_report},
      {"snp-report", Bytes(evidence.hcl_report.begin() + 32, evidence.hcl_report.begin() + 32 + 1184)},
      {"certificate", evidence.certificates[0]},
      {"certificate", padded},
      {"certificate", forge::to_pem(forge::shared_world().amd.ark.certificate)},
      {"private-key", forge::shared_world().other_ak.to_pem()},
      {"tpms-attest", quote.attest},
      {"tpmt-signature", quote.signature},
      {"event-log", event_log()},
      {"node-evidence", text(to_json(evidence))},
      {"node-quote", text(to_json(quote))},
      {"node-quote", text("# from a cluster\n" + to_json(quote))},
      {"pcrs-json", text(R"({"7": ")" + std::string(64, 'a') + "\"}")},
      {"admission-review",
       text(R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u"}})")},
      {"jwt", text("eyJhbGciOiJub25lIn0.eyJhIjoxfQ.")},
      {"hex", text("0011223344556677\n")},
      {"json", text(R"({"a": [1, {"b": null}]})")},
      {"yaml", text("a: 1\nb: [x]\n")},
      {"text", text("Hello, world.\n")},
  };
}

std::string shown(const Description& description) {
  std::ostringstream out;
  print_description(out, description);
  return out.str();
}

// Everything printed is fit for a terminal, whatever the file.
void expect_harmless(const Description& description) {
  const std::string out = shown(description);
  EXPECT_TRUE(std::all_of(out.begin(), out.end(), [](char c) {
    return c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  }));
  std::ostringstream json;
  print_description_json(json, description);
  EXPECT_THAT(json.str(), HasSubstr(R"("verified":false)"));
}

TEST(Inspect, KnowsEachKindAndSaysThatNothingIsVerified) {
  for (const Seed& seed : seeds()) {
    const Description description = describe(seed.content, "file");
    EXPECT_EQ(description.kind, seed.kind) << shown(description);
    EXPECT_THAT(description.problems, ::testing::IsEmpty()) << seed.kind;
    EXPECT_THAT(shown(description), HasSubstr("Nothing is verified")) << seed.kind;
    expect_harmless(description);
  }
}

TEST(Inspect, WhatIsWrongIsNamedWithItsPlace) {
  Bytes report = seeds()[1].content;
  report[0] = 99;
  EXPECT_THAT(shown(describe(report, "")),
              HasSubstr("Looks like: AMD SEV-SNP attestation report, but:\n  report.version at 0x000"));
  Bytes log = event_log();
  log.pop_back();
  EXPECT_THAT(shown(describe(log, "")), HasSubstr("event_log.event[2].event at "));
  Bytes attest = seeds()[6].content;
  attest.pop_back();
  EXPECT_THAT(shown(describe(attest, "")), HasSubstr("attest.pcrDigest at "));
}

TEST(Inspect, APrivateKeyIsNeverShown) {
  const Bytes pem = forge::shared_world().other_ak.to_pem();
  const std::string second_line(as_text(pem).substr(as_text(pem).find('\n') + 1, 20));
  EXPECT_EQ(shown(describe(pem, "")).find(second_line), std::string::npos);
}

TEST(Inspect, NoPrefixAndNoFlipTripsIt) {
  for (const Seed& seed : seeds()) {
    const std::size_t step = 1 + seed.content.size() / 300;
    for (std::size_t size = 0; size < seed.content.size(); size += step)
      expect_harmless(describe(ByteView(seed.content).first(size), "file"));
    for (std::size_t at = 0; at < seed.content.size(); at += step) {
      Bytes flipped = seed.content;
      flipped[at] ^= static_cast<std::uint8_t>(1U << (at % 8));
      expect_harmless(describe(flipped, "file"));
    }
  }
}

TEST(Inspect, RandomBytesAreShownAsUnknownOrAsWhatTheyLookLike) {
  std::mt19937 random(20260825);
  for (int round = 0; round < 2000; ++round) {
    Bytes bytes(random() % 1500);
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
    expect_harmless(describe(bytes, "file"));
  }
}

TEST(Inspect, UnknownBytesAreDescribedByTheirSizeAndBeginning) {
  const std::string out = shown(describe(Bytes{0xde, 0xad, 0xbe, 0xef, 0x00}, "x"));
  EXPECT_THAT(out, HasSubstr("Unknown file"));
  EXPECT_THAT(out, HasSubstr("5 bytes"));
  EXPECT_THAT(out, HasSubstr("deadbeef00"));
  EXPECT_THAT(shown(describe({}, "x")), HasSubstr("the file is empty"));
  EXPECT_THAT(shown(describe(Bytes(2600), "x")), HasSubstr("all bytes are zero"));
}

TEST(Inspect, ExitCodesTellRecognisedUnknownAndUnreadableApart) {
  const TemporaryFolder folder;
  std::ostringstream out;
  std::ostringstream err;
  EXPECT_EQ(inspect({folder.write("a", "{}"), false}, out, err), kVerified);
  EXPECT_EQ(err.str(), "");
  EXPECT_EQ(inspect({folder.write("b", std::string_view("\x01\x02\xff", 3)), true}, out, err), kUsage);
  EXPECT_THAT(out.str(), HasSubstr(R"("kind":"unknown")"));
  EXPECT_THAT(err.str(), HasSubstr("nothing that nodeproof knows"));
  EXPECT_EQ(inspect({"/nonexistent/file", false}, out, err), kEnvironment);
}

}  // namespace
}  // namespace nodeproof::cli
