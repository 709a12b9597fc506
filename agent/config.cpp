#include "agent/config.hpp"

#include <algorithm>

#include "kube/settings.hpp"

namespace nodeproof::agent {
namespace {

using wire::YamlValue;

Error bad(const YamlValue& value, std::string detail) {
  return {Errc::kBadValue, value.where(), std::move(detail)};
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

}  // namespace

Result<Config> parse_config(std::string_view yaml, std::string what) {
  NODEPROOF_TRY(root, YamlValue::parse(yaml, std::move(what)));
  NODEPROOF_CHECK(root.only({"namespace", "tcti", "refresh", "thim", "cacheDirectory", "bootIdFile",
                             "maxReportAge", "eventLogFile", "efivarsDirectory", "lockdownFile",
                             "metricsListen", "logFormat", "connection"}));
  Config out;
  NODEPROOF_CHECK(kube::read_namespace(root, out.ns));
  NODEPROOF_CHECK(kube::read_setting(root, "tcti", out.tcti));
  NODEPROOF_CHECK(kube::read_setting(root, "refresh", out.refresh));
  NODEPROOF_CHECK(read_thim(root, out.thim));
  NODEPROOF_CHECK(kube::read_setting(root, "cacheDirectory", out.cache_directory));
  NODEPROOF_CHECK(kube::read_setting(root, "bootIdFile", out.boot_id_file));
  NODEPROOF_CHECK(kube::read_setting(root, "maxReportAge", out.max_report_age));
  NODEPROOF_CHECK(kube::read_setting(root, "eventLogFile", out.event_log_file));
  NODEPROOF_CHECK(kube::read_setting(root, "efivarsDirectory", out.efivars_directory));
  NODEPROOF_CHECK(kube::read_setting(root, "lockdownFile", out.lockdown_file));
  NODEPROOF_CHECK(kube::read_setting(root, "metricsListen", out.metrics_listen));
  // Evidence is collected anew at a refresh before half of maxReportAge; there must be a few.
  if (out.refresh > out.max_report_age / 8) {
    return bad(root, "refresh (" + to_duration(out.refresh) +
                         ") must be at most an eighth of maxReportAge (" + to_duration(out.max_report_age) +
                         ")");
  }
  NODEPROOF_CHECK(kube::read_log_format(root, out.log_format));
  NODEPROOF_TRY(connection, kube::read_connection(root));
  out.connection = std::move(connection);
  return out;
}

}  // namespace nodeproof::agent
