// nodeproof-emulator as a child process. For tests; ended by its process id, also when the test dies.
#pragma once

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "attest/strict_json.hpp"
#include "base/file.hpp"
#include "base/or_throw.hpp"
#include "base/unique_handle.hpp"
#include "tests/support/temporary_folder.hpp"

namespace nodeproof::emulator {

class EmulatorProcess {
 public:
  // `errors`: where its stderr goes. Does not wait for it to be ready.
  EmulatorProcess(std::vector<std::string> arguments, std::filesystem::path errors,
                  const char* search_path = nullptr)
      : errors_(std::move(errors)) {
    const char* bin = std::getenv("NODEPROOF_BIN");
    if (bin == nullptr) throw std::runtime_error("NODEPROOF_BIN does not name the folder of the programs");
    arguments.insert(arguments.begin(), std::string(bin) + "/nodeproof-emulator");
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
    output_ = UniqueFd(pipe[0]);
    const UniqueFd writer(pipe[1]);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    if (pid_ == 0) execute(arguments, writer.get(), search_path);
  }
  ~EmulatorProcess() {
    if (pid_ > 0) stop(SIGKILL);
  }
  EmulatorProcess(const EmulatorProcess&) = delete;
  EmulatorProcess& operator=(const EmulatorProcess&) = delete;

  // Waits for the line that says how to reach the node; throws when the program ends without it.
  void wait_until_ready() {
    std::string line;
    for (char c = 0; line.find('\n') == std::string::npos; line += c) {
      if (::read(output_.get(), &c, 1) != 1) throw std::runtime_error("no emulator: " + error_text());
    }
    const auto document = or_throw(attest::JsonDocument::parse(as_bytes(line), 4096, "ready line"));
    tcti_ = document.root().required("tcti").value().text().value();
    sys_ = document.root().required("sys").value().text().value();
    const auto thim = document.root().optional("thim").value();
    thim_ = thim ? thim->text().value() : std::string();
    if (document.root().required("pid").value().unsigned_integer().value() != static_cast<unsigned>(pid_)) {
      throw std::runtime_error("the ready line names another process");
    }
  }

  const std::string& tcti() const { return tcti_; }
  const std::string& thim() const { return thim_; }  // empty: it has none
  const std::filesystem::path& sys() const { return sys_; }
  std::string error_text() const {
    return std::string(as_text(read_file_if_exists(errors_, 1U << 20U).value_or(Bytes{})));
  }

  // The exit status; 128 + signal for one that a signal ended, as shells count.
  int stop(int signal = SIGTERM) {
    ::kill(pid_, signal);
    return wait();
  }
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  [[noreturn]] void execute(std::vector<std::string>& arguments, int output, const char* search_path) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (search_path != nullptr) ::setenv("PATH", search_path, 1);
    const int errors = ::open(errors_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(errors, STDERR_FILENO);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }

  std::filesystem::path errors_;
  UniqueFd output_;
  pid_t pid_ = -1;
  std::string tcti_;
  std::string thim_;
  std::filesystem::path sys_;
};

}  // namespace nodeproof::emulator
