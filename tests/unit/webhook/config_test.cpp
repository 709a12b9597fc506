#include "webhook/config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "webhook/command_line.hpp"

namespace nodeproof::webhook {
namespace {

using ::testing::HasSubstr;

constexpr const char* kFull = R"(
namespace: proofs
listen: "127.0.0.1:0"
healthListen: "[::1]:8081"
tls: {certFile: /c, keyFile: /k}
epochLength: 2s
maxReportAge: 1h
viewAge: 45s
akCertificateGrace: 24h
trustAnchors: {amd: /a, vtpm: /v}
revocationLists: [/milan.crl, /genoa.crl]
referenceValues: /r
admissionPolicies: /p
loss: {taintUnverified: true, dryRun: true}
brake: {maxEvictionsPerHour: 7, maxNodesFraction: 5%}
identity: one
connection: {server: "https://127.0.0.1:6443", caFile: /ca, tokenFile: /t}
)";

TEST(Config, ReadsEveryKey) {
  const auto config = parse_config(kFull, "webhook.yaml");
  ASSERT_TRUE(config) << to_string(config.error());
  EXPECT_EQ(config->ns, "proofs");
  EXPECT_EQ(config->listen, (kube::Endpoint{"127.0.0.1", 0}));
  EXPECT_EQ(config->health_listen, (kube::Endpoint{"::1", 8081}));
  EXPECT_EQ(config->certificate_file, "/c");
  EXPECT_EQ(config->key_file, "/k");
  EXPECT_EQ(config->epoch_length, Seconds(2));
  EXPECT_EQ(config->max_report_age, Seconds(3600));
  EXPECT_EQ(config->view_age, Seconds(45));
  EXPECT_EQ(config->ak_certificate_grace, Seconds(86400));
  EXPECT_EQ(config->amd_anchors, "/a");
  EXPECT_EQ(config->vtpm_anchors, "/v");
  EXPECT_EQ(config->revocation_lists, (std::vector<std::filesystem::path>{"/milan.crl", "/genoa.crl"}));
  EXPECT_EQ(config->reference_values, "/r");
  EXPECT_EQ(config->admission_policies, "/p");
  EXPECT_EQ(config->loss, (LossSettings{.taint_unverified = true, .dry_run = true}));
  EXPECT_EQ(config->brake, (BrakeLimits{.evictions_per_hour = 7, .nodes_percent = 5}));
  EXPECT_EQ(config->identity, "one");
  ASSERT_TRUE(config->connection);
  EXPECT_EQ(config->connection->server, "https://127.0.0.1:6443");
  EXPECT_EQ(config->connection->token_file, "/t");
}

TEST(Config, HasDefaults) {
  const auto config = parse_config("{}", "webhook.yaml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->ns, "nodeproof-system");
  EXPECT_EQ(config->listen, (kube::Endpoint{"0.0.0.0", 8443}));
  EXPECT_EQ(config->epoch_length, Seconds(30));
  EXPECT_FALSE(config->connection);
  EXPECT_TRUE(config->makes_certificates());
  EXPECT_EQ(serving_names(*config),
            (std::vector<std::string>{"nodeproof-webhook.nodeproof-system.svc",
                                      "nodeproof-webhook.nodeproof-system.svc.cluster.local",
                                      "nodeproof-webhook.nodeproof-system"}));
}

TEST(Config, ReadsHowToMakeCertificates) {
  const auto config = parse_config(
      "tls: {names: [hooks.example, 127.0.0.1, \"::1\"], caLifetime: 60s, lifetime: 20s}", "webhook.yaml");
  ASSERT_TRUE(config) << to_string(config.error());
  EXPECT_TRUE(config->makes_certificates());
  EXPECT_EQ(serving_names(*config), (std::vector<std::string>{"hooks.example", "127.0.0.1", "::1"}));
  EXPECT_EQ(config->certificate_times, (CertificateTimes{Seconds(60), Seconds(20)}));
  EXPECT_FALSE(parse_config("tls: {certFile: a, keyFile: b}", "webhook.yaml")->makes_certificates());
}

struct Row {
  std::string name;
  std::string yaml;
  std::string error;
};

class BadConfig : public ::testing::TestWithParam<Row> {};

TEST_P(BadConfig, IsRefusedByName) {
  const auto config = parse_config(GetParam().yaml, "webhook.yaml");
  ASSERT_FALSE(config);
  EXPECT_THAT(to_string(config.error()), HasSubstr("webhook.yaml"));
  EXPECT_THAT(to_string(config.error()), HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadConfig,
    ::testing::Values(
        Row{"unknown_key", "surprise: 1", "surprise"},
        Row{"duplicate_key", "identity: a\nidentity: b", "identity"},
        Row{"unknown_tls_key", "tls: {cert: x}", "tls.cert"},
        Row{"certificate_alone", "tls: {certFile: a}", "go together"},
        Row{"key_alone", "tls: {keyFile: a}", "go together"},
        Row{"files_and_lifetime", "tls: {certFile: a, keyFile: b, lifetime: 1h}", "no other key"},
        Row{"no_names", "tls: {names: []}", "tls.names"},
        Row{"bad_name", "tls: {names: [a, \"b,IP:10.0.0.1\"]}", "neither a DNS name nor an IP"},
        Row{"short_lived", "tls: {caLifetime: 1h, lifetime: 19s}", "at least 20s"},
        Row{"short_lived_authority", "tls: {caLifetime: 59s, lifetime: 20s}", "a third of caLifetime"},
        Row{"unknown_anchor_key", "trustAnchors: {intel: x}", "trustAnchors.intel"},
        Row{"no_list", "revocationLists: []", "revocationLists"},
        Row{"one_list_alone", "revocationLists: /a", "revocationLists"},
        Row{"empty_list_path", "revocationLists: [\"\"]", "revocationLists"},
        Row{"bad_namespace", "namespace: A/b", "namespace"}, Row{"bad_listen", "listen: \"8443\"", "listen"},
        Row{"bad_duration", "viewAge: soon", "viewAge"},
        Row{"empty_path", "referenceValues: \"\"", "referenceValues"},
        Row{"epochs_too_long", "epochLength: 4h", "epochLength"},
        Row{"view_too_short", "viewAge: 10s", "viewAge"},
        Row{"unknown_loss_key", "loss: {evict: true}", "loss.evict"},
        Row{"loss_no_flag", "loss: {dryRun: 1}", "loss.dryRun"},
        Row{"unknown_brake_key", "brake: {limit: 1}", "brake.limit"},
        Row{"negative_evictions", "brake: {maxEvictionsPerHour: -1}", "maxEvictionsPerHour"},
        Row{"share_without_sign", "brake: {maxNodesFraction: 0.1}", "maxNodesFraction"},
        Row{"share_too_large", "brake: {maxNodesFraction: 101%}", "maxNodesFraction"},
        Row{"share_with_zero", "brake: {maxNodesFraction: 05%}", "maxNodesFraction"},
        Row{"plain_server", "connection: {server: \"http://x\", caFile: a, tokenFile: t}", "https"},
        Row{"no_ca", "connection: {server: \"https://x\", tokenFile: t}", "caFile"},
        Row{"nobody", "connection: {server: \"https://x\", caFile: a}", "tokenFile"},
        Row{"half_a_pair", "connection: {server: \"https://x\", caFile: a, clientCertFile: c}",
            "clientKeyFile"}),
    [](const auto& param) { return param.param.name; });

struct Told {
  std::variant<Options, int> result;
  std::string out;
  std::string err;
};

Told run(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "nodeproof-webhook");
  std::ostringstream out;
  std::ostringstream err;
  auto result = read_command_line(static_cast<int>(arguments.size()), arguments.data(), out, err);
  return {std::move(result), out.str(), err.str()};
}

TEST(CommandLine, HelpAndVersion) {
  EXPECT_EQ(std::get<int>(run({"--help"}).result), 0);
  EXPECT_THAT(run({"--help"}).out, HasSubstr("healthListen"));
  EXPECT_EQ(std::get<int>(run({"--version"}).result), 0);
  EXPECT_THAT(run({"--version"}).out, HasSubstr("nodeproof-webhook "));
}

TEST(CommandLine, FlagsOverrideTheFile) {
  const std::string path = ::testing::TempDir() + "/webhook.yaml";
  std::ofstream(path) << kFull;
  const Told done =
      run({"--config", path.c_str(), "--namespace", "other", "--listen", "127.0.0.1:9", "--kubeconfig", "k"});
  ASSERT_TRUE(std::holds_alternative<Options>(done.result)) << done.err;
  const Options& options = std::get<Options>(done.result);
  EXPECT_EQ(options.config.ns, "other");
  EXPECT_EQ(options.config.listen.port, 9);
  EXPECT_EQ(options.config.identity, "one");
  EXPECT_EQ(options.kubeconfig, "k");
}

TEST(CommandLine, ErrorsAreTwoAndSaidOnStandardError) {
  for (const auto& arguments : std::vector<std::vector<const char*>>{{"--surprise"},
                                                                     {"--config", "/nonexistent"},
                                                                     {"--namespace", "A"},
                                                                     {"--listen", "x"},
                                                                     {"--log-format", "xml"}}) {
    const Told done = run(arguments);
    ASSERT_TRUE(std::holds_alternative<int>(done.result));
    EXPECT_EQ(std::get<int>(done.result), 2);
    EXPECT_FALSE(done.err.empty());
  }
}

}  // namespace
}  // namespace nodeproof::webhook
