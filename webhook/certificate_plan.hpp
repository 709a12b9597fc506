// When the webhook's own certificates are renewed, and whom the API server is told to trust meanwhile. Pure.
//
// A new authority is told to the API servers first; the certificate that is served changes to it a while
// later, and the old authority is taken back a while after that. Whatever any API server has read, the
// certificate that it meets is one of an authority that it knows.
#pragma once

#include <optional>

#include "webhook/serving_pki.hpp"

namespace nodeproof::webhook {

struct CertificateTimes {
  Seconds authority_lifetime = std::chrono::hours(365 * 24);
  Seconds lifetime = std::chrono::hours(90 * 24);  // of serving certificates

  // How long it may take until every API server uses a caBundle that was written.
  Seconds settling() const;
  // How long it may take until every replica serves a certificate that was written.
  Seconds overlap() const;
  bool operator==(const CertificateTimes&) const = default;
};

enum class Renewal {
  kNone,
  kAll,          // nothing there can be used
  kAuthority,    // a new one, beside the old
  kCertificate,  // a new one under the newest authority
};
// `stored`: null when there is no Secret that can be used. `published`: for how long every configuration has
// been seen to hold the newest authority; nothing when one does not.
Renewal plan_renewal(const ServingPki* stored, std::optional<Seconds> published,
                     const std::vector<std::string>& names, const CertificateTimes& times, UnixTime now);

// What is to be stored instead. `in_use`: what is served meanwhile, null when nothing is: where nothing is
// stored that can be used, it goes on being served until the new authority is known everywhere.
ServingPki renewed(Renewal renewal, const ServingPki* stored, const ServingPki* in_use,
                   const std::vector<std::string>& names, const CertificateTimes& times, UnixTime now);

// The authorities that API servers are to trust: the newest, and older ones while their certificates may
// still be served.
std::vector<attest::Certificate> trusted_authorities(const ServingPki& stored, const CertificateTimes& times,
                                                     UnixTime now);

// What a webhook's caBundle is, compared with what it is to be.
enum class BundleState {
  kRight,
  kMissing,
  kOutdated,  // authorities of ours, but not all, or more than there should be
  kForeign,   // somebody else wrote it
};
BundleState judge_bundle(ByteView bundle, ByteView wanted, std::span<const attest::Certificate> ours);

}  // namespace nodeproof::webhook
