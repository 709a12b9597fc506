#include "webhook/http_edge.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <system_error>
#include <vector>

namespace nodeproof::webhook {
namespace {

using boost::asio::ip::tcp;

void check(const boost::system::error_code& error, const HttpServer::Options& options) {
  if (!error) return;
  throw std::system_error(error,
                          "cannot listen on " + options.address + " port " + std::to_string(options.port));
}

}  // namespace

HttpEdge::HttpEdge(boost::asio::io_context& io, boost::asio::thread_pool& workers,
                   HttpServer::Options options, HttpPromptHandler handler)
    : io_(io),
      workers_(workers),
      options_(std::move(options)),
      handler_(std::move(handler)),
      acceptor_(io),
      back_off_timer_(io),
      tick_timer_(io) {}

void HttpEdge::listen() {
  boost::system::error_code error;
  const tcp::endpoint endpoint(boost::asio::ip::make_address(options_.address, error), options_.port);
  check(error, options_);
  acceptor_.open(endpoint.protocol(), error);
  check(error, options_);
  acceptor_.set_option(Acceptor::reuse_address(true), error);
  check(error, options_);
  acceptor_.bind(endpoint, error);
  check(error, options_);
  acceptor_.listen(kListenBacklog, error);
  check(error, options_);
  port_ = acceptor_.local_endpoint().port();
}

void HttpEdge::begin() {
  accept_if_room();
  schedule_tick();
}

void HttpEdge::drain(std::function<void()> settled) {
  draining_ = true;
  settled_ = std::move(settled);
  boost::system::error_code ignored;  // a listening socket that cannot be closed is gone as well
  acceptor_.close(ignored);
  back_off_timer_.cancel();
  std::vector<std::shared_ptr<HttpConnection>> unused;
  for (const auto& [key, connection] : connections_) {
    if (!connection->busy()) unused.push_back(connection);
  }
  for (const auto& connection : unused) {
    if (connection->phase() != Phase::kLingering) connection->say_goodbye();
  }
  tell_if_settled();
}

void HttpEdge::close_all() {
  draining_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  back_off_timer_.cancel();
  tick_timer_.cancel();
  while (!connections_.empty()) connections_.begin()->first->say_goodbye();
}

std::chrono::milliseconds HttpEdge::phase_time(Phase phase) const {
  switch (phase) {
    case Phase::kHandshake:
      return limits().handshake_time;
    case Phase::kHeader:
      return limits().header_time;
    case Phase::kBody:
      return limits().body_time;
    case Phase::kHandling:
      return limits().handler_time;
    case Phase::kWriting:
      return limits().write_time;
    case Phase::kLingering:
      return limits().linger_time;
    case Phase::kIdle:
    case Phase::kClosed:
      break;
  }
  return limits().idle_time;
}

HttpCounters::Field HttpEdge::timeout_counter(Phase phase) {
  switch (phase) {
    case Phase::kHandshake:
      return &HttpStats::handshake_timeouts;
    case Phase::kIdle:
      return &HttpStats::idle_timeouts;
    case Phase::kHeader:
      return &HttpStats::header_timeouts;
    case Phase::kBody:
      return &HttpStats::body_timeouts;
    case Phase::kHandling:
      return &HttpStats::handler_timeouts;
    case Phase::kWriting:
      return &HttpStats::write_timeouts;
    case Phase::kLingering:
    case Phase::kClosed:
      break;
  }
  return nullptr;
}

void HttpEdge::phase_changed(Phase before, Phase after) {
  if (before == after) return;
  if (after == Phase::kHandshake) {
    ++handshaking_;
    counters_.add(&HttpStats::handshaking);
  } else if (before == Phase::kHandshake) {
    --handshaking_;
    counters_.subtract(&HttpStats::handshaking);
    accept_if_room();
  }
  if (draining_) tell_if_settled();
}

void HttpEdge::closed(HttpConnection& connection, Phase before) {
  connections_.erase(&connection);
  counters_.subtract(&HttpStats::open);
  phase_changed(before, Phase::kClosed);
  accept_if_room();
}

bool HttpEdge::hold(std::size_t bytes) {
  if (bytes > limits().bodies - held_) return false;
  held_ += bytes;
  return true;
}

std::optional<HttpResponse> HttpEdge::handle(HttpConnection& connection, HttpRequest request) {
  const std::string what = request.method + " " + request.path;  // the handler may take from the request
  try {
    HttpOutcome outcome = handler_(request);
    if (auto* response = std::get_if<HttpResponse>(&outcome)) return std::move(*response);
    if (submit(connection.shared_from_this(), what, std::get<HttpWork>(std::move(outcome))))
      return std::nullopt;
  } catch (...) {  // the I/O thread must live on whatever a handler throws
    return failure(what);
  }
  counters_.add(&HttpStats::overloaded);
  return text_response(503, "too many requests in flight");
}

// False when all workers are busy and the queue is full.
bool HttpEdge::submit(std::shared_ptr<HttpConnection> connection, std::string what, HttpWork work) {
  if (handling_ >= limits().workers + limits().queue) return false;
  const HttpTime deadline = std::chrono::steady_clock::now() + limits().handler_time;
  boost::asio::post(workers_, [this, deadline, connection = std::move(connection), what = std::move(what),
                               work = std::move(work)]() mutable {
    HttpResponse response = do_work(what, work, deadline);
    boost::asio::post(io_, [this, connection = std::move(connection), response = std::move(response)] {
      --handling_;
      counters_.subtract(&HttpStats::handling);
      connection->respond(response);
    });
  });
  ++handling_;  // the worker's answer comes to this thread, so not before this
  counters_.add(&HttpStats::handling);
  return true;
}

HttpResponse HttpEdge::do_work(const std::string& what, const HttpWork& work, HttpTime deadline) {
  if (std::chrono::steady_clock::now() >= deadline) {
    counters_.add(&HttpStats::overloaded);
    return text_response(503, "the request waited too long");
  }
  try {
    return work(deadline);
  } catch (...) {  // a worker must live on whatever a handler throws
    return failure(what);
  }
}

HttpResponse HttpEdge::failure(const std::string& what) {
  try {
    throw;
  } catch (const std::exception& error) {
    spdlog::error("handling {} failed: {}", what, error.what());
  } catch (...) {
    spdlog::error("handling {} failed with an unknown exception", what);
  }
  counters_.add(&HttpStats::handler_errors);
  return text_response(500, "internal error");
}

bool HttpEdge::full() const {
  return connections_.size() >= limits().connections || handshaking_ >= limits().handshakes;
}

void HttpEdge::accept_if_room() {
  if (accepting_ || draining_ || full()) return;
  accepting_ = true;
  acceptor_.async_accept(io_, [this](const boost::system::error_code& error, HttpSocket socket) {
    accepting_ = false;
    if (!draining_) accepted(error, std::move(socket));
  });
}

void HttpEdge::accepted(const boost::system::error_code& error, HttpSocket socket) {
  boost::system::error_code setup = error;
  if (!setup) socket.non_blocking(true, setup);
  if (setup) {
    counters_.add(&HttpStats::accept_errors);
    return back_off();
  }
  boost::system::error_code ignored;  // slower without it, nothing else
  socket.set_option(tcp::no_delay(true), ignored);
  const auto connection = std::make_shared<HttpConnection>(*this, std::move(socket));
  connections_.emplace(connection.get(), connection);
  counters_.add(&HttpStats::accepted);
  counters_.add(&HttpStats::open);
  connection->start();
  accept_if_room();
}

void HttpEdge::back_off() {
  accepting_ = true;
  back_off_timer_.expires_after(kAcceptBackOff);
  back_off_timer_.async_wait([this](const boost::system::error_code&) {
    accepting_ = false;
    accept_if_room();
  });
}

void HttpEdge::schedule_tick() {
  tick_timer_.expires_after(limits().deadline_tick);
  tick_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // cancelled
    schedule_tick();    // first, so that an exception below does not end the ticking
    tick();
  });
}

void HttpEdge::tick() {
  const HttpTime now = std::chrono::steady_clock::now();
  const bool pressed = handshaking_ >= limits().handshakes;
  std::vector<std::shared_ptr<HttpConnection>> due;  // closing changes connections_
  for (const auto& [key, connection] : connections_) {
    const bool hurried = pressed && connection->phase() == Phase::kHandshake &&
                         now - connection->phase_since() >= limits().pressed_handshake_time;
    if (hurried || now >= connection->deadline()) due.push_back(connection);
  }
  for (const auto& connection : due) connection->time_out();
  if (connections_.size() >= limits().connections)
    evict(std::max<std::size_t>(1, limits().connections / kEvictionShare));
  accept_if_room();  // should an exception have ended accepting
}

// Those that never asked anything first, then those that have been silent longest.
void HttpEdge::evict(std::size_t count) {
  std::vector<std::shared_ptr<HttpConnection>> idle;
  for (const auto& [key, connection] : connections_) {
    if (connection->phase() == Phase::kIdle) idle.push_back(connection);
  }
  count = std::min(count, idle.size());
  const auto sooner = [](const auto& a, const auto& b) {
    return a->served() != b->served() ? b->served() : a->phase_since() < b->phase_since();
  };
  std::partial_sort(idle.begin(), idle.begin() + static_cast<std::ptrdiff_t>(count), idle.end(), sooner);
  idle.resize(count);
  for (const auto& connection : idle) connection->say_goodbye();
  counters_.add(&HttpStats::evicted, count);
}

void HttpEdge::tell_if_settled() {
  if (!settled_) return;
  const bool busy = std::any_of(connections_.begin(), connections_.end(),
                                [](const auto& entry) { return entry.second->busy(); });
  if (!busy) std::exchange(settled_, nullptr)();
}

}  // namespace nodeproof::webhook
