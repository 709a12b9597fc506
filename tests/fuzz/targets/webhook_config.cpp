#include "kube/settings.hpp"
#include "webhook/config.hpp"

#include "tests/fuzz/target.hpp"

bool nodeproof::fuzz::one_input(ByteView input) {
  const auto config = webhook::parse_config(as_text(input), "webhook.yaml");
  if (!accepted(config)) return false;
  require(accepted(kube::namespace_name(config->ns, "namespace")), "the namespace is a name");
  require(config->epoch_length > Seconds(0), "epochs have a length");
  require(config->max_report_age > Seconds(0) && config->view_age > Seconds(0), "limits of age are not zero");
  require(!config->listen.address.empty() && !config->health_listen.address.empty(), "it listens somewhere");
  require(config->certificate_file.empty() == config->key_file.empty(), "a certificate has a key");
  require(config->certificate_times.lifetime <= config->certificate_times.authority_lifetime / 3,
          "certificates end before their authority");
  for (const std::string& name : webhook::serving_names(*config))
    require(!name.empty() && name.find(',') == name.npos, "a name is one name");
  return true;
}
