// webhook.yaml: the webhook's settings (docs/configuration.md). Strict: unknown and duplicate keys are
// refused, and every error names file, line and column.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "attest/verify.hpp"
#include "kube/api_client.hpp"
#include "kube/log.hpp"
#include "kube/settings.hpp"
#include "webhook/certificate_plan.hpp"
#include "webhook/loss.hpp"

namespace nodeproof::webhook {

struct Config {
  std::string ns = "nodeproof-system";
  kube::Endpoint listen{"0.0.0.0", 8443};         // HTTPS: POST /admit
  kube::Endpoint health_listen{"0.0.0.0", 8081};  // HTTP: GET /livez, /healthz, /readyz, /metrics
  std::filesystem::path certificate_file;         // with key_file; empty: the webhook makes its own
  std::filesystem::path key_file;
  std::vector<std::string> serving_names;  // of its own: DNS names, IP addresses; empty: the Service's
  CertificateTimes certificate_times;      // of its own
  Seconds epoch_length = attest::kDefaultEpochLength;
  Seconds max_report_age = std::chrono::hours(24);
  Seconds view_age{30};
  Seconds ak_certificate_grace = attest::kDefaultAkCertificateGrace;
  std::filesystem::path amd_anchors;                    // more roots than the built-in ones; empty: none
  std::filesystem::path vtpm_anchors;                   // likewise
  std::vector<std::filesystem::path> revocation_lists;  // of AMD's and Microsoft's CAs; read at the start
  std::filesystem::path reference_values;               // replaces the built-in list; empty: built in
  bool trusted_launch_strict = false;                   // attest::VerifyParameters
  std::filesystem::path admission_policies;  // as the chart installed them; empty: none is looked at
  LossSettings loss;
  BrakeLimits brake;
  std::string identity;  // of this replica in the lease; empty: the host's name
  kube::LogFormat log_format = kube::LogFormat::kText;
  std::optional<kube::Connection> connection;  // nothing: in-cluster

  bool makes_certificates() const { return certificate_file.empty(); }
  bool operator==(const Config&) const = default;
};
// What the API server asks for: serving_names, or those of the Service nodeproof-webhook.
std::vector<std::string> serving_names(const Config& config);

Result<Config> parse_config(std::string_view yaml, std::string what);

}  // namespace nodeproof::webhook
