// A client on loopback that sends what a test tells it to, byte by byte, in the clear or under TLS.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "base/unique_handle.hpp"
#include "webhook/http_server.hpp"

namespace nodeproof::webhook::test {

struct Reply {
  int status = 0;
  std::string header;
  std::string body;
};

class EdgeClient {
 public:
  // Far beyond any limit that a test sets: what takes this long never comes.
  static constexpr int kPatienceSeconds = 60;

  explicit EdgeClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    const timeval patience{kPatienceSeconds, 0};
    const int on = 1;
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  bool connected() const { return connected_; }

  // True when the handshake succeeded. `alpn`: names with their length in front; empty: no ALPN.
  bool start_tls(std::string_view alpn = "\x08http/1.1", int max_version = TLS1_3_VERSION) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    context_.reset(SSL_CTX_new(TLS_client_method()));
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), max_version);
    SSL_CTX_set_security_level(context_.get(), 0);  // or OpenSSL itself would not offer TLS 1.1
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_.get());
    if (!alpn.empty()) {
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(alpn.data()),
                          static_cast<unsigned>(alpn.size()));
    }
    return SSL_connect(ssl_.get()) == 1;
  }
  SSL* ssl() { return ssl_.get(); }
  std::string alpn() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  long server_serial() const {
    return ASN1_INTEGER_get(X509_get0_serialNumber(SSL_get0_peer_certificate(ssl_.get())));
  }

  // False when the peer no longer takes bytes.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                                : ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void finish_sending() { ::shutdown(socket_.get(), SHUT_WR); }

  // The next answer; nothing when the connection ends before it is whole. `head`: it has no body.
  std::optional<Reply> reply(bool head = false) {
    std::size_t end;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return std::nullopt;
    }
    Reply reply;
    reply.header = received_.substr(0, end + 4);
    received_.erase(0, end + 4);
    reply.status = std::stoi(reply.header.substr(9, 3));
    const std::size_t length = reply.header.find("Content-Length: ");
    const std::size_t size =
        length == std::string::npos || head ? 0 : std::stoul(reply.header.substr(length + 16));
    while (received_.size() < size) {
      if (!receive()) return std::nullopt;
    }
    reply.body = received_.substr(0, size);
    received_.erase(0, size);
    return reply;
  }
  int status() {
    const auto got = reply();
    return got ? got->status : 0;
  }

  // Waits for the peer to end the connection; false when it sends something or does nothing.
  bool ended() { return received_.empty() && !receive() && !out_of_patience_; }
  bool got_close_notify() const { return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0; }

 private:
  bool receive() {
    char buffer[16384];
    const ssize_t count =
        ssl_ ? SSL_read(ssl_.get(), buffer, sizeof buffer) : ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (count > 0) {
      received_.append(buffer, static_cast<std::size_t>(count));
      return true;
    }
    out_of_patience_ = ssl_ ? SSL_get_error(ssl_.get(), static_cast<int>(count)) == SSL_ERROR_WANT_READ
                            : count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    return false;
  }

  UniqueFd socket_;
  bool connected_ = false;
  UniqueHandle<SSL_CTX, SSL_CTX_free> context_;
  UniqueHandle<SSL, SSL_free> ssl_;
  std::string received_;
  bool out_of_patience_ = false;
};

inline std::string post(std::string_view path, std::string_view body, std::string_view more_header = "") {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
         std::string(more_header) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

inline std::string get(std::string_view path) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
}

// True as soon as `condition` holds, false when it does not within the client's patience.
template <typename Condition>
bool eventually(Condition condition) {
  using namespace std::chrono_literals;
  for (int i = 0; i < EdgeClient::kPatienceSeconds * 200; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(5ms);
  }
  return condition();
}

}  // namespace nodeproof::webhook::test
