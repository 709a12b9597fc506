#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/command_line.hpp"
#include "tests/unit/kube/test_connection.hpp"

namespace nodeproof::kube {
namespace {

using testing::HasSubstr;

const std::string kConfig = R"(apiVersion: v1
kind: Config
preferences: {}
current-context: b
clusters:
- name: other
  cluster: {server: "https://other:443"}
- name: mine
  cluster:
    server: https://api.example.org:6443
    certificate-authority-data: Q0E=
contexts:
- name: a
  context: {cluster: other, user: nobody}
- name: b
  context: {cluster: mine, user: me, namespace: demo}
users:
- name: me
  user:
    client-certificate-data: Q0VSVA==
    client-key: keys/me.pem
    token: abc
)";

std::string edited(const std::string& from, const std::string& to) {
  std::string text = kConfig;
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error(from);
  return text.replace(at, from.size(), to);
}

TEST(Kubeconfig, TheCurrentContextIsRead) {
  const TemporaryFolder folder;
  const Connection connection = kubeconfig_connection(folder.write("config", kConfig));
  EXPECT_EQ(connection.server, "https://api.example.org:6443");
  EXPECT_EQ(connection.ca_pem, "CA");
  EXPECT_TRUE(connection.ca_file.empty());
  EXPECT_EQ(connection.client_cert_pem, "CERT");
  EXPECT_EQ(connection.client_key_file, folder.path() / "keys/me.pem");  // relative to the file
  EXPECT_TRUE(connection.client_key_pem.empty());
  EXPECT_EQ(connection.token, "abc");
}

TEST(Kubeconfig, AnotherContextCanBeNamed) {
  const TemporaryFolder folder;
  const std::string text = edited("user: nobody", "user: me");
  EXPECT_EQ(kubeconfig_connection(folder.write("config", text), "a").server, "https://other:443");
}

TEST(Kubeconfig, TheDefaultIsTheEnvironmentsOrTheHomes) {
  ::setenv("HOME", "/home/me", 1);
  ::unsetenv("KUBECONFIG");
  EXPECT_EQ(default_kubeconfig(), "/home/me/.kube/config");
  ::setenv("KUBECONFIG", "/etc/one", 1);
  EXPECT_EQ(default_kubeconfig(), "/etc/one");
  ::setenv("KUBECONFIG", "/etc/one:/etc/two", 1);
  EXPECT_THROW(static_cast<void>(default_kubeconfig()), std::runtime_error);
  ::unsetenv("KUBECONFIG");
  ::unsetenv("HOME");
  EXPECT_THROW(static_cast<void>(default_kubeconfig()), std::runtime_error);
}

TEST(Kubeconfig, FilesAreNamedAbsolutely) {
  const TemporaryFolder folder;
  const std::string text = edited("token: abc", "tokenFile: /run/token");
  const Connection connection = kubeconfig_connection(folder.write("config", text));
  EXPECT_EQ(connection.token_file, "/run/token");
}

TEST(Kubeconfig, WhatCannotBeUsedIsNamed) {
  struct Case {
    std::string from;
    std::string to;
    std::string sentence;
  };
  const Case cases[] = {
      {"current-context: b", "", "current-context: is required"},
      {"current-context: b", "current-context: c", "contexts: holds no 'c'"},
      {"cluster: mine", "cluster: yours", "clusters: holds no 'yours'"},
      {"user: me", "user: you", "users: holds no 'you'"},
      {"    server: https://api.example.org:6443\n", "", "cluster.server: is required"},
      {"token: abc", "exec: {command: kubelogin}", "user.exec: is not supported; no program is run"},
      {"- name: other", "- name: mine", "is a second 'mine'"},
      {"token: abc", "username: admin", "user.username: is not supported"},
      {"token: abc", "as: root", "user.as: is not supported"},
      {"certificate-authority-data: Q0E=", "insecure-skip-tls-verify: true",
       "insecure-skip-tls-verify: is not"},
      {"certificate-authority-data: Q0E=", "proxy-url: http://p", "proxy-url: is not supported"},
      {"certificate-authority-data: Q0E=", "tls-server-name: x", "tls-server-name: is not supported"},
      {"Q0E=", "\"%\"", "certificate-authority-data"},
      {"kind: Config", "kind: [", "config:"},
  };
  const TemporaryFolder folder;
  for (const Case& c : cases) {
    const auto file = folder.write("config", edited(c.from, c.to));
    try {
      static_cast<void>(kubeconfig_connection(file));
      ADD_FAILURE() << c.to << " was accepted";
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr(c.sentence));
    }
  }
  EXPECT_THROW(static_cast<void>(kubeconfig_connection(folder.path() / "absent")), std::runtime_error);
}

TEST(InCluster, OutsideAPodItSaysWhatIsMissing) {
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  try {
    static_cast<void>(in_cluster_connection());
    ADD_FAILURE() << "accepted";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("KUBERNETES_SERVICE_HOST is not set"));
  }
}

TEST(ConnectionOf, TheFlagComesBeforeTheSettingAndBothBeforeThePod) {
  const TemporaryFolder folder;
  const Connection configured{.server = "https://configured:443"};
  EXPECT_EQ(connection_of(folder.write("config", kConfig), configured).server,
            "https://api.example.org:6443");
  EXPECT_EQ(connection_of({}, configured), configured);
  ::unsetenv("KUBERNETES_SERVICE_HOST");
  EXPECT_THROW(static_cast<void>(connection_of({}, std::nullopt)), std::runtime_error);
}

TEST(ApiClientAddress, PlainHttpIsForLoopbackAlone) {
  EXPECT_NO_THROW(ApiClient(connection_to("http://127.0.0.1:8001"), "test"));
  for (const char* server :
       {"http://api.example.org", "http://127.0.0.1.example.org", "http://localhost:8001", "ftp://127.0.0.1",
        "api.example.org:6443", "", "https://", "https://u:p@host", "https://a b", "http://127.0.0.2"}) {
    EXPECT_THROW(ApiClient(connection_to(server), "test"), std::runtime_error) << server;
  }
}

TEST(ApiClientAddress, Ipv6AddressesNeedAName) {
  for (const char* server : {"https://[fd00::1]:443", "http://[::1]:8001"}) {
    try {
      const ApiClient client(connection_to(server), "test");
      ADD_FAILURE() << server << " was accepted";
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr("use a host name"));
    }
  }
}

}  // namespace
}  // namespace nodeproof::kube
