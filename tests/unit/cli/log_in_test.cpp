#include "cli/log_in.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.hpp"
#include "tests/support/temporary_folder.hpp"

namespace nodeproof::cli {
namespace {

using ::testing::HasSubstr;

// A program as a kubeconfig names it; the test's standard input is no terminal.
class LogIn : public ::testing::Test {
 protected:
  LogIn() {
    connection_.server = "https://api.example.org:6443";
    connection_.exec.emplace();
    connection_.exec->api_version = "client.authentication.k8s.io/v1";
    connection_.exec->where = "config:9:7: user.exec";
    connection_.exec->interactive = kube::ExecConfig::Interactive::kNever;
  }

  void program(const std::string& script) {
    const auto file = folder_.write("login", "#!/bin/sh\n" + script + "\n");
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    connection_.exec->command = file.string();
  }
  static std::string prints(const std::string& status) {
    return R"(echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":)" +
           status + "}'";
  }
  std::string failure() {
    try {
      log_in(connection_);
    } catch (const std::runtime_error& error) {
      EXPECT_THAT(error.what(), HasSubstr("config:9:7: user.exec: "));
      return error.what();
    }
    ADD_FAILURE() << "it logged in";
    return {};
  }

  test::TemporaryFolder folder_;
  kube::Connection connection_;
};

TEST_F(LogIn, TakesWhatTheProgramPrints) {
  program(prints(R"({"token":"t0ken","clientCertificateData":"CERT","clientKeyData":"KEY"})"));
  log_in(connection_);
  EXPECT_EQ(connection_.token, "t0ken");
  EXPECT_EQ(connection_.client_cert_pem, "CERT");
  EXPECT_EQ(connection_.client_key_pem, "KEY");
  EXPECT_FALSE(connection_.exec);
}

TEST_F(LogIn, WithoutAProgramNothingChanges) {
  connection_.exec.reset();
  connection_.token = "own";
  log_in(connection_);
  EXPECT_EQ(connection_.token, "own");
}

TEST_F(LogIn, GivesArgumentsEnvironmentAndTheClusterToTheProgram) {
  const std::string told = (folder_.path() / "told").string();
  program("echo \"$1|$2|$MODE|$KUBERNETES_EXEC_INFO\" > " + told + "; " + prints(R"({"token":"t"})"));
  connection_.exec->arguments = {"get-token", "a b; $(c)"};
  connection_.exec->environment = {{"MODE", "device code"}};
  connection_.exec->provide_cluster_info = true;
  log_in(connection_);
  const Bytes text = read_file(told, 4096);
  EXPECT_THAT(std::string(as_text(text)), HasSubstr("get-token|a b; $(c)|device code|{\"apiVersion\""));
  EXPECT_THAT(std::string(as_text(text)), HasSubstr("\"server\":\"https://api.example.org:6443\""));
}

TEST_F(LogIn, SaysWhatIsWrong) {
  program("exit 3");
  EXPECT_THAT(failure(), HasSubstr("ended with exit code 3"));
  program("echo To sign in, open a browser");
  EXPECT_THAT(failure(), HasSubstr("cannot be used: ExecCredential: is not valid JSON"));
  program("kill -TERM $$");
  EXPECT_THAT(failure(), HasSubstr("was ended by signal 15"));
  program("yes");
  EXPECT_THAT(failure(), HasSubstr("printed more than 1048576 bytes"));
  connection_.exec->command = "/nowhere/login";
  EXPECT_THAT(failure(), HasSubstr("there is no program /nowhere/login to log in with"));
  connection_.exec->command = "nodeproof-no-such-program";
  EXPECT_THAT(failure(), HasSubstr("to log in with in PATH"));
  connection_.exec->install_hint = "az aks install-cli brings it";
  EXPECT_THAT(failure(), HasSubstr("az aks install-cli brings it"));
  EXPECT_TRUE(connection_.exec) << "nothing has changed";
}

TEST_F(LogIn, AProgramThatMustAskNeedsATerminal) {
  program(prints(R"({"token":"t"})"));
  connection_.exec->interactive = kube::ExecConfig::Interactive::kAlways;
  const int in = ::dup(STDIN_FILENO);
  ASSERT_NE(std::freopen("/dev/null", "r", stdin), nullptr);
  EXPECT_THAT(failure(), HasSubstr("wants to ask at a terminal"));
  ::dup2(in, STDIN_FILENO);
  ::close(in);
}

}  // namespace
}  // namespace nodeproof::cli
