// swtpm on loopback TCP, as tpm2-tss' "swtpm" TCTI expects it: commands at a port, control at the
// next. For tests; ended by its process id, also when the test dies.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/bytes.hpp"
#include "base/unique_handle.hpp"
#include "tests/support/temporary_folder.hpp"

namespace nodeproof::test {

class SwtpmProcess {
 public:
  static bool installed() { return std::system("command -v swtpm > /dev/null 2>&1") == 0; }

  // A new TPM, its state in a folder of its own. Throws std::runtime_error.
  SwtpmProcess() {
    // Another process may take the ports between our look and swtpm's bind.
    for (int tries = 0; tries < 5; ++tries) {
      port_ = free_port();
      start();
      if (answers()) return;
      stop();
    }
    throw std::runtime_error("swtpm does not start");
  }
  ~SwtpmProcess() { stop(); }
  SwtpmProcess(const SwtpmProcess&) = delete;
  SwtpmProcess& operator=(const SwtpmProcess&) = delete;

  std::string tcti() const { return "swtpm:host=127.0.0.1,port=" + std::to_string(port_); }

  // Ends the process; restart() starts it anew on the same ports and state, a TPM reset.
  void restart() {
    start();
    if (!answers()) throw std::runtime_error("swtpm does not start again");
  }
  void stop() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  // One raw command over a connection of its own; swtpm serves one at a time.
  Bytes transmit(ByteView command) const {
    const UniqueFd socket = connect();
    if (!socket) throw std::runtime_error("swtpm does not answer");
    if (::send(socket.get(), command.data(), command.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(command.size())) {
      throw std::runtime_error("cannot send to swtpm");
    }
    Bytes response(4096);
    const ssize_t got = ::recv(socket.get(), response.data(), response.size(), 0);
    if (got <= 0) throw std::runtime_error("swtpm does not answer");
    response.resize(static_cast<std::size_t>(got));
    return response;
  }

 private:
  void start() {
    const std::string at = "type=tcp,bindaddr=127.0.0.1,port=";
    const std::string server = at + std::to_string(port_);
    const std::string control = at + std::to_string(port_ + 1);
    const std::string state = "dir=" + folder_.path().string();
    const std::string log = "file=" + (folder_ / "log").string();
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("cannot fork");
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::execlp("swtpm", "swtpm", "socket", "--tpm2", "--server", server.c_str(), "--ctrl", control.c_str(),
               "--tpmstate", state.c_str(), "--log", log.c_str(), "--flags", "not-need-init,startup-clear",
               nullptr);
      ::_exit(127);
    }
  }

  static sockaddr_in loopback(int port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    return address;
  }

  static UniqueFd bound(int port) {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    // As swtpm itself does: a port that only waits out an old connection is free.
    const int yes = 1;
    ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const sockaddr_in address = loopback(port);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return UniqueFd();
    return socket;
  }

  // A port whose successor is free too.
  static int free_port() {
    for (int tries = 0; tries < 50; ++tries) {
      const UniqueFd first = bound(0);
      sockaddr_in address{};
      socklen_t size = sizeof address;
      if (::getsockname(first.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) continue;
      const int port = ntohs(address.sin_port);
      if (port < 65535 && bound(port + 1)) return port;
    }
    throw std::runtime_error("no two free ports");
  }

  UniqueFd connect() const {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(port_);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      return UniqueFd();
    return socket;
  }

  bool answers() {
    for (int tries = 0; tries < 1'500; ++tries) {
      if (connect()) return true;
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) {
        pid_ = -1;
        return false;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }

  TemporaryFolder folder_;
  int port_ = 0;
  pid_t pid_ = -1;
};

}  // namespace nodeproof::test
