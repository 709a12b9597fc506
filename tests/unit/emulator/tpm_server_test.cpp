#include "tests/emulator/tpm_server.hpp"

#include <gtest/gtest.h>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <thread>

namespace nodeproof::emulator {
namespace {

// Answers each command with the command itself, which is a whole response by its size.
class TpmServerTest : public testing::Test {
 protected:
  ~TpmServerTest() override {
    context_.stop();
    thread_.join();
  }

  Tcp::socket connect(unsigned offset = 0) {
    Tcp::socket socket(client_);
    const auto port = static_cast<std::uint16_t>(server_.port() + offset);
    socket.connect(Tcp::endpoint(boost::asio::ip::address_v4::loopback(), port));
    return socket;
  }

 private:
  boost::asio::io_context client_;
  boost::asio::io_context context_;
  TpmServer server_{context_, 0, [](ByteView command) { return to_bytes(command); }};
  std::thread thread_{[this] { context_.run(); }};
};

Bytes command_of(std::size_t size) {
  Bytes command{0x80, 0x01};
  append_be32(command, static_cast<std::uint32_t>(size));
  command.resize(std::max<std::size_t>(size, 10), 0x7e);
  return command;
}

Bytes receive(Tcp::socket& socket, std::size_t size) {
  Bytes response(size);
  boost::asio::read(socket, boost::asio::buffer(response));
  return response;
}

Bytes send_and_receive(Tcp::socket& socket, const Bytes& command) {
  boost::asio::write(socket, boost::asio::buffer(command));
  return receive(socket, command.size());
}

TEST_F(TpmServerTest, ServesSeveralClientsAtOnce) {
  Tcp::socket first = connect();
  Tcp::socket second = connect();
  for (const std::size_t size : {10U, 12U, 4096U, 35U}) {
    EXPECT_EQ(send_and_receive(first, command_of(size)), command_of(size));
    EXPECT_EQ(send_and_receive(second, command_of(size)), command_of(size));
  }
}

TEST_F(TpmServerTest, TakesACommandInPieces) {
  Tcp::socket socket = connect();
  const Bytes command = command_of(100);
  boost::asio::write(socket, boost::asio::buffer(command.data(), 7));
  boost::asio::write(socket, boost::asio::buffer(command.data() + 7, 50));
  boost::asio::write(socket, boost::asio::buffer(command.data() + 57, 43));
  EXPECT_EQ(receive(socket, command.size()), command);
}

TEST_F(TpmServerTest, HangsUpOnWhatIsNoCommand) {
  for (const std::size_t size : {0U, 9U, 4097U, 0xffffffffU}) {
    Bytes header{0x80, 0x01};
    append_be32(header, static_cast<std::uint32_t>(size));
    header.resize(10);
    Tcp::socket socket = connect();
    boost::asio::write(socket, boost::asio::buffer(header));
    boost::system::error_code error;
    std::uint8_t byte = 0;
    boost::asio::read(socket, boost::asio::buffer(&byte, 1), error);
    EXPECT_TRUE(error) << size;
  }
}

TEST_F(TpmServerTest, ControlPortKnowsWhatATpmClientNeeds) {
  Tcp::socket socket = connect(1);
  EXPECT_EQ(send_and_receive(socket, {0, 0, 0, 9}), (Bytes{0, 0, 0, 0}));     // cancel
  EXPECT_EQ(send_and_receive(socket, {0, 0, 0, 3}), (Bytes{0, 0, 0, 0x0a}));  // shut down: refused
  boost::asio::write(socket, boost::asio::buffer(Bytes{0, 0, 0, 5, 0, 0, 0, 0}));
  EXPECT_EQ(receive(socket, 4), (Bytes{0, 0, 0, 0}));  // locality 0
}

TEST(TpmServer, SaysSoWhenAPortIsTaken) {
  boost::asio::io_context context;
  const auto handler = [](ByteView command) { return to_bytes(command); };
  const TpmServer first(context, 0, handler);
  EXPECT_THROW(TpmServer(context, first.port(), handler), std::runtime_error);
  EXPECT_THROW(TpmServer(context, 65535, handler), std::runtime_error);
}

}  // namespace
}  // namespace nodeproof::emulator
