#include "tests/support/scripted_http_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>

namespace nodeproof::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kTick{10};  // how fast a stop is noticed
constexpr milliseconds kRequestTime{10'000};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

// `port` becomes the one that was taken.
UniqueFd listen_on(const char* address, std::uint16_t& port) {
  const bool ipv6 = std::string_view(address).find(':') != std::string_view::npos;
  UniqueFd fd(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage storage{};
  socklen_t size = 0;
  if (ipv6) {
    auto* in6 = reinterpret_cast<sockaddr_in6*>(&storage);
    in6->sin6_port = htons(port);
    in6->sin6_family = AF_INET6;
    ::inet_pton(AF_INET6, address, &in6->sin6_addr);
    size = sizeof(sockaddr_in6);
  } else {
    auto* in4 = reinterpret_cast<sockaddr_in*>(&storage);
    in4->sin_port = htons(port);
    in4->sin_family = AF_INET;
    ::inet_pton(AF_INET, address, &in4->sin_addr);
    size = sizeof(sockaddr_in);
  }
  auto* any = reinterpret_cast<sockaddr*>(&storage);
  const int on = 1;  // what is left of a server's earlier connections does not keep its port
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!fd || ::bind(fd.get(), any, size) != 0 || ::listen(fd.get(), 64) != 0 ||
      ::getsockname(fd.get(), any, &size) != 0) {
    throw std::runtime_error(std::string("cannot listen on ") + address);
  }
  port = ntohs(ipv6 ? reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port
                    : reinterpret_cast<sockaddr_in*>(&storage)->sin_port);
  return fd;
}

// Fills method, target and headers from the text before the empty line.
void parse_head(std::string_view head, ScriptedRequest& out) {
  const std::size_t first_line = head.find("\r\n");
  const std::string_view request_line = head.substr(0, first_line);
  const std::size_t space = request_line.find(' ');
  out.method = std::string(request_line.substr(0, space));
  out.target = std::string(request_line.substr(space + 1, request_line.rfind(' ') - space - 1));
  for (std::size_t at = first_line; at != std::string_view::npos && at + 2 < head.size();) {
    const std::size_t end = head.find("\r\n", at + 2);
    const std::string_view line = head.substr(at + 2, end == std::string_view::npos ? end : end - at - 2);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) {
      const std::size_t value = line.find_first_not_of(' ', colon + 1);
      out.headers[lower(std::string(line.substr(0, colon)))] =
          value == std::string_view::npos ? std::string() : std::string(line.substr(value));
    }
    at = end;
  }
}

}  // namespace

ScriptedConnection::ScriptedConnection(UniqueFd socket, SSL_CTX* tls, std::stop_token stop)
    : socket_(std::move(socket)),
      stop_(std::move(stop)),
      tls_(tls == nullptr ? nullptr : SSL_new(tls), SSL_free) {
  if (tls_) SSL_set_fd(tls_.get(), socket_.get());
}

ScriptedConnection::~ScriptedConnection() = default;

bool ScriptedConnection::handshake() {
  return !tls_ || SSL_accept(tls_.get()) == 1;
}

bool ScriptedConnection::readable(milliseconds time) const {
  if (tls_ && SSL_pending(tls_.get()) > 0) return true;
  const auto deadline = steady_clock::now() + time;
  while (!stop_.stop_requested() && steady_clock::now() < deadline) {
    pollfd waiting{socket_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(kTick.count())) > 0) return true;
  }
  return false;
}

long ScriptedConnection::receive(char* data, std::size_t size) {
  if (tls_) return SSL_read(tls_.get(), data, static_cast<int>(size));
  return ::recv(socket_.get(), data, size, 0);
}

bool ScriptedConnection::read_request(ScriptedRequest& out) {
  char buffer[16384];
  const auto more = [&] {
    if (!readable(kRequestTime)) return false;
    const long received = receive(buffer, sizeof buffer);
    if (received <= 0) return false;
    buffered_.append(buffer, static_cast<std::size_t>(received));
    return true;
  };
  std::size_t end = std::string::npos;
  while ((end = buffered_.find("\r\n\r\n")) == std::string::npos) {
    if (!more()) return false;
  }
  parse_head(std::string_view(buffered_).substr(0, end), out);
  buffered_.erase(0, end + 4);
  const std::string length = out.header("content-length");
  const std::size_t size = length.empty() ? 0 : std::stoul(length);
  while (buffered_.size() < size) {
    if (!more()) return false;
  }
  out.body = buffered_.substr(0, size);
  buffered_.erase(0, size);
  return true;
}

void ScriptedConnection::raw(std::string_view bytes) {
  while (!bytes.empty() && !stop_.stop_requested()) {
    const long sent = tls_ ? SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()))
                           : ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      broken_ = true;
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void ScriptedConnection::reply(int status, std::string_view body, const std::vector<std::string>& headers) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\nContent-Type: application/json\r\n";
  for (const std::string& header : headers) text += header + "\r\n";
  text += "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  raw(text + std::string(body));
}

void ScriptedConnection::begin_chunks() {
  raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n");
}

void ScriptedConnection::chunk(std::string_view data) {
  char size[24];
  std::snprintf(size, sizeof size, "%zx\r\n", data.size());
  raw(size + std::string(data) + "\r\n");
}

void ScriptedConnection::end_chunks() {
  raw("0\r\n\r\n");
}

void ScriptedConnection::cut() {
  ::shutdown(socket_.get(), SHUT_RDWR);
}

bool ScriptedConnection::silence(milliseconds time) {
  char byte = 0;
  return readable(time) && receive(&byte, 1) <= 0;
}

void ScriptedConnection::pause(milliseconds time) const {
  const auto deadline = steady_clock::now() + time;
  while (!stop_.stop_requested() && steady_clock::now() < deadline) std::this_thread::sleep_for(kTick);
}

std::string ScriptedConnection::peer_certificate_subject() const {
  const std::unique_ptr<X509, void (*)(X509*)> peer(tls_ ? SSL_get1_peer_certificate(tls_.get()) : nullptr,
                                                    X509_free);
  if (!peer) return {};
  char line[256];
  X509_NAME_oneline(X509_get_subject_name(peer.get()), line, sizeof line);
  return line;
}

ScriptedHttpServer::ScriptedHttpServer(Script script, SSL_CTX* tls, const char* address, std::uint16_t port)
    : script_(std::move(script)),
      tls_(tls),
      host_(address),
      port_(port),
      listener_(listen_on(address, port_)) {
  // OpenSSL writes without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  acceptor_ = std::jthread([this](const std::stop_token& stop) { accept_connections(stop); });
}

ScriptedHttpServer::~ScriptedHttpServer() {
  acceptor_ = std::jthread();  // stops and joins
  connections_.clear();
}

std::string ScriptedHttpServer::url() const {
  const std::string host = host_.find(':') == std::string::npos ? host_ : "[" + host_ + "]";
  return (tls_ == nullptr ? "http://" : "https://") + host + ":" + std::to_string(port_);
}

std::vector<ScriptedRequest> ScriptedHttpServer::requests() const {
  const std::scoped_lock lock(mutex_);
  return requests_;
}

void ScriptedHttpServer::accept_connections(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd waiting{listener_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(kTick.count())) <= 0) continue;
    UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) continue;
    auto shared = std::make_shared<UniqueFd>(std::move(socket));
    connections_.emplace_back([this, shared](const std::stop_token& own) { serve(std::move(*shared), own); });
  }
}

void ScriptedHttpServer::serve(UniqueFd socket, const std::stop_token& stop) {
  ScriptedConnection connection(std::move(socket), tls_, stop);
  if (!connection.handshake()) return;
  for (;;) {
    ScriptedRequest request;
    if (!connection.read_request(request)) return;
    {
      const std::scoped_lock lock(mutex_);
      request.number = requests_.size();
      requests_.push_back(request);
    }
    script_(request, connection);
  }
}

}  // namespace nodeproof::test
