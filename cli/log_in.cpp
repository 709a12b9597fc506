#include "cli/log_in.hpp"

#include <unistd.h>

#include <boost/process.hpp>

#include "base/file.hpp"

namespace nodeproof::cli {
namespace {

namespace process = boost::process;
using kube::ExecConfig;

constexpr std::size_t kMaxFile = 1U << 20U;
constexpr std::size_t kMaxPrinted = 1U << 20U;

[[noreturn]] void fail(const ExecConfig& exec, const std::string& what) {
  throw std::runtime_error(exec.where + ": " + what);
}

boost::filesystem::path program_of(const ExecConfig& exec) {
  const bool is_path = exec.command.find('/') != std::string::npos;
  const boost::filesystem::path found =
      is_path ? boost::filesystem::path(exec.command) : process::search_path(exec.command);
  if (!found.empty() && ::access(found.c_str(), X_OK) == 0) return found;
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

// What it prints on its standard error is for the person who waits.
std::string printed_by(const ExecConfig& exec, const process::environment& environment, bool terminal) {
  process::ipstream out;
  process::child child = terminal
                             ? process::child(program_of(exec), process::args(exec.arguments), environment,
                                              process::std_in<stdin, process::std_out> out)
                             : process::child(program_of(exec), process::args(exec.arguments), environment,
                                              process::std_in<process::null, process::std_out> out);
  std::string text;
  char piece[4096];
  while (out.read(piece, sizeof piece), out.gcount() > 0) {
    text.append(piece, static_cast<std::size_t>(out.gcount()));
    if (text.size() > kMaxPrinted) {
      child.terminate();
      fail(exec, exec.command + " printed more than " + std::to_string(kMaxPrinted) + " bytes");
    }
  }
  child.wait();
  if (child.exit_code() != 0)
    fail(exec, exec.command + " ended with exit code " + std::to_string(child.exit_code()) +
                   "; log in with it, or see what it wrote above");
  return text;
}

}  // namespace

void log_in(kube::Connection& connection) {
  if (!connection.exec) return;
  const ExecConfig exec = *connection.exec;
  const bool terminal = terminal_for(exec);
  process::environment environment = boost::this_process::environment();
  for (const auto& [name, value] : exec.environment) environment[name] = value;
  environment["KUBERNETES_EXEC_INFO"] = kube::exec_info(exec, connection.server, ca_of(connection), terminal);
  const std::string text = printed_by(exec, environment, terminal);
  auto credential = kube::parse_exec_credential(as_bytes(text), exec);
  if (!credential)
    fail(exec, "what " + exec.command + " printed cannot be used: " + to_string(credential.error()));
  connection.token = std::move(credential->token);
  connection.client_cert_pem = std::move(credential->client_cert_pem);
  connection.client_key_pem = std::move(credential->client_key_pem);
  connection.exec.reset();
}

}  // namespace nodeproof::cli
