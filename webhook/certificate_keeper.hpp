// The webhook's own certificates: the Secret that all replicas serve from, and the caBundles by which API
// servers know them (certificate_plan.hpp says when). The leader keeps both; every replica sees to them once.
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

  // Whether this replica leads or not, until it succeeded once: there is a Secret, and API servers know its
  // authority. Those that they know already stay for the overlap: replicas of another
  // webhook.certificate.mode, which an upgrade replaces one by one, serve under them, and a leader that is
  // one of these makes no certificate. Throws as step does.
  void introduce(UnixTime now);

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
  struct Met {
    std::vector<attest::Certificate> authorities;  // trusted when this replica came, and not ours
    UnixTime until;                                // when API servers are to forget them
  };

  Stored read();
  ServingPki keep_secret(UnixTime now);
  bool publish(const ServingPki& pki, UnixTime now);
  bool publish_in(const std::string& path, ByteView wanted, std::span<const attest::Certificate> known);
  std::vector<attest::Certificate> foreign_authorities(const ServingPki& pki);

  ClusterApi& api_;
  std::string ns_;
  std::vector<std::string> names_;
  CertificateTimes times_;
  InUse in_use_;
  bool introduced_ = false;
  std::optional<Met> met_;
  std::optional<Publication> published_;  // since when every configuration is as it should be
  std::string told_;                      // why the Secret cannot be used, so that it is said once
  std::atomic<std::uint64_t> foreign_bundles_{0};
};

}  // namespace nodeproof::webhook
