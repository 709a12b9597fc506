#include "attest/revocation_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "attest/amd_chain.hpp"
#include "base/or_throw.hpp"
#include "tests/support/forge.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof::attest {
namespace {

using testing::HasSubstr;

constexpr Seconds kHour = std::chrono::hours(1);

RevocationList parsed(const Bytes& der) {
  return or_throw(RevocationList::parse_der(der, "crl"));
}

RevocationList made(const forge::CertifiedKey& issuer, const forge::RevocationListOptions& options = {}) {
  return parsed(forge::make_revocation_list(issuer, options));
}

std::vector<Certificate> chain_of(const forge::AmdAuthority& authority) {
  return {forge::issue_vcek(authority).certificate, authority.ask.certificate, authority.ark.certificate};
}

Bytes pem_of(ByteView der) {
  const std::string pem = "-----BEGIN X509 CRL-----\n" + to_base64(der) + "\n-----END X509 CRL-----\n";
  return to_bytes(as_bytes(pem));
}

// ---- Parsing ----

TEST(RevocationList, KeepsItsBytesAndTimes) {
  const auto& amd = forge::shared_world().amd;
  const Bytes der = forge::make_revocation_list(amd.ark, {.revoked = {amd.ask.certificate}});
  const RevocationList list = parsed(der);
  EXPECT_EQ(list.der(), der);
  EXPECT_EQ(list.this_update(), forge::kNow - 24 * kHour);
  EXPECT_EQ(list.next_update(), forge::kNow + 24 * 44 * kHour);
  EXPECT_THAT(list.issuer(), HasSubstr("ARK-Milan"));
  EXPECT_EQ(list.revoked_at(amd.ask.certificate), forge::kNow - 24 * 30 * kHour);
  EXPECT_EQ(list.revoked_at(amd.ark.certificate), std::nullopt);
  EXPECT_TRUE(list.is_signed_by(amd.ark.certificate));
  EXPECT_FALSE(list.is_signed_by(amd.ask.certificate));
}

TEST(RevocationList, SeveralInOneFileAndInEitherForm) {
  const auto& amd = forge::shared_world().amd;
  const Bytes one = forge::make_revocation_list(amd.ark);
  const Bytes two = forge::make_revocation_list(amd.ark, {.revoked = {amd.ask.certificate}});
  Bytes file = pem_of(one);
  append(file, two);
  const auto lists = parse_revocation_lists(file, "crl.pem");
  ASSERT_TRUE(lists) << to_string(lists.error());
  ASSERT_EQ(lists->size(), 2U);
  EXPECT_EQ((*lists)[0].der(), one);
  EXPECT_EQ((*lists)[1].der(), two);
}

TEST(RevocationList, RefusesByName) {
  const auto& amd = forge::shared_world().amd;
  const Bytes der = forge::make_revocation_list(amd.ark);
  Bytes trailing = der;
  trailing.push_back(0);
  EXPECT_EQ(RevocationList::parse_der(trailing, "crl").error().code, Errc::kTrailing);
  EXPECT_EQ(RevocationList::parse_der(amd.ark.certificate.der(), "crl").error().code, Errc::kBadValue);
  const auto endless =
      RevocationList::parse_der(forge::make_revocation_list(amd.ark, {.next_update = std::nullopt}), "crl");
  EXPECT_EQ(endless.error().code, Errc::kMissing);
  const auto partial = RevocationList::parse_der(
      forge::make_revocation_list(amd.ark, {.with_critical_extension = true}), "crl");
  EXPECT_EQ(partial.error().code, Errc::kUnsupported);
  EXPECT_THAT(partial.error().detail, HasSubstr("critical"));
  EXPECT_EQ(parse_revocation_lists({}, "crl").error().code, Errc::kMissing);
  EXPECT_EQ(parse_revocation_lists(forge::to_pem(amd.ark.certificate), "crl").error().code,
            Errc::kUnsupported);
  Bytes many;
  for (std::size_t i = 0; i <= kMaxRevocationLists; ++i) append(many, der);
  EXPECT_EQ(parse_revocation_lists(many, "crl").error().code, Errc::kTooLarge);
}

TEST(RevocationList, RefusesEveryPrefix) {
  const auto& amd = forge::shared_world().amd;
  const Bytes der = forge::make_revocation_list(amd.ark, {.revoked = {amd.ask.certificate}});
  for (std::size_t size = 0; size < der.size(); ++size) {
    const auto cut = RevocationList::parse_der(ByteView(der).first(size), "crl");
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code, Errc::kTruncated) << size;
  }
}

TEST(RevocationList, RefusesEveryFlippedBit) {
  const auto& amd = forge::shared_world().amd;
  Bytes der = forge::make_revocation_list(amd.ark, {.revoked = {amd.ask.certificate}});
  for (std::size_t bit = 0; bit < 8 * der.size(); ++bit) {
    der[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    const auto flipped = RevocationList::parse_der(der, "crl");
    EXPECT_FALSE(flipped && flipped->is_signed_by(amd.ark.certificate)) << "bit " << bit;
    der[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
  }
}

// ---- What lists say of a chain ----

TEST(Revocation, CountsTheListsOfTheChainsOwnCasOnly) {
  const auto& milan = forge::shared_world().amd;
  const auto& genoa = forge::shared_world(Product::kGenoa).amd;
  const std::vector<RevocationList> lists{
      made(milan.ark), made(genoa.ark, {.revoked = {milan.ask.certificate}, .by_stranger = true})};
  const auto state = revocation_of(chain_of(milan), lists, forge::kNow, "address");
  EXPECT_FALSE(state.problem) << state.problem->detail;
  EXPECT_EQ(state.lists, 1U);
  EXPECT_EQ(state.next_update, lists[0].next_update());
  const auto none = revocation_of(chain_of(milan), {}, forge::kNow, "address");
  EXPECT_FALSE(none.problem);
  EXPECT_EQ(none.lists, 0U);
  EXPECT_EQ(none.next_update, std::nullopt);
}

TEST(Revocation, OfSeveralTheNewestCountsForAge) {
  const auto& amd = forge::shared_world().amd;
  const RevocationList old =
      made(amd.ark, {.this_update = forge::kNow - 48 * kHour, .next_update = forge::kNow - 24 * kHour});
  const RevocationList current = made(amd.ark);
  const std::vector<RevocationList> both{current, old};
  EXPECT_FALSE(revocation_of(chain_of(amd), both, forge::kNow, "address").problem);
  const std::vector<RevocationList> alone{old};
  EXPECT_EQ(revocation_of(chain_of(amd), alone, forge::kNow, "address").problem->code, "crl-expired");
}

struct RefusedCase {
  const char* name;
  std::function<std::vector<RevocationList>(const forge::AmdAuthority&)> lists;
  const char* code;
  const char* detail;
  const char* remedy;
};

TEST(Revocation, RefusesAChainByName) {
  const UnixTime now = forge::kNow;
  using Options = forge::RevocationListOptions;
  const RefusedCase cases[] = {
      {"the ASK is revoked",
       [](const auto& amd) { return std::vector{made(amd.ark, {.revoked = {amd.ask.certificate}})}; },
       "revoked", "serial 010001) was revoked at 2026-07-26T00:00:00Z", "replaced it"},
      {"the root revokes itself",
       [](const auto& amd) { return std::vector{made(amd.ark, {.revoked = {amd.ark.certificate}})}; },
       "revoked", "serial 010000", "replaced it"},
      {"an old list revokes",
       [now](const auto& amd) {
         return std::vector{made(amd.ark), made(amd.ark, Options{.revoked = {amd.ask.certificate},
                                                                 .this_update = now - 48 * kHour,
                                                                 .next_update = now - 24 * kHour})};
       },
       "revoked", "serial 010001", "replaced it"},
      {"past nextUpdate",
       [now](const auto& amd) { return std::vector{made(amd.ark, {.next_update = now - Seconds(1)})}; },
       "crl-expired", "to be replaced by 2026-08-24T23:59:59Z",
       "fetch it anew from ADDRESS, or take it away"},
      {"of tomorrow",
       [now](const auto& amd) {
         return std::vector{made(amd.ark), made(amd.ark, {.this_update = now + Seconds(1)})};
       },
       "crl-not-yet-valid", "2026-08-25T00:00:01Z", "clock"},
      {"by a stranger", [](const auto& amd) { return std::vector{made(amd.ark, {.by_stranger = true})}; },
       "crl-signature-invalid", "was not signed by its key", "ADDRESS"},
      {"by the ASK, which may not", [](const auto& amd) { return std::vector{made(amd.ask)}; }, "crl-issuer",
       "may sign revocation lists", "away"},
  };
  const auto& amd = forge::shared_world().amd;
  for (const RefusedCase& c : cases) {
    const auto lists = c.lists(amd);
    const auto state = revocation_of(chain_of(amd), lists, now, "ADDRESS");
    ASSERT_TRUE(state.problem) << c.name;
    EXPECT_EQ(state.problem->code, c.code) << c.name;
    EXPECT_THAT(state.problem->detail, HasSubstr(c.detail)) << c.name;
    EXPECT_THAT(state.problem->remedy, HasSubstr(c.remedy)) << c.name;
    const auto chain = verify_amd_chain(chain_of(amd)[0], chain_of(amd), Product::kMilan,
                                        forge::trust_anchors_of(forge::shared_world()), lists, now);
    EXPECT_EQ(chain.findings.front().outcome, Outcome::kFailed) << c.name;
    EXPECT_EQ(chain.findings.front().code, c.code) << c.name;
    EXPECT_FALSE(chain.validity) << c.name;
    EXPECT_EQ(blames_lists(c.code), std::string_view(c.code) != "revoked") << c.name;
  }
}

TEST(Revocation, TheLastMomentOfAListIsItsOwn) {
  const auto& amd = forge::shared_world().amd;
  const std::vector<RevocationList> lists{
      made(amd.ark, {.this_update = forge::kNow, .next_update = forge::kNow})};
  EXPECT_FALSE(revocation_of(chain_of(amd), lists, forge::kNow, "address").problem);
}

TEST(Revocation, ARootThatMaySignNoListsRefuses) {
  const auto amd = forge::make_amd_authority({.ark_signs_lists = false});
  const std::vector<RevocationList> lists{made(amd.ark)};
  EXPECT_EQ(revocation_of(chain_of(amd), lists, forge::kNow, "address").problem->code, "crl-issuer");
}

TEST(Revocation, BoundsTheValidityOfTheChain) {
  const auto& world = forge::shared_world();
  const std::vector<RevocationList> lists{made(world.amd.ark)};
  const auto chain = verify_amd_chain(chain_of(world.amd)[0], chain_of(world.amd), Product::kMilan,
                                      forge::trust_anchors_of(world), lists, forge::kNow);
  ASSERT_TRUE(chain.validity) << chain.findings.front().detail;
  EXPECT_EQ(chain.validity->until, lists[0].next_update());
}

// ---- AMD's own lists ----

TEST(RecordedRevocationList, VerifiesUnderItsRootAndDoesNotDisturb) {
  NODEPROOF_NEED_VECTORS();
  struct Case {
    const char* line;
    const char* report;
    Product product;
  };
  const Case cases[] = {{"genoa", "genoa-v5-model-a0", Product::kGenoa},
                        {"turin", "turin-v5-a", Product::kTurin}};
  for (const Case& c : cases) {
    const auto amd = std::filesystem::path("amd-certs") / c.line;
    const auto lists = parse_revocation_lists(vectors::file(amd / "crl.der"), "crl.der");
    ASSERT_TRUE(lists) << to_string(lists.error());
    EXPECT_TRUE(lists->front().is_signed_by(vectors::certificate(amd / "ark.pem"))) << c.line;
    const auto vcek = vectors::certificate(std::filesystem::path("snp-reports") / c.report / "vcek.der");
    const std::vector<Certificate> sent{vectors::certificate(amd / "ask.pem"),
                                        vectors::certificate(amd / "ark.pem")};
    const auto at = [&](UnixTime now) {
      return verify_amd_chain(vcek, sent, c.product, built_in_trust_anchors(), *lists, now);
    };
    const auto current = at(vectors::kNow);
    ASSERT_TRUE(current.validity) << current.findings.front().detail;
    EXPECT_EQ(to_rfc3339(current.validity->until), "2026-10-04T00:00:00Z");
    EXPECT_EQ(at(current.validity->until + Seconds(1)).findings.front().code, "crl-expired");
  }
}

TEST(RecordedRevocationList, EveryFlippedBitIsRefused) {
  NODEPROOF_NEED_VECTORS();
  const auto root = vectors::certificate("amd-certs/genoa/ark.pem");
  Bytes der = vectors::file("amd-certs/genoa/crl.der");
  for (std::size_t bit = 0; bit < 8 * der.size(); ++bit) {
    der[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    const auto flipped = RevocationList::parse_der(der, "crl");
    EXPECT_FALSE(flipped && flipped->is_signed_by(root)) << "bit " << bit;
    der[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
  }
}

}  // namespace
}  // namespace nodeproof::attest
