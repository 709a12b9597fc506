#include "tests/emulator/swtpm.hpp"

#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <thread>

namespace nodeproof::emulator {
namespace {

constexpr int kSwtpmFd = 3;                                     // where swtpm finds its end of the socket
constexpr int kAnswerMilliseconds = 60'000;                     // key generation can take seconds
constexpr auto kEndPatience = std::chrono::milliseconds(2000);  // before SIGKILL
constexpr int kStarts = 10;
constexpr auto kBetweenStarts = std::chrono::milliseconds(200);

// TPM2_ReadClock: changes nothing and works in every state of a started TPM.
constexpr ByteArray<kTpmHeaderSize> kReadClock{0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x01, 0x81};

void require(bool succeeded, const std::string& what) {
  if (!succeeded) throw std::runtime_error(what + ": " + std::strerror(errno));
}

class SpawnSettings {
 public:
  explicit SpawnSettings(int socket) {
    posix_spawn_file_actions_init(&files_);
    posix_spawn_file_actions_adddup2(&files_, socket, kSwtpmFd);
    posix_spawn_file_actions_adddup2(&files_, STDERR_FILENO, STDOUT_FILENO);  // our stdout is for the user
    posix_spawnattr_init(&attributes_);
    // A group of its own: Ctrl-C at the terminal must reach us first, so that the TPM is shut down
    // in order.
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes_, 0);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  const posix_spawn_file_actions_t* files() const { return &files_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

pid_t spawn(std::vector<std::string> arguments, int socket) {
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const SpawnSettings settings(socket);
  pid_t pid = -1;
  const int error =
      posix_spawnp(&pid, argv[0], settings.files(), settings.attributes(), argv.data(), environ);
  if (error == ENOENT) throw std::runtime_error("swtpm is not installed: install the package swtpm");
  if (error != 0) throw std::runtime_error(std::string("cannot start swtpm: ") + std::strerror(error));
  return pid;
}

bool ended(pid_t pid) {
  return waitpid(pid, nullptr, WNOHANG) != 0;
}

}  // namespace

std::size_t stated_size(ByteView header) {
  std::size_t size = 0;
  for (const std::uint8_t byte : header.subspan(2, 4)) size = size << 8U | byte;
  return size;
}

Swtpm::Swtpm(std::filesystem::path directory) : directory_(std::move(directory)) {
  std::filesystem::create_directories(directory_);
  // The swtpm of an emulator that was killed just now may hold the state's lock for a moment more.
  for (int started = 1;; ++started) {
    start();
    try {
      transmit(kReadClock);
      return;
    } catch (const std::runtime_error&) {
      stop();
      if (started == kStarts) throw;
      std::this_thread::sleep_for(kBetweenStarts);
    }
  }
}

Swtpm::~Swtpm() {
  stop();
}

std::filesystem::path Swtpm::log() const {
  return directory_ / "swtpm.log";
}

void Swtpm::start() {
  int ends[2] = {-1, -1};
  require(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "cannot make a socket for swtpm");
  socket_ = UniqueFd(ends[0]);
  const UniqueFd theirs(ends[1]);
  pid_ = spawn(
      {"swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + directory_.string() + ",mode=0600", "--fd",
       std::to_string(kSwtpmFd), "--flags", "not-need-init,startup-clear", "--log", "file=" + log().string()},
      theirs.get());
}

// Closing the socket ends swtpm.
void Swtpm::stop() {
  socket_ = UniqueFd();
  const auto deadline = std::chrono::steady_clock::now() + kEndPatience;
  while (!ended(pid_)) {
    if (std::chrono::steady_clock::now() > deadline) {
      ::kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

std::runtime_error Swtpm::gone() const {
  return std::runtime_error("swtpm has ended: see " + log().string() +
                            "; is another emulator using this state directory?");
}

void Swtpm::send(ByteView command) {
  while (!command.empty()) {
    const ssize_t sent = ::send(socket_.get(), command.data(), command.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) throw gone();
    command = command.subspan(static_cast<std::size_t>(sent));
  }
}

void Swtpm::receive(Bytes& to, std::size_t until) {
  while (to.size() < until) {
    pollfd waiting{socket_.get(), POLLIN, 0};
    const int ready = ::poll(&waiting, 1, kAnswerMilliseconds);
    if (ready < 0 && errno == EINTR) continue;
    require(ready >= 0, "cannot wait for swtpm");
    if (ready == 0) throw std::runtime_error("swtpm does not answer: see " + log().string());
    ByteArray<kTpmBufferSize> buffer{};
    const ssize_t got = ::recv(socket_.get(), buffer.data(), until - to.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw gone();
    append(to, ByteView(buffer).first(static_cast<std::size_t>(got)));
  }
}

Bytes Swtpm::transmit(ByteView command) {
  send(command);
  Bytes response;
  receive(response, kTpmHeaderSize);
  const std::size_t size = stated_size(response);
  if (size < kTpmHeaderSize || size > kTpmBufferSize) {
    throw std::runtime_error("swtpm answered with " + std::to_string(size) + " bytes: see " + log().string());
  }
  receive(response, size);
  return response;
}

}  // namespace nodeproof::emulator
