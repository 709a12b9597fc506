// One HTTP exchange of cpprest's client with a body read piece by piece. Internal to kube/: the one
// place where its tasks are turned into waits with a deadline and a stop.
#pragma once

#include <cpprest/http_client.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <stop_token>
#include <string>

namespace nodeproof::kube {

using SteadyTime = std::chrono::steady_clock::time_point;

// How much longer than our deadline cpprest's own idle timeout must be: ours decides and says why, that one
// is the net below it. Equal, chance would choose between them.
inline constexpr std::chrono::seconds kIdleSlack{5};

// What may lie in cpprest's buffer of a body, which has no back-pressure of its own: past this the exchange
// is given up, even while its reader is busy elsewhere. As large as the largest answer that is taken. A
// single HTTP chunk comes on top, since cpprest holds it whole before it counts.
inline constexpr std::uint64_t kMaxBuffered = 64U << 20U;

// For one thread. Its destructor closes the connection unless the body was read to its end.
class HttpStream {
 public:
  // Sends the request. A stop closes the connection at once; `client` must outlive this object.
  HttpStream(web::http::client::http_client& client, const web::http::http_request& request,
             std::stop_token stop);
  ~HttpStream();
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;

  // Waits for status and headers. Throws ApiError of status 0.
  const web::http::http_response& open(SteadyTime deadline);
  const std::string& target() const { return target_; }  // path and query of the request

  enum class Piece {
    kData,     // bytes were appended
    kEnd,      // the body ended as HTTP says it must
    kTimeout,  // nothing came until then; read again
  };
  // After open. Throws ApiError: of status 0 when the connection was cut or the stop came, of status 410
  // and reason Overrun when more than kMaxBuffered was waiting.
  Piece read(std::string& out, SteadyTime until);

 private:
  using ByteStream = concurrency::streams::streambuf<std::uint8_t>;
  // What cpprest's threads and the reader know of each other; outlives both.
  struct Flow {
    std::atomic<std::uint64_t> taken{0};  // bytes of the body that the reader has
    std::atomic<bool> overrun{false};
  };
  web::http::http_request watched(web::http::http_request request);
  void cancel() { cancellation_.cancel(); }
  template <typename T>
  T result_of(std::future<T>& future);

  std::string target_;
  std::shared_ptr<Flow> flow_ = std::make_shared<Flow>();
  pplx::cancellation_token_source cancellation_;
  std::stop_token stop_;
  std::future<web::http::http_response> reply_;
  web::http::http_response response_;
  ByteStream body_;
  std::future<ByteStream::int_type> pending_;  // of the one outstanding look at the body
  bool finished_ = false;
  // Last member: its destructor waits for a cancel that is under way.
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace nodeproof::kube
