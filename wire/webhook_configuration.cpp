#include "wire/webhook_configuration.hpp"

#include <cpprest/json.h>

#include "attest/strict_json.hpp"

namespace nodeproof::wire {

using attest::JsonValue;
using web::json::value;

Result<std::vector<WebhookTrust>> parse_webhook_trust(const JsonValue& configuration) {
  std::vector<WebhookTrust> out;
  NODEPROOF_TRY(webhooks, configuration.optional("webhooks"));
  if (!webhooks) return out;
  NODEPROOF_TRY(items, webhooks->array());
  for (const JsonValue& item : items) {
    WebhookTrust trust;
    NODEPROOF_TRY(name, item.required("name"));
    NODEPROOF_TRY(text, name.text());
    trust.webhook = std::move(text);
    NODEPROOF_TRY(client, item.required("clientConfig"));
    NODEPROOF_TRY(bundle, client.optional("caBundle"));
    if (bundle) {
      NODEPROOF_TRY(base64, bundle->string());
      NODEPROOF_TRY(bytes, from_base64(base64, bundle->path()));
      trust.ca_bundle = std::move(bytes);
    }
    out.push_back(std::move(trust));
  }
  return out;
}

Result<std::string> ca_bundle_patch(std::string_view configuration, ByteView ca_bundle) {
  try {
    value object = value::parse(std::string(configuration));
    value patch = value::object();
    patch["metadata"]["resourceVersion"] = object.at("metadata").at("resourceVersion");
    patch["webhooks"] = std::move(object.at("webhooks"));
    for (value& webhook : patch["webhooks"].as_array())
      webhook["clientConfig"]["caBundle"] = value::string(to_base64(ca_bundle));
    return patch.serialize();
  } catch (const web::json::json_exception& error) {
    return Error{Errc::kBadValue, "webhook configuration", error.what()};
  }
}

}  // namespace nodeproof::wire
