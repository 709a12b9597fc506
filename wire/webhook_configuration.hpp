// By whom the API server knows a webhook: the caBundles of a Validating- or MutatingWebhookConfiguration.
#pragma once

#include "base/bytes.hpp"
#include "wire/objects.hpp"

namespace nodeproof::wire {

struct WebhookTrust {
  std::string webhook;  // its name in the configuration
  Bytes ca_bundle;      // as stored, ordinarily PEM; empty: none
};
// Of every webhook, in the configuration's order.
Result<std::vector<WebhookTrust>> parse_webhook_trust(const attest::JsonValue& configuration);

// A merge patch that gives every webhook of `configuration`, the object's JSON as it was read, this caBundle.
// It holds the list of webhooks whole, as merge patches do, and the resource version that it was read at:
// the API server refuses it when the configuration has changed since.
Result<std::string> ca_bundle_patch(std::string_view configuration, ByteView ca_bundle);

}  // namespace nodeproof::wire
