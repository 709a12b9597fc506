#include "webhook/certificate_plan.hpp"

#include <algorithm>

namespace nodeproof::webhook {
namespace {

using attest::Certificate;

// As cert-manager has it: a third of its life is left for whatever may be in the way.
bool is_due(const Certificate& certificate, UnixTime now) {
  const UnixTime made = made_at(certificate);
  return now >= made + (certificate.not_after() - made) * 2 / 3;
}

bool can_serve(const ServingPki& pki, const std::vector<std::string>& names, UnixTime now) {
  return now <= pki.certificate.not_after() && now <= pki.issuer().not_after() &&
         covers(pki.certificate, names);
}

ServingPki with_new_certificate(const ServingPki& stored, const std::vector<std::string>& names,
                                const CertificateTimes& times, UnixTime now) {
  Issued made =
      make_certificate(stored.authorities.front(), *stored.authority_key, names, now, times.lifetime);
  // What is trusted now stays known: API servers are told to forget it after the overlap.
  return {trusted_authorities(stored, times, now), stored.authority_key, std::move(made.certificate),
          std::move(made.key)};
}

ServingPki with_new_authority(const ServingPki& kept, const CertificateTimes& times, UnixTime now) {
  Issued made = make_authority(now, times.authority_lifetime);
  std::vector<Certificate> authorities{std::move(made.certificate)};
  for (const Certificate& old : trusted_authorities(kept, times, now)) authorities.push_back(old);
  return {std::move(authorities), std::move(made.key), kept.certificate, kept.key};
}

ServingPki from_nothing(const std::vector<std::string>& names, const CertificateTimes& times, UnixTime now) {
  Issued authority = make_authority(now, times.authority_lifetime);
  Issued made = make_certificate(authority.certificate, *authority.key, names, now, times.lifetime);
  return {{std::move(authority.certificate)},
          std::move(authority.key),
          std::move(made.certificate),
          std::move(made.key)};
}

}  // namespace

// A part of the lifetime where that is short, as in tests.
Seconds CertificateTimes::settling() const {
  return std::clamp<Seconds>(lifetime / 20, Seconds(1), Seconds(30));
}
Seconds CertificateTimes::overlap() const {
  return std::clamp<Seconds>(lifetime / 10, Seconds(1), std::chrono::minutes(10));
}

Renewal plan_renewal(const ServingPki* stored, std::optional<Seconds> published,
                     const std::vector<std::string>& names, const CertificateTimes& times, UnixTime now) {
  if (stored == nullptr) return Renewal::kAll;
  const Certificate& newest = stored->authorities.front();
  if (is_due(newest, now)) return Renewal::kAuthority;
  if (!can_serve(*stored, names, now)) return Renewal::kCertificate;
  const bool of_newest = stored->certificate.is_signed_by(newest);
  const bool is_known = of_newest || published >= times.settling();  // nothing is less than any time
  return is_known && (!of_newest || is_due(stored->certificate, now)) ? Renewal::kCertificate
                                                                      : Renewal::kNone;
}

ServingPki renewed(Renewal renewal, const ServingPki* stored, const ServingPki* in_use,
                   const std::vector<std::string>& names, const CertificateTimes& times, UnixTime now) {
  if (renewal == Renewal::kCertificate) return with_new_certificate(*stored, names, times, now);
  if (renewal == Renewal::kAuthority) return with_new_authority(*stored, times, now);
  if (in_use != nullptr && can_serve(*in_use, names, now)) return with_new_authority(*in_use, times, now);
  return from_nothing(names, times, now);
}

std::vector<Certificate> trusted_authorities(const ServingPki& stored, const CertificateTimes& times,
                                             UnixTime now) {
  const bool all = now < made_at(stored.certificate) + times.overlap();
  std::vector<Certificate> out{stored.authorities.front()};
  std::copy_if(stored.authorities.begin() + 1, stored.authorities.end(), std::back_inserter(out),
               [&](const Certificate& old) {
                 return now <= old.not_after() && (all || stored.certificate.is_signed_by(old));
               });
  return out;
}

BundleState judge_bundle(ByteView bundle, ByteView wanted, std::span<const Certificate> ours) {
  if (bundle.empty()) return BundleState::kMissing;
  if (equal(bundle, wanted)) return BundleState::kRight;
  const auto held = attest::parse_certificates(bundle, "caBundle");
  if (!held) return BundleState::kForeign;
  const bool all_ours = std::all_of(held->begin(), held->end(), [&](const Certificate& item) {
    return std::any_of(ours.begin(), ours.end(),
                       [&](const Certificate& own) { return own.sha256() == item.sha256(); });
  });
  return all_ours ? BundleState::kOutdated : BundleState::kForeign;
}

}  // namespace nodeproof::webhook
