#include "kube/settings.hpp"

#include <charconv>

#include "base/file.hpp"
#include "wire/dns_names.hpp"

namespace nodeproof::kube {
namespace {

using wire::YamlValue;

constexpr std::size_t kMaxFile = 1U << 20U;

Error bad(const YamlValue& value, std::string detail) {
  return {Errc::kBadValue, value.where(), std::move(detail)};
}

Result<std::string> non_empty(const YamlValue& value) {
  NODEPROOF_TRY(text, value.text());
  if (text.empty()) return bad(value, "is empty; leave the key out to get the default");
  return std::move(text);
}

template <typename T>
Status read_text(const YamlValue& map, std::string_view key, T& to) {
  NODEPROOF_TRY(member, map.optional(key));
  if (!member) return Ok{};
  NODEPROOF_TRY(text, non_empty(*member));
  to = std::move(text);
  return Ok{};
}

Result<Connection> parse_connection(const YamlValue& map) {
  NODEPROOF_CHECK(map.only({"server", "caFile", "tokenFile", "clientCertFile", "clientKeyFile"}));
  Connection out;
  NODEPROOF_TRY(server, map.required("server"));
  NODEPROOF_TRY(url, server.text());
  if (!url.starts_with("https://")) return bad(server, "is not a URL such as https://127.0.0.1:6443");
  out.server = std::move(url);
  NODEPROOF_TRY(ca_file, map.required("caFile"));
  NODEPROOF_TRY(ca_path, non_empty(ca_file));
  out.ca_file = std::move(ca_path);
  NODEPROOF_CHECK(read_setting(map, "tokenFile", out.token_file));
  NODEPROOF_CHECK(read_setting(map, "clientCertFile", out.client_cert_file));
  NODEPROOF_CHECK(read_setting(map, "clientKeyFile", out.client_key_file));
  if (out.client_cert_file.empty() != out.client_key_file.empty()) {
    return bad(map, "has one of clientCertFile and clientKeyFile; give both or none");
  }
  if (out.client_cert_file.empty() && out.token_file.empty()) {
    return bad(map, "says not who connects; give tokenFile, or clientCertFile and clientKeyFile");
  }
  return out;
}

}  // namespace

Result<std::string> read_settings_file(const std::filesystem::path& file) {
  try {
    const Bytes text = read_file(file, kMaxFile);
    return std::string(as_text(text));
  } catch (const std::exception& e) {
    return Error{Errc::kMissing, "--config",
                 std::string(e.what()) + "; give a readable file, or leave it out"};
  }
}

Status read_setting(const YamlValue& map, std::string_view key, std::string& to) {
  return read_text(map, key, to);
}
Status read_setting(const YamlValue& map, std::string_view key, std::filesystem::path& to) {
  return read_text(map, key, to);
}

Status read_setting(const YamlValue& map, std::string_view key, bool& to) {
  NODEPROOF_TRY(member, map.optional(key));
  if (!member) return Ok{};
  NODEPROOF_TRY(flag, member->boolean());
  to = flag;
  return Ok{};
}

Status read_setting(const YamlValue& map, std::string_view key, std::uint64_t& to) {
  NODEPROOF_TRY(member, map.optional(key));
  if (!member) return Ok{};
  NODEPROOF_TRY(number, member->unsigned_integer());
  to = number;
  return Ok{};
}

Status read_setting(const YamlValue& map, std::string_view key, Seconds& to) {
  NODEPROOF_TRY(member, map.optional(key));
  if (!member) return Ok{};
  NODEPROOF_TRY(duration, member->duration());
  to = duration;
  return Ok{};
}

Status read_setting(const YamlValue& map, std::string_view key, std::vector<std::filesystem::path>& to) {
  NODEPROOF_TRY(member, map.optional(key));
  if (!member) return Ok{};
  NODEPROOF_TRY(items, member->list());
  if (items.empty()) return bad(*member, "is empty; leave the key out when there is no file");
  to.clear();
  for (const YamlValue& item : items) {
    NODEPROOF_TRY(file, non_empty(item));
    to.emplace_back(std::move(file));
  }
  return Ok{};
}

Result<LogFormat> log_format(std::string_view text, std::string_view where) {
  if (const auto format = parse_log_format(text)) return *format;
  return Error{Errc::kBadValue, std::string(where), "must be text or json"};
}

Status read_setting(const YamlValue& map, std::string_view key, Endpoint& to) {
  NODEPROOF_TRY(member, map.optional(key));
  if (!member) return Ok{};
  NODEPROOF_TRY(text, member->text());
  NODEPROOF_TRY(parsed, endpoint(text, member->where()));
  to = std::move(parsed);
  return Ok{};
}

Result<Endpoint> endpoint(std::string_view text, std::string_view where) {
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

Status read_log_format(const YamlValue& root, LogFormat& to) {
  NODEPROOF_TRY(member, root.optional("logFormat"));
  if (!member) return Ok{};
  NODEPROOF_TRY(text, member->text());
  NODEPROOF_TRY(format, log_format(text, member->where()));
  to = format;
  return Ok{};
}

Status read_namespace(const YamlValue& root, std::string& to) {
  NODEPROOF_TRY(member, root.optional("namespace"));
  if (!member) return Ok{};
  NODEPROOF_TRY(text, member->text());
  NODEPROOF_TRY(name, namespace_name(text, member->where()));
  to = std::move(name);
  return Ok{};
}

Result<std::optional<Connection>> read_connection(const YamlValue& root) {
  NODEPROOF_TRY(member, root.optional("connection"));
  if (!member) return std::optional<Connection>();
  NODEPROOF_TRY(parsed, parse_connection(*member));
  return std::optional<Connection>(std::move(parsed));
}

Result<std::string> namespace_name(std::string_view text, std::string_view where) {
  if (wire::is_dns_label(text)) return std::string(text);
  return Error{
      Errc::kBadValue, std::string(where),
      "is not a namespace: up to 63 lower-case letters, digits and dashes, such as nodeproof-system"};
}

Result<std::string> node_name(std::string_view text, std::string_view where) {
  if (wire::is_dns_subdomain(text)) return std::string(text);
  return Error{Errc::kBadValue, std::string(where),
               "is not the name of a Node: up to 253 lower-case letters, digits, dashes and dots"};
}

}  // namespace nodeproof::kube
