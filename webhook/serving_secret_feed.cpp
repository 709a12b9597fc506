#include "webhook/serving_secret_feed.hpp"

#include <spdlog/spdlog.h>

#include "attest/strict_json.hpp"

namespace nodeproof::webhook {

kube::WatchHandler ServingSecretFeed::handler() {
  kube::WatchHandler out;
  out.begin = [] {};
  out.update = [this](const attest::JsonValue& object) { take(object); };
  out.remove = [](const attest::JsonValue&) {
    spdlog::error("the Secret {} was deleted; the certificate in use stays until the leader has made another",
                  wire::kServingSecret);
  };
  out.listed = [] {};
  return out;
}

void ServingSecretFeed::take(const attest::JsonValue& object) {
  const auto secret = wire::parse_serving_secret(object);
  auto pki = secret ? read_serving_pki(*secret) : Result<ServingPki>(secret.error());
  if (!pki) {
    tls_.refuse("the Secret " + std::string(wire::kServingSecret) +
                " cannot be used: " + to_string(pki.error()));
    return;
  }
  if (!tls_.offer({secret->certificate, secret->key})) return;
  const std::lock_guard lock(mutex_);
  in_use_ = std::make_shared<const ServingPki>(*std::move(pki));
}

std::shared_ptr<const ServingPki> ServingSecretFeed::in_use() const {
  const std::lock_guard lock(mutex_);
  return in_use_;
}

}  // namespace nodeproof::webhook
