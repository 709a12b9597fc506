#include "agent/config.hpp"

#include <gtest/gtest.h>

namespace nodeproof::agent {
namespace {

constexpr std::string_view kFull = R"(namespace: attested
tcti: "swtpm:host=127.0.0.1,port=2321"
refresh: 3s
thim: http://127.0.0.1:8080/
cacheDirectory: /tmp/cache
bootIdFile: /tmp/boot_id
maxReportAge: 1h
eventLogFile: /tmp/event_log
efivarsDirectory: /tmp/efivars
lockdownFile: /tmp/lockdown
metricsListen: "[::1]:9000"
connection:
  server: https://127.0.0.1:6443
  caFile: ca.crt
  tokenFile: token
  clientCertFile: agent.crt
  clientKeyFile: agent.key
)";

TEST(AgentConfig, ReadsEverySetting) {
  const auto config = parse_config(kFull, "agent.yaml");
  ASSERT_TRUE(config) << to_string(config.error());
  EXPECT_EQ(config->ns, "attested");
  EXPECT_EQ(config->tcti, "swtpm:host=127.0.0.1,port=2321");
  EXPECT_EQ(config->refresh, Seconds(3));
  EXPECT_EQ(config->thim, "http://127.0.0.1:8080");
  EXPECT_EQ(config->cache_directory, "/tmp/cache");
  EXPECT_EQ(config->boot_id_file, "/tmp/boot_id");
  EXPECT_EQ(config->max_report_age, Seconds(3600));
  EXPECT_EQ(config->event_log_file, "/tmp/event_log");
  EXPECT_EQ(config->efivars_directory, "/tmp/efivars");
  EXPECT_EQ(config->lockdown_file, "/tmp/lockdown");
  EXPECT_EQ(config->metrics_listen, (kube::Endpoint{"::1", 9000}));
  ASSERT_TRUE(config->connection);
  EXPECT_EQ(config->connection->server, "https://127.0.0.1:6443");
  EXPECT_EQ(config->connection->ca_file, "ca.crt");
  EXPECT_EQ(config->connection->token_file, "token");
  EXPECT_EQ(config->connection->client_cert_file, "agent.crt");
  EXPECT_EQ(config->connection->client_key_file, "agent.key");
}

TEST(AgentConfig, HasADefaultForEverySetting) {
  const auto config = parse_config("{}", "agent.yaml");
  ASSERT_TRUE(config) << to_string(config.error());
  EXPECT_EQ(config->ns, "nodeproof-system");
  EXPECT_EQ(config->tcti, "device:/dev/tpmrm0");
  EXPECT_EQ(config->refresh, Seconds(120));
  EXPECT_EQ(config->max_report_age, std::chrono::hours(24));
  EXPECT_EQ(config->metrics_listen, (kube::Endpoint{"0.0.0.0", 8082}));
  EXPECT_FALSE(config->connection);
}

struct Refused {
  const char* name;
  std::string yaml;
  std::string where;   // must begin so
  std::string detail;  // must contain this
};

class AgentConfigRefuses : public testing::TestWithParam<Refused> {};

TEST_P(AgentConfigRefuses, NamingThePlaceAndTheRemedy) {
  const auto config = parse_config(GetParam().yaml, "agent.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().where.substr(0, GetParam().where.size()), GetParam().where);
  EXPECT_NE(config.error().detail.find(GetParam().detail), std::string::npos) << to_string(config.error());
}

const std::string kWithConnection = "connection:\n  server: https://a:1\n  caFile: ca\n";

INSTANTIATE_TEST_SUITE_P(
    All, AgentConfigRefuses,
    testing::Values(
        Refused{"unknown", "tcti: a\nrefersh: 3s\n", "agent.yaml:2:1: refersh", "known are namespace"},
        Refused{"duplicate", "tcti: a\ntcti: b\n", "agent.yaml:2:1: tcti", "twice"},
        Refused{"not_yaml", "tcti: [", "agent.yaml:", ""},
        Refused{"empty", "", "agent.yaml", "no YAML document"},
        Refused{"empty_tcti", "tcti: ''\n", "agent.yaml:1:7: tcti", "leave the key out"},
        Refused{"empty_log", "eventLogFile: ''\n", "agent.yaml:1:15: eventLogFile", "leave the key out"},
        Refused{"listen", "metricsListen: 8082\n", "agent.yaml:1:16: metricsListen", "such as 0.0.0.0:8443"},
        Refused{"list_efivars", "efivarsDirectory: []\n", "agent.yaml:1:19: efivarsDirectory",
                "must be text"},
        Refused{"list_tcti", "tcti: [a]\n", "agent.yaml:1:7: tcti", "must be text"},
        Refused{"duration", "\nrefresh: often\n", "agent.yaml:2:10: refresh", "such as 90s"},
        Refused{"zero_duration", "refresh: 0s\n", "agent.yaml:1:10: refresh", "duration"},
        Refused{"namespace", "namespace: a/b\n", "agent.yaml:1:12: namespace", "such as nodeproof-system"},
        Refused{"namespace_case", "namespace: System\n", "agent.yaml:1:12: namespace", "lower-case"},
        Refused{"thim_scheme", "thim: ftp://host\n", "agent.yaml:1:7: thim",
                "such as http://169.254.169.254"},
        Refused{"thim_no_host", "thim: http://\n", "agent.yaml:1:7: thim", "such as"},
        Refused{"thim_space", "thim: 'http://a b'\n", "agent.yaml:1:7: thim", "such as"},
        Refused{"refresh_and_age", "refresh: 10m\nmaxReportAge: 1h\n", "agent.yaml:1:1",
                "an eighth of maxReportAge"},
        Refused{"connection_unknown", kWithConnection + "  token: t\n", "agent.yaml:4:3: connection.token",
                "known are"},
        Refused{"connection_no_ca", "connection: {server: https://a:1, tokenFile: t}\n",
                "agent.yaml:1:13: connection.caFile", "required"},
        Refused{"connection_server", "connection: {server: here, caFile: c, tokenFile: t}\n",
                "agent.yaml:1:22: connection.server", "such as https://"},
        Refused{"connection_no_identity", kWithConnection, "agent.yaml:2:3: connection", "give tokenFile"},
        Refused{"connection_half_identity", kWithConnection + "  clientCertFile: c\n",
                "agent.yaml:2:3: connection", "give both or none"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(AgentConfig, EveryPrefixIsRefusedOrMeansLess) {
  for (std::size_t size = 0; size < kFull.size(); ++size) {
    const auto config = parse_config(kFull.substr(0, size), "agent.yaml");
    EXPECT_TRUE(config || !config.error().detail.empty()) << size;
  }
}

}  // namespace
}  // namespace nodeproof::agent
