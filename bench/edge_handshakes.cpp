// A client for bench/run edge that opens a connection for every review, with a full TLS 1.3 handshake
// each time: client-go keeps no sessions, while load generators usually resume them.
//
//   edge_handshakes PORT BODY-FILE CONNECTIONS SECONDS
//
// Prints "result REVIEWS DURATION P50 P99 0": all times in microseconds, those of one review from connect
// to the end of the answer. Any answer but 200 ends it with exit code 1.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.hpp"
#include "base/file.hpp"
#include "base/unique_handle.hpp"

namespace nodeproof::bench {
namespace {

using std::chrono::steady_clock;
using ContextHandle = UniqueHandle<SSL_CTX, SSL_CTX_free>;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr std::size_t kMaxBody = 3U << 20U;

void require(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

ContextHandle make_context() {
  ContextHandle context(SSL_CTX_new(TLS_client_method()));
  require(context != nullptr, "OpenSSL makes no context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set1_groups_list(context.get(), "X25519");
  // What is measured is the server; its certificate is from an authority of the moment.
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  return context;
}

UniqueFd connect_to(std::uint16_t port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  require(fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0,
          "cannot connect");
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

// Reads one answer, and requires that it is a 200.
void read_answer(SSL* ssl) {
  std::string received;
  char buffer[16384];
  for (;;) {
    const int count = SSL_read(ssl, buffer, sizeof buffer);
    require(count > 0, "the server ended a connection without an answer");
    received.append(buffer, static_cast<std::size_t>(count));
    const std::size_t end = received.find("\r\n\r\n");
    const std::size_t length = received.find("Content-Length: ");
    if (end == std::string::npos) continue;
    require(received.starts_with("HTTP/1.1 200 "), "the server answered something else than 200");
    require(length < end, "the answer has no Content-Length");
    if (received.size() >= end + 4 + std::stoul(received.substr(length + 16))) return;
  }
}

void one_review(SSL_CTX* context, std::uint16_t port, const std::string& request) {
  const UniqueFd fd = connect_to(port);
  const UniqueHandle<SSL, SSL_free> ssl(SSL_new(context));
  SSL_set_fd(ssl.get(), fd.get());
  require(SSL_connect(ssl.get()) == 1, "a TLS handshake failed");
  require(SSL_session_reused(ssl.get()) == 0, "a session was resumed");
  require(SSL_write(ssl.get(), request.data(), static_cast<int>(request.size())) > 0, "cannot send");
  read_answer(ssl.get());
  SSL_shutdown(ssl.get());
}

// What the threads of one run share.
struct Run {
  std::uint16_t port;
  std::string request;
  steady_clock::time_point until;
  std::mutex mutex{};
  std::vector<double> times{};  // microseconds
  std::string failure{};
};

void work(Run& run) {
  std::vector<double> times;
  try {
    const ContextHandle context = make_context();
    for (auto now = steady_clock::now(); now < run.until;) {
      one_review(context.get(), run.port, run.request);
      const auto then = std::exchange(now, steady_clock::now());
      times.push_back(Microseconds(now - then).count());
    }
  } catch (const std::exception& error) {
    const std::lock_guard lock(run.mutex);
    run.failure = error.what();
  }
  const std::lock_guard lock(run.mutex);
  run.times.insert(run.times.end(), times.begin(), times.end());
}

std::string make_request(const char* file) {
  const Bytes body = read_file(file, kMaxBody);
  return "POST /admit?timeout=10s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: kube-apiserver-admission\r\n"
         "Content-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + std::string(as_text(body));
}

int measure(const std::vector<std::string>& arguments) {
  (void)std::signal(SIGPIPE, SIG_IGN);
  const auto began = steady_clock::now();
  Run run{static_cast<std::uint16_t>(std::stoul(arguments.at(0))), make_request(arguments.at(1).c_str()),
          began + std::chrono::seconds(std::stoi(arguments.at(3)))};
  std::vector<std::thread> threads;
  for (int i = std::stoi(arguments.at(2)); i > 0; --i) threads.emplace_back([&run] { work(run); });
  for (std::thread& thread : threads) thread.join();
  if (!run.failure.empty()) throw std::runtime_error(run.failure);
  require(!run.times.empty(), "no review was answered in time");
  std::sort(run.times.begin(), run.times.end());
  const auto percentile = [&run](std::size_t percent) {
    return static_cast<long>(run.times[(run.times.size() - 1) * percent / 100]);
  };
  const auto duration = std::chrono::duration_cast<std::chrono::microseconds>(steady_clock::now() - began);
  std::cout << "result " << run.times.size() << ' ' << duration.count() << ' ' << percentile(50) << ' '
            << percentile(99) << " 0\n";
  return 0;
}

}  // namespace
}  // namespace nodeproof::bench

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: edge_handshakes PORT BODY-FILE CONNECTIONS SECONDS\n";
    return 2;
  }
  try {
    return nodeproof::bench::measure({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::cerr << "edge_handshakes: " << error.what() << '\n';
    return 1;
  }
}
