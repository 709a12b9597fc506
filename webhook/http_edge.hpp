// What the connections of one server share: the acceptor, the deadlines, the limits on all of them
// together, and the way to the workers. Everything runs on the I/O thread unless said otherwise.
#pragma once

#include <array>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "webhook/http_connection.hpp"

namespace nodeproof::webhook {

// HttpStats that any thread may change and read.
class HttpCounters {
 public:
  using Field = std::uint64_t HttpStats::*;

  void add(Field field, std::uint64_t count = 1) {
    const std::lock_guard lock(mutex_);
    stats_.*field += count;
  }
  void subtract(Field field) {
    const std::lock_guard lock(mutex_);
    --(stats_.*field);
  }
  HttpStats read() const {
    const std::lock_guard lock(mutex_);
    return stats_;
  }

 private:
  mutable std::mutex mutex_;
  HttpStats stats_;
};

class HttpEdge {
 public:
  using Phase = HttpConnection::Phase;

  // `io` and `workers` outlive the edge; `workers` is joined before the edge ends.
  HttpEdge(boost::asio::io_context& io, boost::asio::thread_pool& workers, HttpServer::Options options,
           HttpPromptHandler handler);

  // Binds and listens. Before the I/O thread runs. Throws std::system_error.
  void listen();
  std::uint16_t port() const { return port_; }
  // Begins to accept and to look at deadlines.
  void begin();
  // From now on every answer says that its connection ends with it.
  void retire() { retiring_ = true; }
  // Accepts nothing more, ends idle connections, and calls `settled` once, when no request is in hand.
  void drain(std::function<void()> settled);
  // Ends everything, so that the I/O thread runs out of work.
  void close_all();

  // For connections.
  boost::asio::io_context& io() { return io_; }
  const HttpLimits& limits() const { return options_.limits; }
  const TlsMaterial* tls() const { return options_.tls.get(); }
  std::span<char> scratch() { return scratch_; }
  HttpCounters& counters() { return counters_; }  // from any thread
  bool retiring() const { return retiring_ || draining_; }
  std::chrono::milliseconds phase_time(Phase phase) const;
  static HttpCounters::Field timeout_counter(Phase phase);  // null: not worth a count
  void phase_changed(Phase before, Phase after);
  void closed(HttpConnection& connection, Phase before);
  // Accounts for body bytes; false when there are too many, and nothing is accounted for.
  bool hold(std::size_t bytes);
  void release(std::size_t bytes) { held_ -= bytes; }
  // The answer to a request, or nothing when a worker has it and will call respond() of `connection`.
  std::optional<HttpResponse> handle(HttpConnection& connection, HttpRequest request);

 private:
  using Acceptor =
      boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
  using Timer = boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                                  boost::asio::wait_traits<std::chrono::steady_clock>,
                                                  boost::asio::io_context::executor_type>;

  bool submit(std::shared_ptr<HttpConnection> connection, std::string what, HttpWork work);
  HttpResponse do_work(const std::string& what, const HttpWork& work, HttpTime deadline);  // on a worker
  HttpResponse failure(const std::string& what);  // in a catch clause; on any thread
  bool full() const;
  void accept_if_room();
  void accepted(const boost::system::error_code& error, HttpSocket socket);
  void back_off();
  void schedule_tick();
  void tick();
  void evict(std::size_t count);
  void tell_if_settled();

  boost::asio::io_context& io_;
  boost::asio::thread_pool& workers_;
  const HttpServer::Options options_;
  const HttpPromptHandler handler_;
  HttpCounters counters_;
  Acceptor acceptor_;
  Timer back_off_timer_;
  Timer tick_timer_;
  std::uint16_t port_ = 0;
  bool accepting_ = false;  // an accept is under way, or waits out the back-off
  bool retiring_ = false;
  bool draining_ = false;
  std::function<void()> settled_;
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections_;
  std::size_t handshaking_ = 0;
  std::size_t handling_ = 0;
  std::size_t held_ = 0;
  std::array<char, 32768> scratch_{};  // two TLS records; what is left of it is kept by the connection
};

}  // namespace nodeproof::webhook
