#include "agent/config.hpp"

#include <algorithm>

#include "wire/strict_yaml.hpp"

namespace nodeproof::agent {
namespace {

using wire::YamlValue;

bool is_lower_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_dns_label(std::string_view text) {
  return !text.empty() && text.size() <= 63 && is_lower_alnum(text.front()) && is_lower_alnum(text.back()) &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_dns_subdomain(std::string_view text) {
  if (text.size() > 253) return false;
  for (std::size_t dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.')) {
    if (!is_dns_label(text.substr(0, dot))) return false;
    text.remove_prefix(dot + 1);
  }
  return is_dns_label(text);
}

Error bad(const YamlValue& value, std::string detail) {
  return {Errc::kBadValue, value.where(), std::move(detail)};
}

Result<std::string> non_empty(const YamlValue& value) {
  NODEPROOF_TRY(text, value.text());
  if (text.empty()) return bad(value, "is empty; leave the key out to get the default");
  return std::move(text);
}

// Leaves `to` as it is when the key is absent.
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

Status read_namespace(const YamlValue& map, std::string& to) {
  NODEPROOF_TRY(member, map.optional("namespace"));
  if (!member) return Ok{};
  NODEPROOF_TRY(text, member->text());
  NODEPROOF_TRY(name, namespace_name(text, member->where()));
  to = std::move(name);
  return Ok{};
}

Status read_thim(const YamlValue& map, std::string& to) {
  NODEPROOF_TRY(member, map.optional("thim"));
  if (!member) return Ok{};
  NODEPROOF_TRY(text, member->text());
  constexpr std::string_view kScheme = "http://";
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!text.starts_with(kScheme) || text.size() == kScheme.size() || !plain) {
    return bad(*member, "is not a plain URL such as http://169.254.169.254");
  }
  while (text.back() == '/') text.pop_back();
  to = std::move(text);
  return Ok{};
}

Result<kube::Connection> parse_connection(const YamlValue& map) {
  NODEPROOF_CHECK(map.only({"server", "caFile", "tokenFile", "clientCertFile", "clientKeyFile"}));
  kube::Connection out;
  NODEPROOF_TRY(server, map.required("server"));
  NODEPROOF_TRY(url, server.text());
  if (!url.starts_with("https://") && !url.starts_with("http://")) {
    return bad(server, "is not a URL such as https://127.0.0.1:6443");
  }
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
    return bad(map, "says not who the agent is; give tokenFile, or clientCertFile and clientKeyFile");
  }
  return out;
}

}  // namespace

Result<std::string> namespace_name(std::string_view text, std::string_view where) {
  if (is_dns_label(text)) return std::string(text);
  return Error{
      Errc::kBadValue, std::string(where),
      "is not a namespace: up to 63 lower-case letters, digits and dashes, such as nodeproof-system"};
}

Result<std::string> node_name(std::string_view text, std::string_view where) {
  if (is_dns_subdomain(text)) return std::string(text);
  return Error{Errc::kBadValue, std::string(where),
               "is not the name of a Node: up to 253 lower-case letters, digits, dashes and dots"};
}

Result<Config> parse_config(std::string_view yaml, std::string what) {
  NODEPROOF_TRY(root, YamlValue::parse(yaml, std::move(what)));
  NODEPROOF_CHECK(root.only({"namespace", "tcti", "refresh", "thim", "cacheDirectory", "bootIdFile",
                             "maxReportAge", "connection"}));
  Config out;
  NODEPROOF_CHECK(read_namespace(root, out.ns));
  NODEPROOF_CHECK(read_text(root, "tcti", out.tcti));
  NODEPROOF_CHECK(read_duration(root, "refresh", out.refresh));
  NODEPROOF_CHECK(read_thim(root, out.thim));
  NODEPROOF_CHECK(read_text(root, "cacheDirectory", out.cache_directory));
  NODEPROOF_CHECK(read_text(root, "bootIdFile", out.boot_id_file));
  NODEPROOF_CHECK(read_duration(root, "maxReportAge", out.max_report_age));
  // Evidence is collected anew at a refresh before half of maxReportAge; there must be a few.
  if (out.refresh > out.max_report_age / 8) {
    return bad(root, "refresh (" + to_duration(out.refresh) +
                         ") must be at most an eighth of maxReportAge (" + to_duration(out.max_report_age) +
                         ")");
  }
  NODEPROOF_TRY(connection, root.optional("connection"));
  if (connection) {
    NODEPROOF_TRY(parsed, parse_connection(*connection));
    out.connection = std::move(parsed);
  }
  return out;
}

}  // namespace nodeproof::agent
