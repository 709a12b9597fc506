// A software TPM as a child process, with us as its only client.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <stdexcept>

#include "base/bytes.hpp"
#include "base/unique_handle.hpp"

namespace nodeproof::emulator {

inline constexpr std::size_t kTpmHeaderSize = 10;    // tag u16, size u32, command or response code u32
inline constexpr std::size_t kTpmBufferSize = 4096;  // largest command and response

// The size that a command or response states in its header of kTpmHeaderSize bytes.
std::size_t stated_size(ByteView header);

// Starts swtpm with its state under `directory` (made when absent) and the TPM after a reset, and
// ends it when destroyed. swtpm also ends by itself when this process vanishes, because the socket
// between the two then closes. Throws std::runtime_error. One thread at a time.
class Swtpm {
 public:
  explicit Swtpm(std::filesystem::path directory);
  ~Swtpm();
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;

  // Sends one whole command, waits for its whole response (a minute at most).
  Bytes transmit(ByteView command);

 private:
  void start();
  void stop();
  std::filesystem::path log() const;
  std::runtime_error gone() const;
  void send(ByteView command);
  void receive(Bytes& to, std::size_t until);

  std::filesystem::path directory_;
  UniqueFd socket_;
  pid_t pid_ = -1;
};

}  // namespace nodeproof::emulator
