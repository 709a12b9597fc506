#include "cli/verify_trusted_launch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/forge_event_log.hpp"
#include "tests/unit/cli/published_node.hpp"

namespace nodeproof::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The files that somebody took from a Trusted Launch VM, and the roots that vouch for it.
class VerifyTrustedLaunch : public ::testing::Test {
 protected:
  VerifyTrustedLaunch() { write({}, forge::make_event_log()); }

  std::string text(const std::string& name, ByteView bytes) { return folder_.write(name, as_text(bytes)); }

  void write(const forge::TrustedLaunchOptions& evidence, const forge::ForgedEventLog& boot,
             forge::QuoteOptions quote = {}) {
    const forge::World& world = forge::shared_world();
    quote.pcrs = boot.pcrs;
    const attest::TrustedLaunchEvidence taken = forge::make_trusted_launch_evidence(world, evidence);
    const attest::QuoteEvidence quoted = forge::make_quote(world.ak, quote);
    Bytes values;
    for (const auto& [pcr, value] : boot.pcrs) append(values, value);
    options_.ak_certificate = text("ak.der", taken.ak_certificate->der());
    options_.quote = text("quote.msg", quoted.attest);
    options_.signature = text("quote.sig", quoted.signature);
    options_.pcrs = text("pcrs.bin", values);
    options_.event_log = text("log.bin", boot.log);
    options_.qualifying_data = to_hex(quote.qualifying_data);
    Bytes roots = forge::to_pem(world.vtpm.root.certificate);
    append(roots, forge::to_pem(world.vtpm.intermediate.certificate));
    options_.trust_anchors = {text("roots.pem", roots)};
  }

  ExitCode run() {
    out_.str({});
    err_.str({});
    return verify_trusted_launch(options_, forge::kNow, out_, err_);
  }

  test::TemporaryFolder folder_;
  TrustedLaunchOptions options_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(VerifyTrustedLaunch, AcceptsWhatIsRight) {
  EXPECT_EQ(run(), kVerified) << out_.str() << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("ak-certificate"));
  EXPECT_THAT(out_.str(), HasSubstr("event-log-replay"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("hcl-frame"))) << "checks that do not apply are absent";
}

TEST_F(VerifyTrustedLaunch, ItsClaimsAreInJson) {
  options_.json = true;
  EXPECT_EQ(run(), kVerified);
  EXPECT_THAT(out_.str(), HasSubstr(R"("secureBoot":"enabled")"));
  EXPECT_THAT(out_.str(), HasSubstr(R"("id":")" + std::string(forge::kVmId)));
  EXPECT_THAT(out_.str(), Not(HasSubstr(R"("snp")")));
}

TEST_F(VerifyTrustedLaunch, RefusesATamperedBootAndNamesThePcr) {
  const auto right = forge::make_event_log();
  auto mixed = forge::make_event_log({.kernel = "another one"});
  mixed.log = right.log;
  write({}, mixed);
  EXPECT_EQ(run(), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("Refused: event-log-replay failed"));
  EXPECT_THAT(out_.str(), HasSubstr("PCR 4 is"));
}

TEST_F(VerifyTrustedLaunch, RefusesACertificateOfTheOtherClassOrKey) {
  write({.ak_certificate = {}}, forge::make_event_log());
  EXPECT_EQ(run(), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("wrong-node-class"));
  write({.certify_other_ak = true}, forge::make_event_log());
  EXPECT_EQ(run(), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("Refused: ak-certificate failed"));
  EXPECT_THAT(out_.str(), HasSubstr("key-mismatch"));
}

TEST_F(VerifyTrustedLaunch, WithoutALogTheBootStaysOpen) {
  options_.event_log.clear();
  EXPECT_EQ(run(), kVerified) << out_.str();
  EXPECT_THAT(out_.str(), HasSubstr("no-event-log"));
}

TEST_F(VerifyTrustedLaunch, WithoutChallengeOrQuoteItRefuses) {
  options_.qualifying_data.clear();
  EXPECT_EQ(run(), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("no-challenge"));
  options_.accept_unfresh = true;
  EXPECT_EQ(run(), kVerified);
  options_.quote = options_.signature = options_.pcrs = {};
  EXPECT_EQ(run(), kRefused);
  options_.signature = folder_.write("s", "x");
  EXPECT_EQ(run(), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("give all three"));
}

TEST_F(VerifyTrustedLaunch, WhatIsStrictIsStrict) {
  write({}, forge::make_event_log(), {.qualified_signer = Bytes(34, 1)});
  EXPECT_EQ(run(), kVerified) << out_.str();
  EXPECT_THAT(out_.str(), HasSubstr("not checked  ak-name"));
  options_.strict = true;
  EXPECT_EQ(run(), kRefused);
  EXPECT_THAT(out_.str(), HasSubstr("Refused: ak-name failed"));
}

TEST_F(VerifyTrustedLaunch, FilesThatAreNotThereOrNotCertificatesAreNamed) {
  options_.event_log = "/nonexistent/log";
  EXPECT_EQ(run(), kEnvironment);
  EXPECT_THAT(err_.str(), HasSubstr("/nonexistent/log"));
  options_.event_log.clear();
  options_.ak_certificate = folder_.write("not", "a certificate");
  EXPECT_EQ(run(), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("not"));
}

}  // namespace
}  // namespace nodeproof::cli
