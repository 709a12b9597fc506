#include "attest/appraise.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "tests/support/forge_event_log.hpp"
#include "tests/unit/attest/listed.hpp"

namespace nodeproof::attest {
namespace {

const UnixTime kSince = forge::kNow;
constexpr Seconds kMaxAge{600};

NodeClaims quoted(const BootVerification& boot, const forge::QuoteOptions& quote) {
  QuoteVerification verified = verify_quote(forge::make_quote(forge::shared_world().ak, quote), boot,
                                            {quote.qualifying_data, false}, {kNodeQuotePcrs, true});
  return {boot.claims.value(), std::move(verified.claims).value(), kSince};
}

NodeClaims claims_of(const forge::BootOptions& options, bool known_paravisor = true,
                     std::span<const RevocationList> lists = {}) {
  const forge::World& world = forge::shared_world();
  const TrustAnchors anchors = forge::trust_anchors_of(world);
  const ReferenceValues references = known_paravisor ? forge::reference_values_of(world) : ReferenceValues{};
  const BootVerification boot = verify_boot(
      forge::make_boot_evidence(world, options),
      {.anchors = anchors, .reference_values = references, .now = forge::kNow, .revocation_lists = lists});
  return quoted(boot, {});
}

const NodeClaims& genuine() {
  static const NodeClaims claims = claims_of({});
  return claims;
}
const NodeClaims& without_residency() {
  static const NodeClaims claims = claims_of({.with_ak_certificate = false});
  return claims;
}
const NodeClaims& unknown_paravisor() {
  static const NodeClaims claims = claims_of({}, false);
  return claims;
}

NodeClaims trusted_launch_claims(const forge::EventLogOptions& options, bool with_log = true) {
  const forge::World& world = forge::shared_world();
  const TrustAnchors anchors = forge::trust_anchors_of(world);
  const ReferenceValues references;
  const forge::ForgedEventLog log = forge::make_event_log(options);
  const BootVerification boot = verify_trusted_launch(
      forge::make_trusted_launch_evidence(world, {.event_log = with_log ? log.log : Bytes()}),
      {.anchors = anchors, .reference_values = references, .now = forge::kNow});
  return quoted(boot, {.pcrs = log.pcrs});
}

const NodeClaims& trusted_launch() {
  static const NodeClaims claims = trusted_launch_claims({});
  return claims;
}
const NodeClaims& secure_boot_off() {
  static const NodeClaims claims = trusted_launch_claims({.secure_boot = false});
  return claims;
}
const NodeClaims& no_log() {
  static const NodeClaims claims = trusted_launch_claims({}, false);
  return claims;
}
const NodeClaims& confidential_without_log() {
  static const NodeClaims claims = claims_of({.event_log = Bytes()});
  return claims;
}

using Edit = std::function<void(AppraisalPolicy&)>;

struct Row {
  std::string name;
  const NodeClaims& (*claims)();
  Edit edit;
  std::string want;  // "check/code" of each finding, space separated; empty: met
};

class Appraise : public ::testing::TestWithParam<Row> {};

TEST_P(Appraise, ComparesClaimsWithThePolicy) {
  AppraisalPolicy policy;
  GetParam().edit(policy);
  const Appraisal appraisal = appraise(GetParam().claims(), policy, kMaxAge, kSince);
  EXPECT_EQ(not_passed(appraisal.findings), GetParam().want);
  EXPECT_EQ(appraisal.met, GetParam().want.empty());
  for (const Finding& finding : appraisal.findings) {
    EXPECT_EQ(finding.outcome, Outcome::kFailed);
    EXPECT_FALSE(finding.detail.empty());
    EXPECT_FALSE(finding.remedy.empty());
  }
}

void any(AppraisalPolicy& p) {
  p.node_class = RequiredNodeClass::kAny;
}
TcbVersion above(std::uint8_t TcbVersion::*component) {
  TcbVersion out = forge::kTcb;
  ++(out.*component);
  return out;
}

void of_trusted_launch(AppraisalPolicy& p) {
  p.node_class = RequiredNodeClass::kTrustedLaunch;
}
void all_of_boot(AppraisalPolicy& p) {
  of_trusted_launch(p);
  p.boot.secure_boot = p.boot.measured_boot = Requirement::kRequired;
}
void secure_boot_required(AppraisalPolicy& p) {
  p.boot.secure_boot = Requirement::kRequired;
}
void measured_boot_required(AppraisalPolicy& p) {
  p.boot.measured_boot = Requirement::kRequired;
}

INSTANTIATE_TEST_SUITE_P(
    Boot, Appraise,
    ::testing::Values(
        Row{"trusted_launch", trusted_launch, of_trusted_launch, ""},
        Row{"trusted_launch_any", trusted_launch, any, ""},
        Row{"trusted_launch_as_confidential", trusted_launch, [](AppraisalPolicy&) {}, "policy/node-class"},
        Row{"trusted_launch_with_snp", trusted_launch,
            [](AppraisalPolicy& p) {
              any(p);
              p.products = {Product::kMilan};
            },
            "policy/sev-snp"},
        Row{"all_of_boot", trusted_launch, all_of_boot, ""},
        Row{"secure_boot_off", secure_boot_off, all_of_boot, "secure-boot/disabled"},
        Row{"secure_boot_off_is_no_matter", secure_boot_off, of_trusted_launch, ""},
        Row{"no_log", no_log, all_of_boot, "secure-boot/not-proven event-log-replay/no-log"},
        Row{"no_log_is_no_matter", no_log, of_trusted_launch, ""},
        Row{"confidential", genuine, secure_boot_required, ""},
        Row{"confidential_measured", genuine, measured_boot_required, ""},
        Row{"confidential_by_the_paravisors_word", confidential_without_log, secure_boot_required, ""},
        Row{"confidential_not_measured", confidential_without_log, measured_boot_required,
            "event-log-replay/no-log"},
        Row{"pcr_listed", genuine,
            [](AppraisalPolicy& p) {
              p.boot.pcrs[4] = {Sha256Digest{}, forge::make_pcrs().at(4)};
            },
            ""},
        Row{"pcr_not_listed", genuine, [](AppraisalPolicy& p) { p.boot.pcrs[4] = {Sha256Digest{}}; },
            "policy/pcr"},
        Row{"two_pcrs_not_listed", genuine,
            [](AppraisalPolicy& p) { p.boot.pcrs[4] = p.boot.pcrs[9] = {Sha256Digest{}}; },
            "policy/pcr policy/pcr"},
        Row{"pcr_not_quoted", genuine, [](AppraisalPolicy& p) { p.boot.pcrs[10] = {Sha256Digest{}}; },
            "policy/pcr"}),
    [](const auto& param) { return param.param.name; });

TEST(Appraise, APcrOutsideItsListIsNamedWithEventAndValue) {
  AppraisalPolicy policy;
  policy.boot.pcrs[9] = {Sha256Digest{}};
  const Appraisal appraisal = appraise(genuine(), policy, kMaxAge, kSince);
  ASSERT_EQ(appraisal.findings.size(), 1U);
  const std::string value = to_hex(forge::make_pcrs().at(9));
  const Finding& finding = appraisal.findings[0];
  EXPECT_NE(finding.detail.find("PCR 9 is " + value), std::string::npos) << finding.detail;
  EXPECT_NE(finding.detail.find("measurements is EV_IPL"), std::string::npos) << finding.detail;
  EXPECT_NE(finding.remedy.find("add " + value + " to boot.pcrs of the policy under \"9\""),
            std::string::npos)
      << finding.remedy;
}

INSTANTIATE_TEST_SUITE_P(
    All, Appraise,
    ::testing::Values(
        Row{"default_policy", genuine, [](AppraisalPolicy&) {}, ""}, Row{"any", genuine, any, ""},
        Row{"ak_certificate_required", genuine,
            [](AppraisalPolicy& p) { p.ak_certificate = Requirement::kRequired; }, ""},
        Row{"trusted_launch", genuine,
            [](AppraisalPolicy& p) { p.node_class = RequiredNodeClass::kTrustedLaunch; },
            "policy/node-class"},
        Row{"product", genuine, [](AppraisalPolicy& p) { p.products = {Product::kMilan}; }, ""},
        Row{"other_product", genuine, [](AppraisalPolicy& p) { p.products = {Product::kGenoa}; },
            "policy/product"},
        Row{"tcb_equal", genuine, [](AppraisalPolicy& p) { p.minimum_tcb[Product::kMilan] = forge::kTcb; },
            ""},
        Row{"tcb_bootloader", genuine,
            [](AppraisalPolicy& p) { p.minimum_tcb[Product::kMilan] = above(&TcbVersion::bootloader); },
            "policy/tcb"},
        Row{"tcb_microcode", genuine,
            [](AppraisalPolicy& p) { p.minimum_tcb[Product::kMilan] = above(&TcbVersion::microcode); },
            "policy/tcb"},
        Row{"tcb_of_other_product", genuine,
            [](AppraisalPolicy& p) { p.minimum_tcb[Product::kGenoa] = above(&TcbVersion::snp); }, ""},
        Row{"guest_svn_equal", genuine,
            [](AppraisalPolicy& p) { p.minimum_guest_svn[Product::kMilan] = forge::kGuestSvn; }, ""},
        Row{"guest_svn_low", genuine,
            [](AppraisalPolicy& p) { p.minimum_guest_svn[Product::kMilan] = forge::kGuestSvn + 1; },
            "policy/guest-svn"},
        Row{"measurement", genuine,
            [](AppraisalPolicy& p) { p.measurements = {genuine().boot.confidential()->snp().measurement()}; },
            ""},
        Row{"other_measurement", genuine, [](AppraisalPolicy& p) { p.measurements = {ByteArray<48>{1}}; },
            "policy/measurement"},
        Row{"no_residency", without_residency, [](AppraisalPolicy&) {}, "ak-residency/not-proven"},
        Row{"no_residency_any", without_residency, any, ""},
        Row{"no_residency_any_but_required", without_residency,
            [](AppraisalPolicy& p) {
              any(p);
              p.ak_certificate = Requirement::kRequired;
            },
            "ak-residency/not-proven"},
        Row{"unknown_paravisor", unknown_paravisor, [](AppraisalPolicy&) {}, "paravisor/unknown-paravisor"},
        Row{"unknown_paravisor_any", unknown_paravisor, any, ""},
        // The report's fields are unproven then, so nothing that asks for them can be met.
        Row{"unknown_paravisor_any_with_product", unknown_paravisor,
            [](AppraisalPolicy& p) {
              any(p);
              p.products = {Product::kMilan};
            },
            "paravisor/unknown-paravisor"}),
    [](const auto& param) { return param.param.name; });

struct TimeRow {
  std::string name;
  Seconds after;  // the start of the quote's epoch
  Seconds max_age;
  std::string want;
};

class AppraiseAge : public ::testing::TestWithParam<TimeRow> {};

TEST_P(AppraiseAge, IsDecidedAtDecisionTime) {
  const Appraisal appraisal =
      appraise(genuine(), AppraisalPolicy{}, GetParam().max_age, kSince + GetParam().after);
  EXPECT_EQ(not_passed(appraisal.findings), GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(
    All, AppraiseAge,
    ::testing::Values(TimeRow{"now", Seconds(0), Seconds(20), ""},
                      TimeRow{"own_epoch_plus_one", Seconds(-30), Seconds(20), ""},
                      TimeRow{"at_the_limit", Seconds(20), Seconds(20), ""},
                      TimeRow{"past_the_limit", Seconds(21), Seconds(20), "evidence-age/stale"},
                      TimeRow{"ak_certificate_expired", std::chrono::hours(24 * 400),
                              std::chrono::hours(24 * 4000), "certificate-chain/expired"},
                      TimeRow{"before_the_certificates", -std::chrono::hours(24 * 100), Seconds(20),
                              "certificate-chain/not-yet-valid"}),
    [](const auto& param) { return param.param.name; });

// nextUpdate ends the claims although certificates and quote are current.
TEST(AppraiseLists, ClaimsEndWithTheRevocationListTheyRestOn) {
  const forge::World& world = forge::shared_world();
  const UnixTime next_update = forge::kNow + std::chrono::hours(2);
  const auto lists =
      parse_revocation_lists(forge::make_revocation_list(world.amd.ark, {.next_update = next_update}), "crl");
  ASSERT_TRUE(lists) << to_string(lists.error());
  const NodeClaims claims = claims_of({}, true, *lists);
  EXPECT_EQ(claims.boot.validity().until, next_update);
  const auto at = [&](UnixTime now) {
    return not_passed(appraise(claims, AppraisalPolicy{}, std::chrono::hours(24), now).findings);
  };
  EXPECT_EQ(at(next_update), "");
  EXPECT_EQ(at(next_update + Seconds(1)), "certificate-chain/expired");
}

TEST(AgeOf, IsNeverNegative) {
  EXPECT_EQ(age_of(genuine(), kSince + Seconds(42)), Seconds(42));
  EXPECT_EQ(age_of(genuine(), kSince - Seconds(42)), Seconds(0));
}

TEST(Policy, WordsAreThoseOfTheObject) {
  EXPECT_EQ(to_string(EnforcementAction::kDeny), "Deny");
  EXPECT_EQ(to_string(EnforcementAction::kWarn), "Warn");
  EXPECT_EQ(to_string(EnforcementAction::kDryRun), "DryRun");
  EXPECT_EQ(to_string(RequiredNodeClass::kConfidential), "Confidential");
  EXPECT_EQ(to_string(RequiredNodeClass::kTrustedLaunch), "TrustedLaunch");
  EXPECT_EQ(to_string(RequiredNodeClass::kAny), "Any");
}

}  // namespace
}  // namespace nodeproof::attest
