#include "webhook/config.hpp"

#include <algorithm>
#include <charconv>

#include "wire/strict_yaml.hpp"

namespace nodeproof::webhook {
namespace {

using wire::YamlValue;

Error bad(const YamlValue& value, std::string detail) {
  return {Errc::kBadValue, value.where(), std::move(detail)};
}

Result<std::string> non_empty(const YamlValue& value) {
  NODEPROOF_TRY(text, value.text());
  if (text.empty()) return bad(value, "is empty; leave the key out to get the default");
  return std::move(text);
}

// These leave `to` as it is when the key is absent.
template <typename T>
Status read_text(const YamlValue& map, std::string_view key, T& to) {
  NODEPROOF_TRY(member, map.optional(key));
  if (!member) return Ok{};
  NODEPROOF_TRY(text, non_empty(*member));
  to = std::move(text);
  return Ok{};
}

Status read_duration(const YamlValue& map, std::string_view key, Seconds& to) {
  NODEPROOF_TRY(member, map.optional(key));
  if (!member) return Ok{};
  NODEPROOF_TRY(duration, member->duration());
  to = duration;
  return Ok{};
}

Status read_endpoint(const YamlValue& map, std::string_view key, Endpoint& to) {
  NODEPROOF_TRY(member, map.optional(key));
  if (!member) return Ok{};
  NODEPROOF_TRY(text, member->text());
  NODEPROOF_TRY(endpoint, parse_endpoint(text, member->where()));
  to = std::move(endpoint);
  return Ok{};
}

Status read_namespace(const YamlValue& map, std::string& to) {
  NODEPROOF_TRY(member, map.optional("namespace"));
  if (!member) return Ok{};
  NODEPROOF_TRY(text, member->text());
  NODEPROOF_TRY(name, namespace_name(text, member->where()));
  to = std::move(name);
  return Ok{};
}

Status read_tls(const YamlValue& root, Config& out) {
  NODEPROOF_TRY(tls, root.optional("tls"));
  if (!tls) return Ok{};
  NODEPROOF_CHECK(tls->only({"certFile", "keyFile"}));
  NODEPROOF_CHECK(read_text(*tls, "certFile", out.certificate_file));
  return read_text(*tls, "keyFile", out.key_file);
}

Status read_trust_anchors(const YamlValue& root, Config& out) {
  NODEPROOF_TRY(anchors, root.optional("trustAnchors"));
  if (!anchors) return Ok{};
  NODEPROOF_CHECK(anchors->only({"amd", "vtpm"}));
  NODEPROOF_CHECK(read_text(*anchors, "amd", out.amd_anchors));
  return read_text(*anchors, "vtpm", out.vtpm_anchors);
}

Status read_revocation_lists(const YamlValue& root, Config& out) {
  NODEPROOF_TRY(member, root.optional("revocationLists"));
  if (!member) return Ok{};
  NODEPROOF_TRY(files, member->list());
  if (files.empty()) return bad(*member, "is empty; leave the key out to verify without revocation lists");
  for (const YamlValue& file : files) {
    NODEPROOF_TRY(path, non_empty(file));
    out.revocation_lists.emplace_back(std::move(path));
  }
  return Ok{};
}

Result<kube::Connection> parse_connection(const YamlValue& map) {
  NODEPROOF_CHECK(map.only({"server", "caFile", "tokenFile", "clientCertFile", "clientKeyFile"}));
  kube::Connection out;
  NODEPROOF_TRY(server, map.required("server"));
  NODEPROOF_TRY(url, server.text());
  if (!url.starts_with("https://")) return bad(server, "must be https://HOST:PORT");
  out.server = std::move(url);
  NODEPROOF_TRY(ca_file, map.required("caFile"));
  NODEPROOF_TRY(ca_path, non_empty(ca_file));
  out.ca_file = std::move(ca_path);
  NODEPROOF_CHECK(read_text(map, "tokenFile", out.token_file));
  NODEPROOF_CHECK(read_text(map, "clientCertFile", out.client_cert_file));
  NODEPROOF_CHECK(read_text(map, "clientKeyFile", out.client_key_file));
  if (out.client_cert_file.empty() != out.client_key_file.empty()) {
    return bad(map, "has one of clientCertFile and clientKeyFile; give both or none");
  }
  if (out.client_cert_file.empty() && out.token_file.empty()) {
    return bad(map, "says not who the webhook is; give tokenFile, or clientCertFile and clientKeyFile");
  }
  return out;
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

Result<Endpoint> parse_endpoint(std::string_view text, std::string_view where) {
  const Error error{Errc::kBadValue, std::string(where),
                    "is not ADDRESS:PORT such as 0.0.0.0:8443 or [::]:8443"};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return error;
  std::string_view address = text.substr(0, colon);
  const bool bracketed = address.front() == '[' && address.back() == ']';
  if (bracketed) address = address.substr(1, address.size() - 2);
  if (address.empty() || (address.find(':') != std::string_view::npos) != bracketed) return error;
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (code != std::errc() || end != digits.data() + digits.size()) return error;
  return Endpoint{std::string(address), port};
}

Result<std::string> namespace_name(std::string_view text, std::string_view where) {
  const auto is_alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const bool label = !text.empty() && text.size() <= 63 && is_alnum(text.front()) && is_alnum(text.back()) &&
                     std::all_of(text.begin(), text.end(), [&](char c) { return is_alnum(c) || c == '-'; });
  if (label) return std::string(text);
  return Error{
      Errc::kBadValue, std::string(where),
      "is not a namespace: up to 63 lower-case letters, digits and dashes, such as nodeproof-system"};
}

Result<Config> parse_config(std::string_view yaml, std::string what) {
  NODEPROOF_TRY(root, YamlValue::parse(yaml, std::move(what)));
  NODEPROOF_CHECK(root.only({"namespace", "listen", "healthListen", "tls", "epochLength", "maxReportAge",
                             "viewAge", "akCertificateGrace", "trustAnchors", "revocationLists",
                             "referenceValues", "identity", "connection"}));
  Config out;
  NODEPROOF_CHECK(read_namespace(root, out.ns));
  NODEPROOF_CHECK(read_endpoint(root, "listen", out.listen));
  NODEPROOF_CHECK(read_endpoint(root, "healthListen", out.health_listen));
  NODEPROOF_CHECK(read_tls(root, out));
  NODEPROOF_CHECK(read_duration(root, "epochLength", out.epoch_length));
  NODEPROOF_CHECK(read_duration(root, "maxReportAge", out.max_report_age));
  NODEPROOF_CHECK(read_duration(root, "viewAge", out.view_age));
  NODEPROOF_CHECK(read_duration(root, "akCertificateGrace", out.ak_certificate_grace));
  NODEPROOF_CHECK(read_trust_anchors(root, out));
  NODEPROOF_CHECK(read_revocation_lists(root, out));
  NODEPROOF_CHECK(read_text(root, "referenceValues", out.reference_values));
  NODEPROOF_CHECK(read_text(root, "identity", out.identity));
  NODEPROOF_TRY(connection, root.optional("connection"));
  if (connection) {
    NODEPROOF_TRY(parsed, parse_connection(*connection));
    out.connection = std::move(parsed);
  }
  NODEPROOF_CHECK(check(root, out));
  return out;
}

}  // namespace nodeproof::webhook
