#include "webhook/config.hpp"

#include <arpa/inet.h>

#include <array>
#include <charconv>

#include "kube/settings.hpp"

namespace nodeproof::webhook {
namespace {

using wire::YamlValue;

Error bad(const YamlValue& value, std::string detail) {
  return {Errc::kBadValue, value.where(), std::move(detail)};
}

bool is_address(const std::string& text) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  return ::inet_pton(AF_INET, text.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), address.data()) == 1;
}

Status read_names(const YamlValue& tls, std::vector<std::string>& to) {
  NODEPROOF_TRY(member, tls.optional("names"));
  if (!member) return Ok{};
  NODEPROOF_TRY(items, member->list());
  if (items.empty()) return bad(*member, "is empty; leave the key out for the names of the Service");
  for (const YamlValue& item : items) {
    NODEPROOF_TRY(text, item.text());
    // A Node's name is a DNS subdomain as well.
    if (!is_address(text) && !kube::node_name(text, item.where()))
      return bad(item, "is neither a DNS name nor an IP address");
    to.push_back(std::move(text));
  }
  return Ok{};
}

// An authority is the newest for two thirds of its life: then it outlives every certificate that it issued.
Status check_lifetimes(const YamlValue& tls, const CertificateTimes& times) {
  if (times.lifetime < Seconds(20)) {
    return bad(tls, "lifetime (" + to_duration(times.lifetime) + ") must be at least 20s");
  }
  if (times.lifetime > times.authority_lifetime / 3) {
    return bad(tls, "lifetime (" + to_duration(times.lifetime) + ") must be at most a third of caLifetime (" +
                        to_duration(times.authority_lifetime) + ")");
  }
  return Ok{};
}

Status read_tls(const YamlValue& root, Config& out) {
  NODEPROOF_TRY(tls, root.optional("tls"));
  if (!tls) return Ok{};
  NODEPROOF_CHECK(tls->only({"certFile", "keyFile", "names", "caLifetime", "lifetime"}));
  NODEPROOF_CHECK(kube::read_setting(*tls, "certFile", out.certificate_file));
  NODEPROOF_CHECK(kube::read_setting(*tls, "keyFile", out.key_file));
  if (out.certificate_file.empty() != out.key_file.empty())
    return bad(*tls, "certFile and keyFile go together; without both the webhook makes its own certificate");
  if (!out.certificate_file.empty() && !tls->only({"certFile", "keyFile"}))
    return bad(*tls, "beside certFile and keyFile no other key counts");
  NODEPROOF_CHECK(read_names(*tls, out.serving_names));
  NODEPROOF_CHECK(kube::read_setting(*tls, "caLifetime", out.certificate_times.authority_lifetime));
  NODEPROOF_CHECK(kube::read_setting(*tls, "lifetime", out.certificate_times.lifetime));
  return check_lifetimes(*tls, out.certificate_times);
}

Status read_trust_anchors(const YamlValue& root, Config& out) {
  NODEPROOF_TRY(anchors, root.optional("trustAnchors"));
  if (!anchors) return Ok{};
  NODEPROOF_CHECK(anchors->only({"amd", "vtpm"}));
  NODEPROOF_CHECK(kube::read_setting(*anchors, "amd", out.amd_anchors));
  return kube::read_setting(*anchors, "vtpm", out.vtpm_anchors);
}

Status read_trusted_launch(const YamlValue& root, Config& out) {
  NODEPROOF_TRY(trusted_launch, root.optional("trustedLaunch"));
  if (!trusted_launch) return Ok{};
  NODEPROOF_CHECK(trusted_launch->only({"strict"}));
  return kube::read_setting(*trusted_launch, "strict", out.trusted_launch_strict);
}

Status read_loss(const YamlValue& root, Config& out) {
  NODEPROOF_TRY(loss, root.optional("loss"));
  if (!loss) return Ok{};
  NODEPROOF_CHECK(loss->only({"taintUnverified", "dryRun"}));
  NODEPROOF_CHECK(kube::read_setting(*loss, "taintUnverified", out.loss.taint_unverified));
  return kube::read_setting(*loss, "dryRun", out.loss.dry_run);
}

// "10%", as Kubernetes writes shares.
Status read_percent(const YamlValue& map, std::string_view key, std::uint64_t& to) {
  NODEPROOF_TRY(member, map.optional(key));
  if (!member) return Ok{};
  NODEPROOF_TRY(text, member->text());
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || number > 100 || std::to_string(number) + "%" != text)
    return bad(*member, "is no share from 0% to 100% such as 10%");
  to = number;
  return Ok{};
}

Status read_brake(const YamlValue& root, Config& out) {
  NODEPROOF_TRY(brake, root.optional("brake"));
  if (!brake) return Ok{};
  NODEPROOF_CHECK(brake->only({"maxEvictionsPerHour", "maxNodesFraction"}));
  NODEPROOF_CHECK(kube::read_setting(*brake, "maxEvictionsPerHour", out.brake.evictions_per_hour));
  return read_percent(*brake, "maxNodesFraction", out.brake.nodes_percent);
}

// What only makes sense together.
Status check(const YamlValue& root, const Config& config) {
  if (config.epoch_length > config.max_report_age / 8) {
    return bad(root, "epochLength (" + to_duration(config.epoch_length) +
                         ") must be at most an eighth of maxReportAge (" +
                         to_duration(config.max_report_age) + ")");
  }
  // A quiet watch is probed after 15 s, and the probe may take 5.
  if (config.view_age < Seconds(20)) {
    return bad(root, "viewAge (" + to_duration(config.view_age) +
                         ") must be at least 20s, or a quiet cluster looks lost");
  }
  return Ok{};
}

}  // namespace

std::vector<std::string> serving_names(const Config& config) {
  if (!config.serving_names.empty()) return config.serving_names;
  const std::string service = "nodeproof-webhook." + config.ns;
  return {service + ".svc", service + ".svc.cluster.local", service};
}

Result<Config> parse_config(std::string_view yaml, std::string what) {
  NODEPROOF_TRY(root, YamlValue::parse(yaml, std::move(what)));
  NODEPROOF_CHECK(
      root.only({"namespace", "listen", "healthListen", "tls", "epochLength", "maxReportAge", "viewAge",
                 "akCertificateGrace", "trustAnchors", "revocationLists", "referenceValues", "trustedLaunch",
                 "loss", "brake", "admissionPolicies", "identity", "logFormat", "connection"}));
  Config out;
  NODEPROOF_CHECK(kube::read_namespace(root, out.ns));
  NODEPROOF_CHECK(kube::read_setting(root, "listen", out.listen));
  NODEPROOF_CHECK(kube::read_setting(root, "healthListen", out.health_listen));
  NODEPROOF_CHECK(read_tls(root, out));
  NODEPROOF_CHECK(kube::read_setting(root, "epochLength", out.epoch_length));
  NODEPROOF_CHECK(kube::read_setting(root, "maxReportAge", out.max_report_age));
  NODEPROOF_CHECK(kube::read_setting(root, "viewAge", out.view_age));
  NODEPROOF_CHECK(kube::read_setting(root, "akCertificateGrace", out.ak_certificate_grace));
  NODEPROOF_CHECK(read_trust_anchors(root, out));
  NODEPROOF_CHECK(kube::read_setting(root, "revocationLists", out.revocation_lists));
  NODEPROOF_CHECK(kube::read_setting(root, "referenceValues", out.reference_values));
  NODEPROOF_CHECK(read_trusted_launch(root, out));
  NODEPROOF_CHECK(kube::read_setting(root, "admissionPolicies", out.admission_policies));
  NODEPROOF_CHECK(read_loss(root, out));
  NODEPROOF_CHECK(read_brake(root, out));
  NODEPROOF_CHECK(kube::read_setting(root, "identity", out.identity));
  NODEPROOF_CHECK(kube::read_log_format(root, out.log_format));
  NODEPROOF_TRY(connection, kube::read_connection(root));
  out.connection = std::move(connection);
  NODEPROOF_CHECK(check(root, out));
  return out;
}

}  // namespace nodeproof::webhook
