// The listening edge: HTTP/1.1 over TLS, or plain, on Boost.Beast's parser
// (docs/adr/0001-beast-as-the-edge.md).
//
// It reads, bounds and checks requests and gives whole ones to a handler; routes are the handler's.
// What it refuses by itself: anything beyond http_limits.hpp (413, 431), ambiguous framing
// (Transfer-Encoding beside Content-Length, two Content-Lengths, bad chunk sizes: 400, RFC 9112 6.3),
// Content-Encoding (415), other versions (505), an Expect it does not know (417). It answers
// Expect: 100-continue, keeps connections, and answers pipelined requests in order.
//
// Threads: one I/O thread of its own, which runs prompt handlers between its system calls, and
// `limits.workers` threads for everything that may wait. An exception in a handler, on either, is
// logged and becomes 500 with a fixed body.
//
//   auto tls = std::make_shared<TlsMaterial>(files, clock);
//   HttpServer server({.address = "0.0.0.0", .port = 8443, .limits = {}, .tls = tls}, handle);
//   server.start();
//   …
//   server.drain_and_stop(10s);
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>

#include "webhook/http_limits.hpp"
#include "webhook/tls_material.hpp"

namespace nodeproof::webhook {

struct HttpRequest {
  std::string method;        // as sent, for example "POST"
  std::string path;          // begins with '/', without the query, not percent-decoded
  std::string query;         // what follows the first '?', or empty
  std::string content_type;  // media type in lower case without parameters: "application/json"; may be empty
  std::string body;          // at most limits.body bytes
};

struct HttpResponse {
  unsigned status = 500;
  std::string content_type;
  std::string body;
};

// A handler that may wait. Called on several workers at once. It must return soon after `deadline`: the
// connection is closed shortly after that, and a stop waits for handlers that run.
using HttpHandler =
    std::function<HttpResponse(const HttpRequest& request, std::chrono::steady_clock::time_point deadline)>;

// The rest of a request's work, under the same terms.
using HttpWork = std::function<HttpResponse(std::chrono::steady_clock::time_point deadline)>;
// The answer at once, or work for a worker.
using HttpOutcome = std::variant<HttpResponse, HttpWork>;
// A handler that never waits: an answer that needs nothing but memory costs no change of threads. Called
// on the I/O thread, one call at a time, and every connection stands still meanwhile: what may wait, or
// takes more than some 100 microseconds, is to be given back as HttpWork. It may take from `request`
// what that needs.
using HttpPromptHandler = std::function<HttpOutcome(HttpRequest& request)>;

// Counts since start, except `open`, `handshaking` and `handling`, which are now.
struct HttpStats {
  std::uint64_t open = 0;         // connections
  std::uint64_t handshaking = 0;  // of them, with an unfinished TLS handshake
  std::uint64_t handling = 0;     // requests that wait for a worker or are with one
  std::uint64_t accepted = 0;     // connections
  std::uint64_t accept_errors = 0;
  std::uint64_t evicted = 0;             // idle connections closed to let others in
  std::uint64_t handshake_failures = 0;  // not counting time-outs
  std::uint64_t requests = 0;            // whole requests that passed the edge's checks
  std::uint64_t refused = 0;             // requests that the edge answered with 4xx, 501 or 505
  std::uint64_t overloaded = 0;          // requests answered with 503: no worker, or too many bodies
  std::uint64_t handler_errors = 0;      // exceptions
  std::uint64_t handshake_timeouts = 0;
  std::uint64_t header_timeouts = 0;
  std::uint64_t body_timeouts = 0;
  std::uint64_t handler_timeouts = 0;
  std::uint64_t write_timeouts = 0;
  std::uint64_t idle_timeouts = 0;
};

class HttpServer {
 public:
  struct Options {
    std::string address = "127.0.0.1";  // IPv4 or IPv6 literal
    std::uint16_t port = 0;             // 0: a free one
    HttpLimits limits = {};
    std::shared_ptr<const TlsMaterial> tls = {};  // none: plain HTTP
  };

  HttpServer(Options options, HttpPromptHandler handler);
  HttpServer(Options options, HttpHandler handler);  // every request goes to a worker
  // Stops without waiting for requests in flight, unless stopped before.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Binds, listens and starts the threads. Throws std::system_error naming address and port. Once.
  void start();

  // The port that is listened on. After start().
  std::uint16_t port() const;

  // From now on every answer ends its connection ("Connection: close"), and new ones are still accepted. A
  // while before drain_and_stop: a client that keeps its connection may be about to send on it when that
  // closes it. From any thread.
  void retire();

  // Accepts nothing more, closes idle connections, lets requests in flight be answered for at most
  // `bound`, then closes what is left and joins the threads. True when all were answered. Not from a
  // handler. A second call does nothing and gives true.
  bool drain_and_stop(std::chrono::milliseconds bound);

  // From any thread.
  HttpStats stats() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nodeproof::webhook
