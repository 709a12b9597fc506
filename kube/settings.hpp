// What the configuration files of all programs of the cluster have in common, each read the same way.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kube/api_client.hpp"
#include "kube/log.hpp"
#include "wire/strict_yaml.hpp"

namespace nodeproof::kube {

// The text of the configuration file that flag --config names, at most 1 MiB. A file that cannot be
// read is an Error of that flag.
Result<std::string> read_settings_file(const std::filesystem::path& file);

// Each leaves `to` as it is when `key` is absent from `map`. An empty text is an Error: whoever wants
// the default leaves the key out.
Status read_setting(const wire::YamlValue& map, std::string_view key, std::string& to);
Status read_setting(const wire::YamlValue& map, std::string_view key, std::filesystem::path& to);
Status read_setting(const wire::YamlValue& map, std::string_view key, Seconds& to);
Status read_setting(const wire::YamlValue& map, std::string_view key, bool& to);
Status read_setting(const wire::YamlValue& map, std::string_view key, std::uint64_t& to);
// A list of at least one file.
Status read_setting(const wire::YamlValue& map, std::string_view key, std::vector<std::filesystem::path>& to);

// Where to listen: an IPv4 or IPv6 literal and a port; 0 takes a free one.
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
  bool operator==(const Endpoint&) const = default;
};
// As above; and what a flag gives: "0.0.0.0:8443", "[::]:8443".
Status read_setting(const wire::YamlValue& map, std::string_view key, Endpoint& to);
Result<Endpoint> endpoint(std::string_view text, std::string_view where);

// Key "logFormat" of `root`, likewise: text or json.
Status read_log_format(const wire::YamlValue& root, LogFormat& to);
// What a flag gives; nothing is an Error.
Result<LogFormat> log_format(std::string_view text, std::string_view where);

// Key "namespace" of `root`, likewise.
Status read_namespace(const wire::YamlValue& root, std::string& to);
// Key "connection" of `root`; nothing when absent. HTTPS only, with a CA and either a token or a
// client certificate.
Result<std::optional<Connection>> read_connection(const wire::YamlValue& root);

// Names that go into request paths: a DNS label and a DNS subdomain (wire/dns_names.hpp).
Result<std::string> namespace_name(std::string_view text, std::string_view where);
Result<std::string> node_name(std::string_view text, std::string_view where);

}  // namespace nodeproof::kube
