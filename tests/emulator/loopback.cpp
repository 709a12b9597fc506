#include "tests/emulator/loopback.hpp"

#include <boost/asio/io_context.hpp>
#include <stdexcept>
#include <string>

namespace nodeproof::emulator {

Tcp::acceptor listen_on_loopback(boost::asio::io_context& context, std::uint16_t port) {
  const Tcp::endpoint endpoint(boost::asio::ip::address_v4::loopback(), port);
  try {
    return Tcp::acceptor(context, endpoint);
  } catch (const boost::system::system_error& error) {
    throw std::runtime_error("cannot listen on 127.0.0.1:" + std::to_string(port) + " (" +
                             error.code().message() + "): choose another port, or 0 for a free one");
  }
}

void accept_each(Tcp::acceptor& acceptor, std::function<void(Tcp::socket)> start) {
  acceptor.async_accept(
      [&acceptor, start = std::move(start)](boost::system::error_code error, Tcp::socket socket) mutable {
        if (error == boost::asio::error::operation_aborted) return;
        if (!error) start(std::move(socket));
        accept_each(acceptor, std::move(start));
      });
}

}  // namespace nodeproof::emulator
