#include "webhook/certificate_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/webhook/own_certificates.hpp"

namespace nodeproof::webhook {
namespace {

using testing::kDay;
using testing::kMade;
using testing::kNames;
using testing::kTimes;
using testing::pki_made_at;
using testing::same;
using testing::with;

// What is stored, by how it came about.
enum class State {
  kNothing,
  kNew,           // authority and certificate made at kMade
  kNewAuthority,  // a second authority, 244 days later; the certificate is one of day 200, of the first
  kMoved,         // and then a certificate of it, a minute later
};
const UnixTime kSecond = kMade + 244 * kDay;

std::optional<ServingPki> stored(State state) {
  if (state == State::kNothing) return std::nullopt;
  ServingPki pki = pki_made_at(kMade);
  if (state == State::kNew) return pki;
  pki = with(Renewal::kAuthority, with(Renewal::kCertificate, pki, kMade + 200 * kDay), kSecond);
  return state == State::kNewAuthority ? pki : with(Renewal::kCertificate, pki, kSecond + Seconds(60));
}

struct Row {
  const char* name;
  State state;
  UnixTime now;
  std::optional<Seconds> published;
  Renewal want;
  std::vector<std::string> names = kNames;
};

class CertificatePlan : public ::testing::TestWithParam<Row> {};

TEST_P(CertificatePlan, SaysWhatIsDue) {
  const auto have = stored(GetParam().state);
  EXPECT_EQ(
      plan_renewal(have ? &*have : nullptr, GetParam().published, GetParam().names, kTimes, GetParam().now),
      GetParam().want);
}

constexpr Seconds kLong = std::chrono::hours(1);
const UnixTime kSixtyDays = kMade + 60 * kDay;
const UnixTime kTwoThirds = kMade + 365 * kDay * 2 / 3;

INSTANTIATE_TEST_SUITE_P(
    All, CertificatePlan,
    ::testing::Values(
        Row{"nothing", State::kNothing, kMade, {}, Renewal::kAll},
        Row{"just_made", State::kNew, kMade, {}, Renewal::kNone},
        Row{"nearly_due", State::kNew, kSixtyDays - Seconds(1), kLong, Renewal::kNone},
        Row{"due", State::kNew, kSixtyDays, kLong, Renewal::kCertificate},
        Row{"due_and_not_published", State::kNew, kSixtyDays, {}, Renewal::kCertificate},
        Row{"expired", State::kNew, kMade + 90 * kDay + Seconds(1), {}, Renewal::kCertificate},
        Row{"authority_nearly_due", State::kNew, kTwoThirds - Seconds(1), kLong, Renewal::kCertificate},
        Row{"authority_due", State::kNew, kTwoThirds, kLong, Renewal::kAuthority},
        Row{"authority_expired", State::kNew, kMade + 400 * kDay, {}, Renewal::kAuthority},
        Row{"other_names", State::kNew, kMade, {}, Renewal::kCertificate, {"nodeproof-webhook.other.svc"}},
        Row{"new_authority_not_published", State::kNewAuthority, kSecond, {}, Renewal::kNone},
        Row{"new_authority_just_published", State::kNewAuthority, kSecond, Seconds(29), Renewal::kNone},
        Row{"new_authority_known", State::kNewAuthority, kSecond, Seconds(30), Renewal::kCertificate},
        Row{"due_but_new_authority_unknown", State::kNewAuthority, kMade + 270 * kDay, {}, Renewal::kNone},
        Row{"expired_and_new_authority_unknown",
            State::kNewAuthority,
            kMade + 291 * kDay,
            {},
            Renewal::kCertificate},
        Row{"moved", State::kMoved, kSecond + kLong, {}, Renewal::kNone}),
    [](const auto& test) { return test.param.name; });

TEST(Renewed, ACertificateIsOfTheNewestAuthority) {
  const ServingPki before = *stored(State::kNewAuthority);
  const ServingPki after = with(Renewal::kCertificate, before, kSecond + Seconds(60));
  EXPECT_TRUE(same(before.issuer(), before.authorities.back()));
  EXPECT_TRUE(same(after.issuer(), before.authorities.front()));
  EXPECT_EQ(to_pem(after.authorities), to_pem(before.authorities)) << "the old one is still trusted";
  EXPECT_FALSE(after.certificate.key() == before.certificate.key());
}

TEST(Renewed, AnAuthorityLeavesTheCertificateAlone) {
  const ServingPki before = pki_made_at(kMade);
  const ServingPki after = with(Renewal::kAuthority, before, kTwoThirds);
  ASSERT_EQ(after.authorities.size(), 2U);
  EXPECT_TRUE(same(after.authorities[1], before.authorities[0]));
  EXPECT_TRUE(same(after.certificate, before.certificate));
  EXPECT_EQ(after.authorities[0].not_after(), kTwoThirds + kTimes.authority_lifetime);
}

// The list does not grow for ever.
TEST(Renewed, ForgetsAuthoritiesThatNobodyNeeds) {
  ServingPki pki = *stored(State::kMoved);
  EXPECT_EQ(pki.authorities.size(), 2U);
  pki = with(Renewal::kCertificate, pki, kSecond + 60 * kDay);
  EXPECT_EQ(pki.authorities.size(), 1U);
}

// A deleted Secret: what is served goes on being served until the new authority is known.
TEST(Renewed, FromNothingKeepsWhatIsServed) {
  const ServingPki in_use = pki_made_at(kMade);
  const auto anew = [&](const std::vector<std::string>& names, UnixTime now) {
    return renewed(Renewal::kAll, nullptr, &in_use, names, kTimes, now);
  };
  const ServingPki kept = anew(kNames, kMade + kDay);
  EXPECT_TRUE(same(kept.certificate, in_use.certificate));
  EXPECT_FALSE(same(kept.authorities[0], in_use.authorities[0]));
  EXPECT_TRUE(same(kept.authorities[1], in_use.authorities[0]));
  EXPECT_EQ(plan_renewal(&kept, Seconds(30), kNames, kTimes, kMade + kDay), Renewal::kCertificate);

  EXPECT_FALSE(same(anew(kNames, kMade + 91 * kDay).certificate, in_use.certificate)) << "expired";
  const std::vector<std::string> others{"nodeproof-webhook.other.svc"};
  EXPECT_FALSE(same(anew(others, kMade).certificate, in_use.certificate)) << "not what is asked for";
  EXPECT_EQ(anew(others, kMade).authorities.size(), 1U);
}

TEST(TrustedAuthorities, HoldTheOldOneAsLongAsItIsServed) {
  const auto trusted = [](State state, UnixTime now) {
    return trusted_authorities(*stored(state), kTimes, now).size();
  };
  const UnixTime moved = kSecond + Seconds(60);
  EXPECT_EQ(trusted(State::kNew, kMade), 1U);
  EXPECT_EQ(trusted(State::kNewAuthority, kSecond), 2U);
  EXPECT_EQ(trusted(State::kNewAuthority, kSecond + 10 * kDay), 2U) << "its certificate is the one stored";
  EXPECT_EQ(trusted(State::kNewAuthority, kMade + 366 * kDay), 1U) << "expired";
  EXPECT_EQ(trusted(State::kMoved, moved + kTimes.overlap() - Seconds(1)), 2U);
  EXPECT_EQ(trusted(State::kMoved, moved + kTimes.overlap()), 1U);
}

TEST(CertificateTimes, GiveTimeInProportion) {
  EXPECT_EQ(kTimes.settling(), Seconds(30));
  EXPECT_EQ(kTimes.overlap(), Seconds(600));
  const CertificateTimes brief{Seconds(60), Seconds(20)};
  EXPECT_EQ(brief.settling(), Seconds(1));
  EXPECT_EQ(brief.overlap(), Seconds(2));
}

TEST(JudgeBundle, TellsOursFromOthers) {
  const ServingPki pki = *stored(State::kNewAuthority);
  const Bytes wanted = to_pem(pki.authorities);
  const Bytes older = to_pem(std::span(pki.authorities).last(1));
  Bytes mixed = wanted;
  append(mixed, to_pem(pki_made_at(kMade).authorities));
  const auto judged = [&](ByteView bundle) { return judge_bundle(bundle, wanted, pki.authorities); };
  EXPECT_EQ(judged({}), BundleState::kMissing);
  EXPECT_EQ(judged(wanted), BundleState::kRight);
  EXPECT_EQ(judged(older), BundleState::kOutdated);
  EXPECT_EQ(judge_bundle(wanted, older, pki.authorities), BundleState::kOutdated)
      << "more than is wanted now";
  EXPECT_EQ(judged(mixed), BundleState::kForeign);
  EXPECT_EQ(judged(to_pem(pki_made_at(kMade).authorities)), BundleState::kForeign);
  EXPECT_EQ(judged(as_bytes("garbage")), BundleState::kForeign);
}

// Whenever an API server last read a caBundle, and whenever a replica last read the Secret, they fit: over
// several lives of an authority, for readers that are late by less than settling and overlap.
TEST(CertificateOrder, EveryBundleFitsEveryCertificateOfItsTime) {
  struct Moment {
    UnixTime at;
    std::vector<attest::Certificate> bundle;
    attest::Certificate certificate;
  };
  std::vector<Moment> moments;
  const CertificateTimes times{Seconds(900), Seconds(300)};  // settling 15 s, overlap 30 s
  std::optional<ServingPki> pki;
  std::optional<UnixTime> published_since;
  for (UnixTime now = kMade; now < kMade + Seconds(3000); now += Seconds(2)) {
    const auto published = published_since ? std::optional<Seconds>(now - *published_since) : std::nullopt;
    const Renewal renewal = plan_renewal(pki ? &*pki : nullptr, published, kNames, times, now);
    if (renewal != Renewal::kNone) pki = renewed(renewal, pki ? &*pki : nullptr, nullptr, kNames, times, now);
    if (renewal == Renewal::kAll || renewal == Renewal::kAuthority) published_since = now + Seconds(2);
    moments.push_back({now, trusted_authorities(*pki, times, now), pki->certificate});
  }
  std::size_t pairs = 0;
  for (std::size_t i = 0; i < moments.size(); ++i) {
    // A bundle up to 12 s old meets the certificate of now; a certificate up to 12 s old the bundle of now.
    for (std::size_t j = i < 6 ? 0 : i - 6; j <= i; ++j) {
      for (const auto& [bundle, certificate] : {std::pair(j, i), std::pair(i, j)}) {
        const auto& known = moments[bundle].bundle;
        EXPECT_TRUE(std::any_of(
            known.begin(), known.end(),
            [&](const auto& item) { return moments[certificate].certificate.is_signed_by(item); }))
            << "bundle of " << bundle << ", certificate of " << certificate;
        ++pairs;
      }
    }
    EXPECT_LE(moments[i].at, moments[i].certificate.not_after());
  }
  EXPECT_GT(pairs, 10'000U);
}

}  // namespace
}  // namespace nodeproof::webhook
