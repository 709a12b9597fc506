// The Secret of a serving certificate that the webhook makes itself. PEM texts, not looked into here.
#pragma once

#include "base/bytes.hpp"
#include "wire/objects.hpp"

namespace nodeproof::wire {

inline constexpr std::string_view kServingSecret = "nodeproof-serving-certificate";

// Named as cert-manager names them, so that tools which look at certificates in Secrets find these too.
struct ServingSecret {
  Bytes authorities;    // ca.crt: certificates of the authorities, the newest first
  Bytes authority_key;  // ca.key: of the newest
  Bytes certificate;    // tls.crt
  Bytes key;            // tls.key
};
Result<ServingSecret> parse_serving_secret(const attest::JsonValue& object);
std::string serving_secret(const ServingSecret& secret, std::string_view ns,
                           std::string_view resource_version);

}  // namespace nodeproof::wire
