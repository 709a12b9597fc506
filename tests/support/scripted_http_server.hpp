// An HTTP/1.1 server on a free loopback port whose every answer a test scripts byte by byte: right
// ones, broken ones, slow ones and none. Plain or TLS.
#pragma once

#include <openssl/ossl_typ.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/unique_handle.hpp"

namespace nodeproof::test {

struct ScriptedRequest {
  std::string method;
  std::string target;                          // path and query as sent
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  std::size_t number = 0;  // of this request among all, from 0

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
};

// One connection, as the script sees it. For the script's thread. Writing to a peer that has gone is
// no error: that is what many tests are about.
class ScriptedConnection {
 public:
  ScriptedConnection(UniqueFd socket, SSL_CTX* tls, std::stop_token stop);
  ~ScriptedConnection();

  // A whole answer with Content-Length; the connection stays open.
  void reply(int status, std::string_view body, const std::vector<std::string>& headers = {});
  // A chunked 200.
  void begin_chunks();
  void chunk(std::string_view data);
  void end_chunks();
  void raw(std::string_view bytes);
  // The peer took no more bytes, or the server ends: for scripts that go on until then.
  bool is_over() const { return broken_ || stop_.stop_requested(); }
  // Ends the connection without any ending of HTTP's or TLS's.
  void cut();
  // Says nothing until the peer closes (true) or the time is over or the server ends (false).
  bool silence(std::chrono::milliseconds time);
  // Sleeps; returns early when the server ends.
  void pause(std::chrono::milliseconds time) const;
  std::string peer_certificate_subject() const;  // empty: none was sent

 private:
  friend class ScriptedHttpServer;
  bool handshake();
  bool read_request(ScriptedRequest& out);
  long receive(char* data, std::size_t size);
  bool readable(std::chrono::milliseconds time) const;

  UniqueFd socket_;
  std::stop_token stop_;
  std::unique_ptr<SSL, void (*)(SSL*)> tls_;
  std::string buffered_;
  bool broken_ = false;
};

// The script runs once per request, on a thread of that request's connection.
class ScriptedHttpServer {
 public:
  using Script = std::function<void(const ScriptedRequest&, ScriptedConnection&)>;

  // `tls` is borrowed and must outlive the server; null: plain HTTP. `address`: 127.0.0.1 or ::1. `port`: 0
  // for a free one, or that of a server that has ended, as one that restarts has it.
  explicit ScriptedHttpServer(Script script, SSL_CTX* tls = nullptr, const char* address = "127.0.0.1",
                              std::uint16_t port = 0);
  ~ScriptedHttpServer();  // closes every connection and joins
  ScriptedHttpServer(const ScriptedHttpServer&) = delete;
  ScriptedHttpServer& operator=(const ScriptedHttpServer&) = delete;

  std::string url() const;  // "http://127.0.0.1:34567"
  std::uint16_t port() const { return port_; }
  std::vector<ScriptedRequest> requests() const;

 private:
  void accept_connections(const std::stop_token& stop);
  void serve(UniqueFd socket, const std::stop_token& stop);

  Script script_;
  SSL_CTX* tls_;
  std::string host_;
  std::uint16_t port_ = 0;
  UniqueFd listener_;
  mutable std::mutex mutex_;
  std::vector<ScriptedRequest> requests_;
  std::list<std::jthread> connections_;  // touched by the accepting thread only, and after it
  std::jthread acceptor_;
};

}  // namespace nodeproof::test
