#include "agent/config.hpp"
#include "kube/settings.hpp"

#include "tests/fuzz/target.hpp"

bool nodeproof::fuzz::one_input(ByteView input) {
  const auto config = agent::parse_config(as_text(input), "agent.yaml");
  if (!accepted(config)) return false;
  require(accepted(kube::namespace_name(config->ns, "namespace")), "the namespace is a name");
  require(config->refresh > Seconds(0) && config->max_report_age > Seconds(0), "periods are not zero");
  require(!config->thim.empty() && config->thim.back() != '/', "the THIM address has no slash at its end");
  require(!config->tcti.empty() && !config->cache_directory.empty(), "a TPM and a cache are named");
  return true;
}
