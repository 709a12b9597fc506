// Certificates as the webhook makes them for itself, in a state of a test's choice.
#pragma once

#include "webhook/certificate_plan.hpp"

namespace nodeproof::webhook::testing {

inline const UnixTime kMade = from_unix(1787616000);
inline const std::vector<std::string> kNames{"nodeproof-webhook.np.svc", "127.0.0.1"};
inline const CertificateTimes kTimes{};  // the defaults: a year, 90 days
inline constexpr Seconds kDay = std::chrono::hours(24);

// An authority and a certificate of it, both made now.
inline ServingPki pki_made_at(UnixTime now) {
  return renewed(Renewal::kAll, nullptr, nullptr, kNames, kTimes, now);
}
inline ServingPki with(Renewal renewal, const ServingPki& stored, UnixTime now) {
  return renewed(renewal, &stored, nullptr, kNames, kTimes, now);
}
inline bool same(const attest::Certificate& a, const attest::Certificate& b) {
  return a.sha256() == b.sha256();
}

}  // namespace nodeproof::webhook::testing
