// agent.yaml: the agent's settings (docs/configuration.md). Strict: unknown and duplicate keys are
// refused, and every error names file, line and column.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "kube/api_client.hpp"
#include "kube/log.hpp"
#include "kube/settings.hpp"

namespace nodeproof::agent {

struct Config {
  std::string ns = "nodeproof-system";
  std::string tcti = "device:/dev/tpmrm0";
  Seconds refresh{120};
  std::string thim = "http://169.254.169.254";  // without a slash at its end
  std::filesystem::path cache_directory = "/var/cache/nodeproof";
  std::filesystem::path boot_id_file = "/proc/sys/kernel/random/boot_id";
  Seconds max_report_age{24 * 3600};
  // What the kernel shows of the boot: in securityfs, efivarfs and securityfs.
  std::filesystem::path event_log_file = "/sys/kernel/security/tpm0/binary_bios_measurements";
  std::filesystem::path efivars_directory = "/sys/firmware/efi/efivars";
  std::filesystem::path lockdown_file = "/sys/kernel/security/lockdown";
  kube::Endpoint metrics_listen{"0.0.0.0", 8082};  // HTTP: GET /livez, /healthz, /readyz, /metrics
  kube::LogFormat log_format = kube::LogFormat::kText;
  std::optional<kube::Connection> connection;  // nothing: in-cluster

  bool operator==(const Config&) const = default;
};

Result<Config> parse_config(std::string_view yaml, std::string what);

}  // namespace nodeproof::agent
