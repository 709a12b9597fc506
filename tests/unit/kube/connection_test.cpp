#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/command_line.hpp"
#include "tests/unit/kube/test_connection.hpp"

namespace nodeproof::kube {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

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
  const Connection connection = kubeconfig_connection({folder.write("config", kConfig)});
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
  EXPECT_EQ(kubeconfig_connection({folder.write("config", text)}, "a").server, "https://other:443");
}

TEST(Kubeconfig, TheDefaultIsTheEnvironmentsOrTheHomes) {
  ::setenv("HOME", "/home/me", 1);
  ::unsetenv("KUBECONFIG");
  EXPECT_THAT(default_kubeconfig(), ElementsAre("/home/me/.kube/config"));
  ::setenv("KUBECONFIG", "/etc/one", 1);
  EXPECT_THAT(default_kubeconfig(), ElementsAre("/etc/one"));
  ::setenv("KUBECONFIG", ":/etc/one::/etc/two", 1);
  EXPECT_THAT(default_kubeconfig(), ElementsAre("/etc/one", "/etc/two"));
  ::unsetenv("KUBECONFIG");
  ::unsetenv("HOME");
  EXPECT_THROW(static_cast<void>(default_kubeconfig()), std::runtime_error);
}

// As kubectl merges them: the first that has something of a name counts.
TEST(Kubeconfig, SeveralFilesAreReadAsOne) {
  const TemporaryFolder folder;
  const auto own = folder.write("own", R"(
users:
- name: me
  user: {tokenFile: token}
clusters: null
)");
  const auto all = folder.write("all", kConfig);
  const Connection connection = kubeconfig_connection({folder.path() / "absent", own, all});
  EXPECT_EQ(connection.server, "https://api.example.org:6443");
  EXPECT_EQ(connection.token_file, folder.path() / "token");
  EXPECT_TRUE(connection.token.empty()) << "of the second file's user of that name";
  try {
    static_cast<void>(kubeconfig_connection({own, all}, "c"));
    ADD_FAILURE() << "accepted";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr(own.string() + ", " + all.string() + ": contexts: holds no 'c'"));
  }
  EXPECT_THROW(static_cast<void>(kubeconfig_connection({folder.path() / "a", folder.path() / "b"})),
               std::runtime_error);
}

constexpr const char* kExec = R"(exec:
      apiVersion: client.authentication.k8s.io/v1beta1
      command: kubelogin
      args: [get-token, --login, devicecode]
      env: [{name: AAD_LOGIN, value: "1"}]
      interactiveMode: Never
      provideClusterInfo: true
      installHint: install it)";

TEST(Kubeconfig, AProgramToLogInWithIsRead) {
  const TemporaryFolder folder;
  const auto exec_of = [&](const std::string& text) {
    return kubeconfig_connection({folder.write("config", text)}).exec;
  };
  const auto exec = exec_of(edited("token: abc", kExec));
  ASSERT_TRUE(exec);
  EXPECT_EQ(exec->api_version, "client.authentication.k8s.io/v1beta1");
  EXPECT_EQ(exec->command, "kubelogin");
  EXPECT_THAT(exec->arguments, ElementsAre("get-token", "--login", "devicecode"));
  EXPECT_THAT(exec->environment, ElementsAre(Pair("AAD_LOGIN", "1")));
  EXPECT_EQ(exec->interactive, ExecConfig::Interactive::kNever);
  EXPECT_TRUE(exec->provide_cluster_info);
  EXPECT_EQ(exec->install_hint, "install it");
  EXPECT_THAT(exec->where, HasSubstr("user.exec"));

  const std::string least =
      "exec: {apiVersion: client.authentication.k8s.io/v1, command: bin/login, env: null}";
  const auto plain = exec_of(edited("token: abc", least));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->command, folder.path() / "bin/login") << "relative to the file";
  EXPECT_EQ(plain->interactive, ExecConfig::Interactive::kIfAvailable);
  EXPECT_FALSE(plain->provide_cluster_info);
  EXPECT_FALSE(exec_of(edited("token: abc", "token: abc\n    " + least))) << "a token comes first";
}

// The agent and the webhook serve: they run nobody's program.
TEST(Kubeconfig, AnApiClientRunsNoProgram) {
  const TemporaryFolder folder;
  try {
    const ApiClient client(kubeconfig_connection({folder.write("config", edited("token: abc", kExec))}),
                           "test");
    ADD_FAILURE() << "accepted";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("user.exec: kubelogin is not run here"));
    EXPECT_THAT(error.what(), HasSubstr("kubectl create token"));
  }
}

TEST(Kubeconfig, FilesAreNamedAbsolutely) {
  const TemporaryFolder folder;
  const std::string text = edited("token: abc", "tokenFile: /run/token");
  const Connection connection = kubeconfig_connection({folder.write("config", text)});
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
      {"token: abc", "exec: {command: kubelogin}", "user.exec.apiVersion: is required"},
      {"token: abc", "exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: a}",
       "user.exec.apiVersion: must be client.authentication.k8s.io/v1"},
      {"token: abc", "exec: {apiVersion: client.authentication.k8s.io/v1}", "user.exec.command: is required"},
      {"token: abc", "exec: {apiVersion: client.authentication.k8s.io/v1, command: a, args: b}",
       "user.exec.args"},
      {"token: abc", "exec: {apiVersion: client.authentication.k8s.io/v1, command: a, env: [{value: b}]}",
       "name: is required"},
      {"token: abc",
       "exec: {apiVersion: client.authentication.k8s.io/v1, command: a, interactiveMode: Perhaps}",
       "user.exec.interactiveMode: must be Never, IfAvailable or Always"},
      {"token: abc", "auth-provider: {name: azure}", "user.auth-provider: is not supported"},
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
      static_cast<void>(kubeconfig_connection({file}));
      ADD_FAILURE() << c.to << " was accepted";
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr(c.sentence));
    }
  }
  EXPECT_THROW(static_cast<void>(kubeconfig_connection({folder.path() / "absent"})), std::runtime_error);
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
