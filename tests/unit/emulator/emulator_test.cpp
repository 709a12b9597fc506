// The program as a whole: evidence collected over ESYS and THIM, as the agent does, judged by attest.
#include <gtest/gtest.h>

#include "agent/collector.hpp"
#include "agent/esys_tpm.hpp"
#include "agent/firmware.hpp"
#include "agent/thim_client.hpp"
#include "attest/event_log.hpp"
#include "attest/hcl_report.hpp"
#include "attest/runtime_claims.hpp"
#include "tests/emulator/authority.hpp"
#include "tests/support/forge_event_log.hpp"
#include "tests/unit/emulator/emulator_process.hpp"
#include "wire/reference_values.hpp"

namespace nodeproof::emulator {
namespace {

using agent::EsysTpm;
using attest::Check;
using attest::Outcome;

constexpr std::size_t kFileLimit = 1U << 20U;
constexpr unsigned kFastBits = 2048;
constexpr const char* kVmId = "6F9D0F6C-3C0A-4A51-9F43-4D0A5F3C2B10";

template <std::size_t N>
ByteArray<N> filled(std::uint8_t value) {
  ByteArray<N> out{};
  out.fill(value);
  return out;
}

agent::KernelFirmware firmware_of(const EmulatorProcess& node) {
  const std::filesystem::path security = node.sys() / "kernel/security";
  return agent::KernelFirmware({security / "tpm0/binary_bios_measurements",
                                node.sys() / "firmware/efi/efivars", security / "lockdown"});
}

attest::Certificate ak_certificate_of(EsysTpm& tpm) {
  const auto der = attest::cut_der(tpm.read_nv(agent::kAkCertificateIndex), "AK certificate");
  return attest::Certificate::parse_der(der.value(), "AK certificate").value();
}

class EmulatorTest : public testing::Test {
 protected:
  EmulatorTest() { make_authority(authority(), kFastBits, SystemClock().now()); }

  std::filesystem::path authority() const { return folder_ / "authority"; }

  // `run` with the options in `more`, and the test's own machine where they name no other.
  std::vector<std::string> arguments(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"run", "--authority", authority().string()});
    const auto add = [&](const std::string& option, const std::string& value) {
      if (std::find(more.begin(), more.end(), option) == more.end()) {
        more.insert(more.end(), {option, value});
      }
    };
    add("--state", (folder_ / "machine").string());
    add("--vm-id", kVmId);
    return more;
  }

  std::unique_ptr<EmulatorProcess> start(std::vector<std::string> more = {}) const {
    auto process = std::make_unique<EmulatorProcess>(arguments(std::move(more)), folder_ / "stderr");
    process->wait_until_ready();
    return process;
  }

  // Exit status and message of a start that must fail.
  std::pair<int, std::string> fail(std::vector<std::string> all, const char* search_path = nullptr) const {
    EmulatorProcess process(std::move(all), folder_ / "stderr-of-failure", search_path);
    const int status = process.wait();
    return {status, process.error_text()};
  }

  attest::BootVerification verify_boot(const EmulatorProcess& node, EsysTpm& tpm,
                                       const Sha512Digest& challenge, bool with_ak_certificate = true) const {
    attest::BootEvidence evidence;
    evidence.hcl_report = tpm.read_nv(agent::kHclReportIndex);
    const auto reply = agent::fetch_thim_certification(node.thim(), {}, Seconds(30));
    const auto endorsements = agent::parse_thim_reply(reply);
    EXPECT_TRUE(endorsements);
    for (const Bytes& der : endorsements.value()) {
      evidence.certificates.push_back(attest::Certificate::parse_der(der, "THIM").value());
    }
    if (with_ak_certificate) evidence.ak_certificate = ak_certificate_of(tpm);
    evidence.event_log = firmware_of(node).read().event_log;
    const Bytes yaml = read_file(authority() / "reference-values.yaml", kFileLimit);
    const auto values = wire::parse_reference_values(as_text(yaml), "reference-values.yaml").value();
    return attest::verify_boot(evidence, {.anchors = anchors(),
                                          .reference_values = values,
                                          .now = SystemClock().now(),
                                          .report_challenge = challenge});
  }

  attest::BootVerification verify_trusted_launch(const EmulatorProcess& node, EsysTpm& tpm) const {
    return attest::verify_trusted_launch(
        {{}, ak_certificate_of(tpm), firmware_of(node).read().event_log},
        {.anchors = anchors(), .reference_values = {}, .now = SystemClock().now()});
  }

  static attest::QuoteVerification verify_quote(EsysTpm& tpm, const attest::BootVerification& boot) {
    const auto nonce = filled<32>(0x21);
    const agent::RawQuote raw = tpm.quote(attest::kNodeQuotePcrs, nonce);
    const attest::QuoteEvidence evidence{raw.attest, raw.signature, tpm.read_pcrs(attest::kNodeQuotePcrs)};
    return attest::verify_quote(evidence, boot, {.value = to_bytes(nonce)},
                                {.selection = attest::kNodeQuotePcrs, .exact = true});
  }

  test::TemporaryFolder folder_;

 private:
  attest::TrustAnchors anchors() const {
    attest::TrustAnchors out;
    EXPECT_TRUE(
        attest::add_trust_anchors(out, certificates("amd-ark.pem"), certificates("vtpm-trust-anchors.pem")));
    return out;
  }
  std::vector<attest::Certificate> certificates(const std::string& name) const {
    return attest::parse_certificates(read_file(authority() / name, kFileLimit), name).value();
  }
};

// PCRs that do not hold what the log tells, of those that a quote covers.
std::vector<unsigned> unexplained(ByteView bytes, EsysTpm& tpm) {
  const attest::EventLog log = attest::parse_event_log(bytes).value();
  std::vector<forge::PcrExtend> extends;
  for (const attest::LogEvent& event : log.events)
    extends.push_back({event.pcr, to_array<32>(event.digests.at(0).digest, "digest").value()});
  const attest::PcrValues told = forge::extended_pcrs(extends);
  std::vector<unsigned> out;
  for (const auto& [pcr, value] : tpm.read_pcrs(attest::kNodeQuotePcrs)) {
    if (told.at(pcr) != value) out.push_back(pcr);
  }
  return out;
}

std::optional<bool> claimed_secure_boot(EsysTpm& tpm) {
  const Bytes nv = tpm.read_nv(agent::kHclReportIndex);
  const auto hcl = attest::parse_hcl_report(nv);
  return attest::parse_runtime_claims(hcl.value().runtime_claims).value().secure_boot;
}

void expect_all_passed(const attest::Findings& findings) {
  EXPECT_FALSE(findings.empty());
  for (const attest::Finding& finding : findings) {
    EXPECT_EQ(finding.outcome, Outcome::kPassed) << name_of(finding.check) << ": " << finding.detail;
  }
}

TEST_F(EmulatorTest, EvidencePassesEveryCheck) {
  for (const char* product : {"Milan", "Genoa"}) {
    const std::string state = (folder_ / product).string();
    const auto node = start({"--product", product, "--state", state});
    EsysTpm tpm(node->tcti());
    tpm.write_user_data(filled<64>(1));
    const auto boot = verify_boot(*node, tpm, filled<64>(1));
    expect_all_passed(boot.findings);
    ASSERT_TRUE(boot.claims);
    EXPECT_EQ(to_string(boot.claims->confidential()->product()), product);
    EsysTpm second_client(node->tcti());
    expect_all_passed(verify_quote(tpm, boot).findings);
    expect_all_passed(verify_quote(second_client, boot).findings);
    EXPECT_EQ(node->stop(), 0) << node->error_text();
  }
}

TEST_F(EmulatorTest, ReportFollowsTheChallenge) {
  const auto node = start();
  EsysTpm tpm(node->tcti());
  const auto freshness = [&](const Sha512Digest& challenge) {
    return find(verify_boot(*node, tpm, challenge).findings, Check::kReportFreshness)->code;
  };
  EXPECT_EQ(freshness(filled<64>(1)), "challenge-absent");
  for (const std::uint8_t value : ByteArray<3>{1, 2, 1}) {
    tpm.write_user_data(filled<64>(value));
    EXPECT_EQ(freshness(filled<64>(value)), "");
    const Bytes once = tpm.read_nv(agent::kHclReportIndex);
    EXPECT_EQ(tpm.read_nv(agent::kHclReportIndex), once);  // no new challenge, no new report
  }
}

TEST_F(EmulatorTest, ARestartIsARebootOfTheSameMachine) {
  auto node = start();
  std::optional<attest::PublicKey> ak;
  std::uint32_t resets = 0;
  for (int boots = 0; boots < 3; ++boots) {
    EsysTpm tpm(node->tcti());
    if (boots == 0) tpm.write_user_data(filled<64>(9));
    const auto boot = verify_boot(*node, tpm, filled<64>(9));
    expect_all_passed(boot.findings);
    const auto quote = verify_quote(tpm, boot);
    expect_all_passed(quote.findings);
    ASSERT_TRUE(boot.unverified_ak && quote.claims);
    EXPECT_TRUE(!ak || *ak == boot.unverified_ak->key);
    EXPECT_GT(quote.claims->quote().reset_count, resets);
    ak = boot.unverified_ak->key;
    resets = quote.claims->quote().reset_count;
    // In order or not, the machine survives.
    EXPECT_EQ(node->stop(boots == 0 ? SIGTERM : SIGKILL), boots == 0 ? 0 : 128 + SIGKILL);
    node = start();
  }
}

TEST_F(EmulatorTest, ASwappedAkFailsTheQuoteSignature) {
  {
    const auto node = start();
    EsysTpm tpm(node->tcti());
    tpm.write_user_data(filled<64>(1));
    expect_all_passed(verify_boot(*node, tpm, filled<64>(1)).findings);
  }
  const auto attacked = start({"--swap-ak"});
  EsysTpm tpm(attacked->tcti());
  const auto boot = verify_boot(*attacked, tpm, filled<64>(1));
  expect_all_passed(boot.findings);  // the old report and certificate, each genuine
  const auto quote = verify_quote(tpm, boot);
  EXPECT_EQ(find(quote.findings, Check::kQuoteSignature)->outcome, Outcome::kFailed);
  EXPECT_FALSE(quote.claims);
  tpm.write_user_data(filled<64>(2));
  EXPECT_EQ(find(verify_boot(*attacked, tpm, filled<64>(2)).findings, Check::kReportFreshness)->code,
            "challenge-differs");
}

TEST_F(EmulatorTest, CanLeaveTheAkUncertified) {
  const auto node = start({"--no-ak-certificate"});
  EsysTpm tpm(node->tcti());
  EXPECT_FALSE(tpm.has_nv(agent::kAkCertificateIndex));
  const auto boot = verify_boot(*node, tpm, {}, false);
  EXPECT_EQ(first_failed(boot.findings), nullptr);
  ASSERT_TRUE(boot.claims);
  EXPECT_FALSE(boot.claims->ak_resident());
}

TEST_F(EmulatorTest, CanLeaveTheTpmBare) {
  const auto node = start({"--no-tpm-provisioning"});
  EsysTpm tpm(node->tcti());
  EXPECT_FALSE(tpm.has_ak());
  EXPECT_FALSE(tpm.has_nv(agent::kHclReportIndex));
}

TEST_F(EmulatorTest, TheEventLogExplainsThePcrsAfterEveryBoot) {
  for (const char* node_class : {"confidential", "trusted-launch"}) {
    const std::string state = (folder_ / node_class).string();
    for (const char* secure_boot : {"on", "off", "on"}) {
      const auto node = start({"--class", node_class, "--state", state, "--secure-boot", secure_boot});
      EsysTpm tpm(node->tcti());
      const agent::BootFacts facts = firmware_of(*node).read();
      const bool on = std::string_view(secure_boot) == "on";
      EXPECT_EQ(unexplained(facts.event_log, tpm), std::vector<unsigned>{}) << node_class << secure_boot;
      EXPECT_EQ(facts.event_log, forge::make_event_log({.secure_boot = on}).log);
      EXPECT_EQ(facts.efi, (wire::EfiFacts{on, false, on ? "integrity" : "none"}));
      if (tpm.has_nv(agent::kHclReportIndex)) {
        EXPECT_EQ(claimed_secure_boot(tpm), on);
      }
      EXPECT_EQ(node->stop(), 0);
    }
  }
}

TEST_F(EmulatorTest, ATrustedLaunchNodePassesEveryCheckAndTellsOfSecureBoot) {
  for (const bool on : {true, false}) {
    const auto node = start({"--class", "trusted-launch", "--secure-boot", on ? "on" : "off"});
    EsysTpm tpm(node->tcti());
    const auto boot = verify_trusted_launch(*node, tpm);
    expect_all_passed(boot.findings);
    const auto quote = verify_quote(tpm, boot);
    expect_all_passed(quote.findings);
    ASSERT_TRUE(boot.claims && quote.claims);
    EXPECT_EQ(attest::secure_boot_of(*boot.claims, *quote.claims), on);
    EXPECT_EQ(node->stop(), 0);
  }
}

TEST_F(EmulatorTest, ATamperedBootMeasuresAnotherKernelThanTheLogTellsOf) {
  const auto node = start({"--class", "trusted-launch", "--tamper-boot"});
  EsysTpm tpm(node->tcti());
  const agent::BootFacts facts = firmware_of(*node).read();
  EXPECT_EQ(facts.event_log, forge::make_event_log().log);
  EXPECT_EQ(unexplained(facts.event_log, tpm), (std::vector<unsigned>{4, 9}));
  const auto quote = verify_quote(tpm, verify_trusted_launch(*node, tpm));
  EXPECT_EQ(find(quote.findings, Check::kEventLogReplay)->outcome, Outcome::kFailed);
  ASSERT_TRUE(quote.claims);
  EXPECT_EQ(quote.claims->measured_boot(), attest::MeasuredBoot::kMismatch);
}

TEST_F(EmulatorTest, CanGoWithoutEventLog) {
  EXPECT_EQ(start()->stop(), 0);  // leaves a log behind
  const auto node = start({"--no-event-log"});
  const agent::BootFacts facts = firmware_of(*node).read();
  ASSERT_TRUE(facts.no_event_log);
  EXPECT_EQ(facts.no_event_log->code, agent::kNoLog);
  EXPECT_EQ(facts.efi.secure_boot, true);
}

class NoEndorsements final : public agent::EndorsementSource {
 public:
  std::vector<Bytes> endorsements(const agent::EndorsementKey&, const std::stop_token&) override {
    throw agent::EndorsementError("nobody was to be asked");
  }
};

TEST_F(EmulatorTest, TheAgentCollectsATrustedLaunchNode) {
  const auto node = start({"--class", "trusted-launch"});
  EXPECT_EQ(node->thim(), "");
  EsysTpm tpm(node->tcti());
  agent::KernelFirmware firmware = firmware_of(*node);
  NoEndorsements endorsements;
  agent::SteadyTimer timer;
  const SystemClock clock;
  agent::Collector collector(tpm, firmware, endorsements, timer, clock);
  const attest::BootIdentity boot{"0b6f5f4e-7d7f-4b1e-9f7d-0a1b2c3d4e5f", forge::kVmId.data()};
  const wire::NodeEvidence evidence = collector.collect("node-1", boot, {{"0123456789abcdef", 7}, {}}, {});
  EXPECT_EQ(evidence.platform, wire::kPlatformTrustedLaunch) << evidence.collection.detail;
  EXPECT_EQ(evidence.collection, wire::CollectionState{});
  EXPECT_FALSE(evidence.event_log.empty());
  EXPECT_EQ(evidence.ak_certificate, ak_certificate_of(tpm).der());
}

TEST_F(EmulatorTest, FailuresNameTheirRemedy) {
  struct Case {
    std::vector<std::string> arguments;
    const char* search_path;
    int status;
    const char* message;
  };
  const auto node = start();
  const std::string other = (folder_ / "other").string();
  const Case cases[] = {
      {{}, nullptr, 2, "subcommand is required"},
      {arguments({"--port", "65536"}), nullptr, 2, "--port"},
      {arguments({"--vm-id", "none"}), nullptr, 2, "--vm-id"},
      {arguments({"--product", "Turin"}), nullptr, 2, "--product"},
      {arguments({"--class", "ordinary"}), nullptr, 2, "--class"},
      {arguments({"--secure-boot", "perhaps"}), nullptr, 2, "--secure-boot"},
      {{"run", "--authority", other, "--state", other, "--vm-id", kVmId}, nullptr, 3, "make-authority --dir"},
      {{"make-authority", "--dir", authority().string()}, nullptr, 3, "delete it to make another"},
      {arguments(), nullptr, 3, "another emulator using this state directory"},
      {arguments({"--product", "Genoa"}), nullptr, 3, "choose another folder by --state"},
      {arguments({"--class", "trusted-launch"}), nullptr, 3, "choose another folder by --state"},
      {arguments({"--state", other}), "/nonexistent", 3, "install the package swtpm"},
  };
  for (const Case& c : cases) {
    const auto [status, message] = fail(c.arguments, c.search_path);
    EXPECT_EQ(status, c.status) << message;
    EXPECT_NE(message.find(c.message), std::string::npos) << message;
  }
  EXPECT_EQ(node->stop(), 0);
}

TEST_F(EmulatorTest, RefusesTheStateOfAnotherAuthority) {
  EXPECT_EQ(start()->stop(), 0);
  std::filesystem::remove_all(authority());
  make_authority(authority(), kFastBits, SystemClock().now());
  const auto [status, message] = fail(arguments());
  EXPECT_EQ(status, 3);
  EXPECT_NE(message.find("under another authority"), std::string::npos) << message;
}

}  // namespace
}  // namespace nodeproof::emulator
