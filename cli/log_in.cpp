#include "cli/log_in.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/file.hpp"
#include "base/unique_handle.hpp"

namespace nodeproof::cli {
namespace {

using kube::ExecConfig;
using Variables = std::vector<std::pair<std::string, std::string>>;

constexpr std::size_t kMaxFile = 1U << 20U;
constexpr std::size_t kMaxPrinted = 1U << 20U;

[[noreturn]] void fail(const ExecConfig& exec, const std::string& what) {
  throw std::runtime_error(exec.where + ": " + what);
}

[[noreturn]] void fail_to_start(const ExecConfig& exec, int error) {
  if (error != ENOENT) fail(exec, exec.command + " cannot be run: " + std::strerror(error));
  const bool is_path = exec.command.find('/') != std::string::npos;
  fail(exec,
       "there is no program " + exec.command + " to log in with" +
           (exec.install_hint.empty() ? std::string(is_path ? "" : " in PATH") : ". " + exec.install_hint));
}

bool terminal_for(const ExecConfig& exec) {
  if (exec.interactive == ExecConfig::Interactive::kNever) return false;
  const bool there = ::isatty(STDIN_FILENO) == 1;
  if (!there && exec.interactive == ExecConfig::Interactive::kAlways)
    fail(exec, exec.command + " wants to ask at a terminal (interactiveMode: Always), and there is none");
  return there;
}

std::string ca_of(const kube::Connection& connection) {
  if (connection.ca_file.empty()) return connection.ca_pem;
  return std::string(as_text(read_file(connection.ca_file, kMaxFile)));
}

// Ours, with `more` in the place of what has the same name.
std::vector<std::string> environment_with(const Variables& more) {
  std::vector<std::string> out;
  for (const auto& [name, value] : more) out.emplace_back(name).append("=").append(value);
  for (char** item = environ; *item != nullptr; ++item) {
    const std::string_view own = *item;
    const auto sets_it = [own](const auto& variable) {
      return own.starts_with(variable.first) && own.substr(variable.first.size()).starts_with('=');
    };
    if (std::none_of(more.begin(), more.end(), sets_it)) out.emplace_back(own);
  }
  return out;
}

// As the C interfaces take them; borrowed from `texts`.
std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// A program whose standard output is read here. What it prints on its standard error is for the person who
// waits.
class Program {
 public:
  Program(const ExecConfig& exec, const Variables& variables, bool terminal) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail(exec, std::string("no pipe: ") + std::strerror(errno));
    output_ = UniqueFd(ends[0]);
    const UniqueFd writing(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (!terminal) posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    std::vector<std::string> arguments{exec.command};
    arguments.insert(arguments.end(), exec.arguments.begin(), exec.arguments.end());
    std::vector<std::string> environment = environment_with(variables);
    const int error = ::posix_spawnp(&pid_, exec.command.c_str(), &actions, nullptr,
                                     pointers_to(arguments).data(), pointers_to(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) fail_to_start(exec, error);
  }
  ~Program() {
    if (ended_) return;
    ::kill(pid_, SIGKILL);
    wait();
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // At most kMaxPrinted + 1 bytes.
  std::string output() {
    std::string out;
    char piece[4096];
    while (out.size() <= kMaxPrinted) {
      const ssize_t size = ::read(output_.get(), piece, sizeof piece);
      if (size == 0 || (size < 0 && errno != EINTR)) break;
      if (size > 0) out.append(piece, static_cast<std::size_t>(size));
    }
    return out;
  }
  // Its exit code; negative: the signal that ended it.
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    ended_ = true;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  UniqueFd output_;
  pid_t pid_ = -1;
  bool ended_ = false;
};

std::string printed_by(const ExecConfig& exec, const Variables& variables, bool terminal) {
  Program program(exec, variables, terminal);
  std::string text = program.output();
  if (text.size() > kMaxPrinted)
    fail(exec, exec.command + " printed more than " + std::to_string(kMaxPrinted) + " bytes");
  if (const int code = program.wait(); code != 0) {
    fail(exec, exec.command + (code > 0 ? " ended with exit code " : " was ended by signal ") +
                   std::to_string(std::abs(code)) + "; log in with it, or see what it wrote above");
  }
  return text;
}

}  // namespace

void log_in(kube::Connection& connection) {
  if (!connection.exec) return;
  const ExecConfig exec = *connection.exec;
  const bool terminal = terminal_for(exec);
  Variables variables{
      {"KUBERNETES_EXEC_INFO", kube::exec_info(exec, connection.server, ca_of(connection), terminal)}};
  variables.insert(variables.end(), exec.environment.begin(), exec.environment.end());
  const std::string text = printed_by(exec, variables, terminal);
  auto credential = kube::parse_exec_credential(as_bytes(text), exec);
  if (!credential)
    fail(exec, "what " + exec.command + " printed cannot be used: " + to_string(credential.error()));
  connection.token = std::move(credential->token);
  connection.client_cert_pem = std::move(credential->client_cert_pem);
  connection.client_key_pem = std::move(credential->client_key_pem);
  connection.exec.reset();
}

}  // namespace nodeproof::cli
