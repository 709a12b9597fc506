// Listening on 127.0.0.1, and nowhere else: an emulated TPM has no password.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>

namespace nodeproof::emulator {

using Tcp = boost::asio::ip::tcp;

// Port 0 means any free one. Throws std::runtime_error when the port is taken.
Tcp::acceptor listen_on_loopback(boost::asio::io_context& context, std::uint16_t port);

// Hands every connection to `start`, for as long as `acceptor` lives.
void accept_each(Tcp::acceptor& acceptor, std::function<void(Tcp::socket)> start);

}  // namespace nodeproof::emulator
