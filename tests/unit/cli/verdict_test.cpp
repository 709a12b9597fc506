#include "cli/verdict.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/forge.hpp"
#include "tests/unit/attest/listed.hpp"

namespace nodeproof::cli {
namespace {

using attest::Check;
using forge::shared_world;

const attest::BootVerification& boot() {
  static const attest::BootVerification verified = [] {
    const attest::TrustAnchors anchors = forge::trust_anchors_of(shared_world());
    const attest::ReferenceValues values = forge::reference_values_of(shared_world());
    return attest::verify_boot(forge::make_boot_evidence(shared_world()),
                               {.anchors = anchors, .reference_values = values, .now = forge::kNow});
  }();
  return verified;
}

constexpr std::string_view kNeverOffline =
    "evidence-binding/offline evidence-age/offline epoch-future/offline";
constexpr std::string_view kNeverOfflineOfANode =
    "node-identity/offline node-inventory/offline duplicate-identity/offline boot-changed/offline "
    "counters/offline policy/no-policy";

TEST(OfflineVerdict, ListsWhatItCannotShow) {
  const forge::QuoteOptions options;
  const attest::QuoteVerification quote =
      attest::verify_quote(forge::make_quote(shared_world().ak, options), boot(),
                           {options.qualifying_data, false}, attest::RequiredPcrs{});
  const Verdict verdict = offline_verdict(boot(), &quote);
  EXPECT_TRUE(verdict.verified());
  EXPECT_EQ(not_passed(verdict.findings), "report-freshness/no-challenge " + std::string(kNeverOffline) +
                                              " " + std::string(kNeverOfflineOfANode));
}

TEST(OfflineVerdict, RefusesWithoutAQuote) {
  const Verdict verdict = offline_verdict(boot(), nullptr);
  EXPECT_FALSE(verdict.verified());
  EXPECT_EQ(not_passed(verdict.findings),
            "report-freshness/no-challenge quote-format/no-quote ak-name/no-quote quote-signature/no-quote "
            "pcr-selection/no-quote pcr-digest/no-quote qualifying-data/no-quote " +
                std::string(kNeverOffline) +
                " event-log-replay/no-quote secure-boot/no-quote vm-id/no-quote " +
                std::string(kNeverOfflineOfANode));
}

// DESIGN 9: the list of what a verdict of "verified" may leave open is exact.
TEST(OfflineVerdict, LeavesOnlyTheseOpen) {
  const std::set<std::string_view> may_stay_open{
      "report-freshness",   "ak-certificate",   "epoch-origin", "evidence-binding", "evidence-age",
      "epoch-future",       "event-log-replay", "secure-boot",  "node-identity",    "node-inventory",
      "duplicate-identity", "boot-changed",     "ak-residency", "counters",         "policy"};
  for (const attest::CheckInfo& info : attest::all_checks()) {
    const attest::Finding open{info.check, attest::Outcome::kNotChecked, "any", {}, {}};
    EXPECT_EQ((Verdict{{open}, {}, {}}.verified()), may_stay_open.contains(info.name)) << info.name;
    const attest::Finding failed{info.check, attest::Outcome::kFailed, "any", {}, {}};
    EXPECT_FALSE((Verdict{{failed}, {}, {}}.verified())) << info.name;
  }
  const attest::Finding unfresh{Check::kQualifyingData, attest::Outcome::kNotChecked, "unfresh", {}, {}};
  EXPECT_TRUE((Verdict{{unfresh}, {}, {}}.verified()));
}

}  // namespace
}  // namespace nodeproof::cli
