// The leader's part in the webhook's own certificates: keeps the Secret that all replicas serve from, and
// the caBundles by which API servers know them (certificate_plan.hpp says when).
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "webhook/certificate_plan.hpp"
#include "webhook/cluster_api.hpp"

namespace nodeproof::webhook {

// For one thread, but for foreign_bundles.
class CertificateKeeper {
 public:
  // Often enough that a webhook which an upgrade added, without a caBundle, is soon reached.
  static constexpr std::chrono::milliseconds kInterval{2'000};

  // What this replica serves; null: nothing yet.
  using InUse = std::function<std::shared_ptr<const ServingPki>()>;
  // `api` must outlive it; `ns` is the release's namespace, `names` those that API servers ask for.
  CertificateKeeper(ClusterApi& api, std::string ns, std::vector<std::string> names, CertificateTimes times,
                    InUse in_use);

  // One step of the leader. Throws kube::ApiError, also when somebody else wrote meanwhile, and
  // std::runtime_error when no certificate can be made; the next step tries again.
  void step(UnixTime now);
  // When this replica does not lead: what it saw of the configurations is old by the time it does.
  void forget() { published_.reset(); }

  // How often a caBundle was found that somebody else had written. From any thread.
  std::uint64_t foreign_bundles() const { return foreign_bundles_; }

 private:
  struct Stored;
  struct Publication {
    Sha256Digest authority;  // the newest
    UnixTime since;
  };

  Stored read();
  ServingPki keep_secret(UnixTime now);
  bool publish(const ServingPki& pki, UnixTime now);
  bool publish_in(const std::string& path, ByteView wanted, const ServingPki& pki);

  ClusterApi& api_;
  std::string ns_;
  std::vector<std::string> names_;
  CertificateTimes times_;
  InUse in_use_;
  std::optional<Publication> published_;  // since when every configuration is as it should be
  std::string told_;                      // why the Secret cannot be used, so that it is said once
  std::atomic<std::uint64_t> foreign_bundles_{0};
};

}  // namespace nodeproof::webhook
