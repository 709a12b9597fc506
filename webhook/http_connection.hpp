// One client connection as a state machine: a phase, its deadline, and what to wait for next. All of
// it runs on the I/O thread of its HttpEdge, which also looks at the deadlines.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "webhook/http_framing.hpp"
#include "webhook/http_transport.hpp"

namespace nodeproof::webhook {

class HttpEdge;

using HttpSocket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
using HttpTime = std::chrono::steady_clock::time_point;

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  enum class Phase {
    kHandshake,  // a TCP connection costs a socket only until its first byte arrives
    kIdle,       // between requests: no buffer, no parser
    kHeader,     // from a request's first byte
    kBody,
    kHandling,  // with the handler or a worker; nothing is read meanwhile
    kWriting,
    kLingering,  // answered and finished; what still comes is thrown away
    kClosed,
  };

  HttpConnection(HttpEdge& edge, HttpSocket socket);

  void start();
  // The handler's answer to the request in hand.
  void respond(const HttpResponse& response);
  // Ends the connection because its phase took too long; counted.
  void time_out();
  // Ends an idle connection properly and at once.
  void say_goodbye();
  // Ends the connection and gives back what it holds. May be called in any phase.
  void close();

  Phase phase() const noexcept { return phase_; }
  HttpTime phase_since() const noexcept { return since_; }
  HttpTime deadline() const noexcept { return deadline_; }
  bool served() const noexcept { return served_; }  // a request was answered here
  // A request is in hand whose answer the client can still get.
  bool busy() const noexcept { return phase_ >= Phase::kHeader && phase_ <= Phase::kWriting; }

 private:
  enum class AfterWrite { kNextRequest, kBody, kLinger };

  void look_at_the_clock() { now_ = std::chrono::steady_clock::now(); }
  void enter(Phase phase);
  void run() noexcept;  // NOLINT(bugprone-exception-escape): a close that throws ends us
  void turn();
  void wait(Io io);
  // Each does one step of a phase; false: wait for the socket or the handler, or closed.
  bool shake_hands();
  bool receive();
  bool send();
  bool throw_away();

  void take(std::string_view fresh);
  std::size_t parse(std::string_view bytes);
  void begin_request();
  bool header_is_bounded(std::size_t consumed, std::size_t waiting);
  void header_done();
  bool hold_body();
  void dispatch();
  void refuse(const HttpResponse& response);
  void answer(const HttpResponse& response, AfterWrite after);
  bool next_request();
  void release_body();

  HttpEdge& edge_;
  HttpSocket socket_;
  HttpTransport transport_;
  Phase phase_ = Phase::kIdle;
  HttpTime now_{};  // as of this turn: phases follow each other within microseconds
  HttpTime since_{};
  HttpTime deadline_{};
  std::optional<HttpParser> parser_;
  std::string unparsed_;  // received and not consumed by the parser: part of a header, or a next request
  bool starved_ = true;   // unparsed_ is not enough to go on with
  std::size_t header_bytes_ = 0;
  std::size_t held_body_ = 0;  // bytes accounted for at the edge
  bool keep_alive_ = false;
  bool head_only_ = false;
  bool served_ = false;
  std::string out_;
  std::size_t sent_ = 0;
  AfterWrite after_write_ = AfterWrite::kNextRequest;
};

}  // namespace nodeproof::webhook
