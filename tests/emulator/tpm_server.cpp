#include "tests/emulator/tpm_server.hpp"

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <stdexcept>

#include "tests/emulator/swtpm.hpp"

namespace nodeproof::emulator {
namespace {

using boost::system::error_code;

// swtpm's control commands (u32, big endian) that a TPM client gives; both are answered by a u32.
constexpr std::uint32_t kSetLocality = 5;
constexpr std::uint32_t kCancel = 9;
constexpr std::uint32_t kSucceeded = 0;
constexpr std::uint32_t kNotSupported = 0x0a;  // TPM_BAD_ORDINAL
constexpr std::size_t kControlSize = 64;
constexpr int kPortAttempts = 50;

// One client of the TPM. Keeps itself alive by the operation under way.
class DataSession : public std::enable_shared_from_this<DataSession> {
 public:
  DataSession(Tcp::socket socket, const TpmServer::Handler& handler)
      : socket_(std::move(socket)), handler_(handler) {}

  void read_header() {
    command_.resize(kTpmHeaderSize);
    boost::asio::async_read(socket_, boost::asio::buffer(command_),
                            [self = shared_from_this()](error_code error, std::size_t) {
                              if (!error) self->read_rest();
                            });
  }

 private:
  void read_rest() {
    const std::size_t size = stated_size(command_);
    if (size < kTpmHeaderSize || size > kTpmBufferSize) return;  // not TPM commands: hang up
    command_.resize(size);
    boost::asio::async_read(socket_, boost::asio::buffer(command_) + kTpmHeaderSize,
                            [self = shared_from_this()](error_code error, std::size_t) {
                              if (!error) self->answer();
                            });
  }

  void answer() {
    response_ = handler_(command_);
    boost::asio::async_write(socket_, boost::asio::buffer(response_),
                             [self = shared_from_this()](error_code error, std::size_t) {
                               if (!error) self->read_header();
                             });
  }

  Tcp::socket socket_;
  const TpmServer::Handler& handler_;
  Bytes command_;
  Bytes response_;
};

class ControlSession : public std::enable_shared_from_this<ControlSession> {
 public:
  explicit ControlSession(Tcp::socket socket) : socket_(std::move(socket)) {}

  // A control command has no length; a client sends it whole and waits for the answer.
  void read() {
    socket_.async_read_some(boost::asio::buffer(command_),
                            [self = shared_from_this()](error_code error, std::size_t size) {
                              if (!error) self->answer(size);
                            });
  }

 private:
  void answer(std::size_t size) {
    std::uint32_t code = 0;
    for (std::size_t i = 0; i < 4 && i < size; ++i) code = code << 8U | command_[i];
    // The emulated node has one locality, and no command runs long enough to be cancelled.
    const bool known = code == kSetLocality || code == kCancel;
    answer_.clear();
    append_be32(answer_, known ? kSucceeded : kNotSupported);
    boost::asio::async_write(socket_, boost::asio::buffer(answer_),
                             [self = shared_from_this()](error_code error, std::size_t) {
                               if (!error) self->read();
                             });
  }

  Tcp::socket socket_;
  ByteArray<kControlSize> command_{};
  Bytes answer_;
};

}  // namespace

TpmServer::Ports TpmServer::open(boost::asio::io_context& context, std::uint16_t port) {
  if (port == 65535) throw std::runtime_error("the TPM needs two ports: choose one below 65535");
  for (int attempt = 1;; ++attempt) {
    Tcp::acceptor data = listen_on_loopback(context, port);
    const auto next = static_cast<std::uint16_t>(data.local_endpoint().port() + 1U);
    try {
      if (next != 0) return {std::move(data), listen_on_loopback(context, next)};
    } catch (const std::runtime_error&) {
      if (port != 0 || attempt == kPortAttempts) throw;
    }
  }
}

TpmServer::TpmServer(boost::asio::io_context& context, std::uint16_t port, Handler handler)
    : TpmServer(open(context, port), std::move(handler)) {}

TpmServer::TpmServer(Ports ports, Handler handler)
    : handler_(std::move(handler)), data_(std::move(ports.data)), control_(std::move(ports.control)) {
  accept_each(data_, [this](Tcp::socket socket) {
    std::make_shared<DataSession>(std::move(socket), handler_)->read_header();
  });
  accept_each(control_,
              [](Tcp::socket socket) { std::make_shared<ControlSession>(std::move(socket))->read(); });
}

}  // namespace nodeproof::emulator
