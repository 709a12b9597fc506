// Lets several clients share one TPM over swtpm's protocol, as tpm2-tss' TCTI "swtpm" speaks it: raw
// commands and responses on one port, control commands on the next. swtpm itself serves one client.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>

#include "base/bytes.hpp"
#include "tests/emulator/loopback.hpp"

namespace nodeproof::emulator {

class TpmServer {
 public:
  // Gives the response to one whole command; what it throws leaves io_context::run. Called on that
  // thread, so one command at a time.
  using Handler = std::function<Bytes(ByteView)>;

  // Takes `port` and the one after it; 0: any two free ones. Must outlive io_context::run.
  TpmServer(boost::asio::io_context& context, std::uint16_t port, Handler handler);

  std::uint16_t port() const { return data_.local_endpoint().port(); }

 private:
  struct Ports {
    Tcp::acceptor data;
    Tcp::acceptor control;
  };
  static Ports open(boost::asio::io_context& context, std::uint16_t port);
  TpmServer(Ports ports, Handler handler);

  Handler handler_;
  Tcp::acceptor data_;
  Tcp::acceptor control_;
};

}  // namespace nodeproof::emulator
