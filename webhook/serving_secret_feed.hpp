// Gives every replica the serving certificate of the Secret that the leader keeps (certificate_keeper.hpp).
#pragma once

#include <memory>
#include <mutex>

#include "kube/list_watch.hpp"
#include "webhook/serving_pki.hpp"
#include "webhook/tls_material.hpp"

namespace nodeproof::webhook {

// Thread-safe.
class ServingSecretFeed {
 public:
  explicit ServingSecretFeed(TlsMaterial& tls) : tls_(tls) {}  // borrowed

  // For a watch of the Secret. One that is gone or cannot be used changes nothing: what is served stays.
  kube::WatchHandler handler();
  // What is served; null before the first usable Secret.
  std::shared_ptr<const ServingPki> in_use() const;

 private:
  void take(const attest::JsonValue& object);

  TlsMaterial& tls_;
  mutable std::mutex mutex_;
  std::shared_ptr<const ServingPki> in_use_;
};

}  // namespace nodeproof::webhook
