// The certificates by which the API server knows the webhook, made by the webhook itself: an authority
// and, under it, a serving certificate, both on P-256. Values; time is an argument, keys come from OpenSSL's
// generator.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "attest/crypto.hpp"
#include "wire/serving_secret.hpp"

namespace nodeproof::webhook {

// Everything is valid from so long before it was made: the clocks of API servers are not ours.
inline constexpr Seconds kBackdate = std::chrono::minutes(5);

// What the Secret holds, understood: every key belongs to its certificate, and the newest authority or one
// before it issued the serving certificate. Copies share keys.
struct ServingPki {
  std::vector<attest::Certificate> authorities;  // at least one, the newest first
  std::shared_ptr<EVP_PKEY> authority_key;       // of the newest: that of another is not kept
  attest::Certificate certificate;               // serving
  std::shared_ptr<EVP_PKEY> key;

  // Of `authorities`, the one that issued the serving certificate.
  const attest::Certificate& issuer() const;
};

Result<ServingPki> read_serving_pki(const wire::ServingSecret& secret);
wire::ServingSecret to_secret(const ServingPki& pki);
// One PEM block after another, as a caBundle holds them.
Bytes to_pem(std::span<const attest::Certificate> certificates);

struct Issued {
  attest::Certificate certificate;
  std::shared_ptr<EVP_PKEY> key;
};
// Both throw std::runtime_error when OpenSSL cannot: no entropy, or a name that fits no certificate.
// An authority for serving certificates alone.
Issued make_authority(UnixTime now, Seconds lifetime);
// For these DNS names and IP addresses, at least one. Ends with its authority if not before.
Issued make_certificate(const attest::Certificate& authority, EVP_PKEY& authority_key,
                        const std::vector<std::string>& names, UnixTime now, Seconds lifetime);

// When a certificate of ours was made.
UnixTime made_at(const attest::Certificate& certificate);
// Whether a client that asks for any of `names` takes this certificate for it.
bool covers(const attest::Certificate& certificate, const std::vector<std::string>& names);

}  // namespace nodeproof::webhook
