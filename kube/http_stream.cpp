#include "kube/http_stream.hpp"

#include <functional>

#include "kube/api_client.hpp"

namespace nodeproof::kube {
namespace {

// How much one read hands over at most, so that a fast sender cannot keep the caller from its work.
constexpr std::size_t kMaxPiece = 1U << 20U;

// The outcome of a task as a future. The continuation observes every exception of the chain, also
// when nobody waits for it any more.
template <typename T>
std::future<T> observe(const pplx::task<T>& task) {
  auto promise = std::make_shared<std::promise<T>>();
  std::future<T> future = promise->get_future();
  task.then([promise](pplx::task<T> done) {
    try {
      promise->set_value(done.get());
    } catch (...) {  // cpprest throws more than std::exception: all of it belongs to the waiter
      promise->set_exception(std::current_exception());
    }
  });
  return future;
}

// As an expired resourceVersion: what was missed can only be had by a new list.
ApiError overrun() {
  return {410, "Overrun",
          "the API server sends faster than we read: " + std::to_string(kMaxBuffered >> 20U) +
              " MiB were waiting"};
}

}  // namespace

HttpStream::HttpStream(web::http::client::http_client& client, const web::http::http_request& request,
                       std::stop_token stop)
    : target_(request.request_uri().to_string()),
      stop_(stop),
      reply_(observe(client.request(watched(request), cancellation_.get_token()))),
      on_stop_(std::move(stop), [this] { cancel(); }) {}

HttpStream::~HttpStream() {
  if (!finished_) cancel();
}

// cpprest tells how much has come in, on a thread of its own and before the reader can see it.
web::http::http_request HttpStream::watched(web::http::http_request request) {
  request.set_progress_handler(
      [flow = flow_, cancellation = cancellation_](web::http::message_direction::direction direction,
                                                   std::uint64_t received) {
        if (direction != web::http::message_direction::download) return;
        if (received <= flow->taken + kMaxBuffered || flow->overrun.exchange(true)) return;
        cancellation.cancel();
      });
  return request;
}

template <typename T>
T HttpStream::result_of(std::future<T>& future) {
  try {
    return future.get();
  } catch (const std::exception& error) {
    if (stop_.stop_requested()) throw ApiError(0, "Stopped", "stopped");
    if (flow_->overrun) throw overrun();
    throw ApiError(0, "Unreachable", error.what());
  }
}

const web::http::http_response& HttpStream::open(SteadyTime deadline) {
  if (reply_.wait_until(deadline) == std::future_status::timeout) {
    cancel();
    throw ApiError(0, "Timeout", "no answer in time");
  }
  response_ = result_of(reply_);
  body_ = response_.body().streambuf();
  return response_;
}

HttpStream::Piece HttpStream::read(std::string& out, SteadyTime until) {
  if (finished_) return Piece::kEnd;
  if (flow_->overrun) throw overrun();
  if (!pending_.valid()) pending_ = observe(body_.getc());
  if (pending_.wait_until(until) == std::future_status::timeout) return Piece::kTimeout;
  const auto first = result_of(pending_);
  if (first == ByteStream::traits::eof()) {
    finished_ = true;
    return Piece::kEnd;
  }
  const std::size_t limit = out.size() + kMaxPiece;
  while (out.size() < limit) {
    std::uint8_t* data = nullptr;
    std::size_t size = 0;
    if (!body_.acquire(data, size) || size == 0) break;
    out.append(reinterpret_cast<const char*>(data), size);
    body_.release(data, size);
    flow_->taken += size;
  }
  return Piece::kData;
}

}  // namespace nodeproof::kube
