#include "webhook/http_connection.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>

#include "webhook/http_edge.hpp"

namespace nodeproof::webhook {
namespace {

// Steps before others get their turn: a client that sends without a pause must not hold the thread.
constexpr int kStepsPerTurn = 16;

// The handler returns by its own deadline; this is what its answer may take to come back.
constexpr std::chrono::milliseconds kHandlerGrace{1'000};

}  // namespace

HttpConnection::HttpConnection(HttpEdge& edge, HttpSocket socket)
    : edge_(edge), socket_(std::move(socket)), transport_(socket_.native_handle()) {}

void HttpConnection::start() {
  look_at_the_clock();
  enter(edge_.tls() != nullptr ? Phase::kHandshake : Phase::kIdle);
  wait(Io::kWantRead);
}

void HttpConnection::respond(const HttpResponse& response) {
  if (phase_ != Phase::kHandling) return;  // closed meanwhile
  look_at_the_clock();
  answer(response, AfterWrite::kNextRequest);
  run();
}

void HttpConnection::time_out() {
  if (const auto counter = HttpEdge::timeout_counter(phase_)) edge_.counters().add(counter);
  say_goodbye();
}

void HttpConnection::say_goodbye() {
  if (phase_ == Phase::kClosed) return;
  transport_.finish_writing();
  close();
}

void HttpConnection::close() {
  if (phase_ == Phase::kClosed) return;
  const auto self = shared_from_this();  // the edge's share ends below
  const Phase before = std::exchange(phase_, Phase::kClosed);
  boost::system::error_code ignored;  // there is nothing to do about a close that fails
  socket_.close(ignored);
  release_body();
  edge_.closed(*this, before);
}

void HttpConnection::enter(Phase phase) {
  const Phase before = std::exchange(phase_, phase);
  since_ = now_;
  deadline_ = since_ + edge_.phase_time(phase) +
              (phase == Phase::kHandling ? kHandlerGrace : std::chrono::milliseconds{0});
  edge_.phase_changed(before, phase);
}

void HttpConnection::run() noexcept {  // NOLINT(bugprone-exception-escape)
  look_at_the_clock();
  try {
    turn();
  } catch (const std::exception& error) {  // out of memory, or of anything else: this client only
    spdlog::error("a connection failed: {}", error.what());
    close();
  }
}

void HttpConnection::turn() {
  for (int step = 0; step < kStepsPerTurn; ++step) {
    bool go_on = false;
    switch (phase_) {
      case Phase::kHandshake:
        go_on = shake_hands();
        break;
      case Phase::kIdle:
      case Phase::kHeader:
      case Phase::kBody:
        go_on = receive();
        break;
      case Phase::kWriting:
        go_on = send();
        break;
      case Phase::kLingering:
        go_on = throw_away();
        break;
      case Phase::kHandling:
      case Phase::kClosed:
        break;
    }
    if (!go_on) return;
  }
  boost::asio::post(edge_.io(), [self = shared_from_this()] { self->run(); });
}

void HttpConnection::wait(Io io) {
  if (io == Io::kClosed) return say_goodbye();
  if (io == Io::kFailed) return close();
  const auto what = io == Io::kWantWrite ? HttpSocket::wait_write : HttpSocket::wait_read;
  socket_.async_wait(what, [self = shared_from_this()](const boost::system::error_code& error) {
    if (!error) self->run();  // the only error is a cancelled wait: closed
  });
}

bool HttpConnection::shake_hands() {
  if (!transport_.has_tls()) transport_.begin_tls(edge_.tls()->current().get());
  const Io io = transport_.handshake();
  if (io == Io::kDone) {
    enter(Phase::kIdle);
    return true;
  }
  if (io == Io::kClosed || io == Io::kFailed) edge_.counters().add(&HttpStats::handshake_failures);
  wait(io);
  return false;
}

bool HttpConnection::receive() {
  if (!starved_) {
    take({});
    return true;
  }
  const auto [io, count] = transport_.read(edge_.scratch());
  if (io != Io::kDone) {
    wait(io);
    return false;
  }
  if (phase_ == Phase::kIdle) begin_request();
  take({edge_.scratch().data(), count});
  return true;
}

void HttpConnection::take(std::string_view fresh) {
  if (unparsed_.empty()) {
    unparsed_ = fresh.substr(parse(fresh));
  } else {
    unparsed_ += fresh;
    unparsed_.erase(0, parse(unparsed_));
  }
}

// Gives how many of `bytes` are consumed.
std::size_t HttpConnection::parse(std::string_view bytes) {
  std::size_t used = 0;
  starved_ = true;
  while (used < bytes.size() && (phase_ == Phase::kHeader || phase_ == Phase::kBody)) {
    boost::system::error_code error;
    const std::size_t count =
        parser_->put(boost::asio::buffer(bytes.data() + used, bytes.size() - used), error);
    used += count;
    const bool more = error == boost::beast::http::error::need_more;
    if (!header_is_bounded(count, more ? bytes.size() - used : 0)) return bytes.size();
    if (more) return used;
    if (error) {
      refuse(refusal_of(error));
      return bytes.size();
    }
    if (phase_ == Phase::kHeader && parser_->is_header_done()) header_done();
    if (phase_ == Phase::kBody && hold_body() && parser_->is_done()) dispatch();
  }
  starved_ = used == bytes.size();
  return used;
}

void HttpConnection::begin_request() {
  enter(Phase::kHeader);
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(edge_.limits().header));
  parser_->body_limit(edge_.limits().body);
  parser_->eager(false);  // stop behind the header
  header_bytes_ = 0;
}

// The parser bounds line and fields each; `waiting` bytes may also be those of a chunk's header.
bool HttpConnection::header_is_bounded(std::size_t consumed, std::size_t waiting) {
  if (phase_ == Phase::kHeader) header_bytes_ += consumed;
  const std::size_t size = (phase_ == Phase::kHeader ? header_bytes_ : 0) + waiting;
  if (size <= edge_.limits().header) return true;
  refuse(refusal_of(boost::beast::http::error::header_limit));
  return false;
}

void HttpConnection::header_done() {
  const HttpHeader& header = parser_->get();
  if (const auto refusal = refuse_header(header)) return refuse(*refusal);
  keep_alive_ = header.version() >= 11 && parser_->keep_alive();
  head_only_ = header.method() == boost::beast::http::verb::head;
  if (!parser_->is_done() && expects_continue(header)) {
    out_ = kContinue;
    sent_ = 0;
    after_write_ = AfterWrite::kBody;
    return enter(Phase::kWriting);
  }
  parser_->eager(true);
  enter(Phase::kBody);
}

// Accounts for what the body has grown by.
bool HttpConnection::hold_body() {
  const std::size_t size = parser_->get().body().size();
  if (edge_.hold(size - held_body_)) {
    held_body_ = size;
    return true;
  }
  edge_.counters().add(&HttpStats::overloaded);
  keep_alive_ = false;
  answer(text_response(503, "too many requests in flight"), AfterWrite::kLinger);
  return false;
}

void HttpConnection::dispatch() {
  HttpRequest request = to_request(parser_->get());
  request.body = std::move(parser_->get().body());
  parser_.reset();
  edge_.counters().add(&HttpStats::requests);
  enter(Phase::kHandling);
  if (const auto response = edge_.handle(*this, std::move(request)))
    answer(*response, AfterWrite::kNextRequest);
}

void HttpConnection::refuse(const HttpResponse& response) {
  edge_.counters().add(&HttpStats::refused);
  keep_alive_ = false;
  answer(response, AfterWrite::kLinger);
}

void HttpConnection::answer(const HttpResponse& response, AfterWrite after) {
  keep_alive_ = keep_alive_ && !edge_.retiring();
  out_ = serialise(response, keep_alive_, !head_only_);
  sent_ = 0;
  after_write_ = keep_alive_ ? after : AfterWrite::kLinger;
  enter(Phase::kWriting);
}

bool HttpConnection::send() {
  const auto [io, count] = transport_.write(std::string_view(out_).substr(sent_));
  if (io != Io::kDone) {
    wait(io);
    return false;
  }
  sent_ += count;
  if (sent_ < out_.size()) return true;
  out_ = {};
  switch (after_write_) {
    case AfterWrite::kBody:
      parser_->eager(true);
      enter(Phase::kBody);
      return true;
    case AfterWrite::kNextRequest:
      return next_request();
    case AfterWrite::kLinger:
      break;
  }
  parser_.reset();
  unparsed_ = {};
  release_body();
  transport_.finish_writing();
  enter(Phase::kLingering);
  return true;
}

bool HttpConnection::throw_away() {
  const Io io = transport_.discard(edge_.scratch());
  if (io != Io::kDone) wait(io);
  return io == Io::kDone;
}

bool HttpConnection::next_request() {
  release_body();
  served_ = true;
  head_only_ = false;
  if (!unparsed_.empty()) {
    begin_request();
    return true;
  }
  enter(Phase::kIdle);
  if (transport_.pending()) return true;
  wait(Io::kWantRead);
  return false;
}

void HttpConnection::release_body() {
  edge_.release(std::exchange(held_body_, 0));
}

}  // namespace nodeproof::webhook
