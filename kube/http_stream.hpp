// One HTTP exchange of cpprest's client with a body read piece by piece. Internal to kube/: the one
// place where its tasks are turned into waits with a deadline and a stop.
#pragma once

#include <cpprest/http_client.h>

#include <chrono>
#include <future>
#include <stop_token>
#include <string>

namespace nodeproof::kube {

using SteadyTime = std::chrono::steady_clock::time_point;

// How much longer than our deadline cpprest's own idle timeout must be: ours decides and says why, that one
// is the net below it. Equal, chance would choose between them.
inline constexpr std::chrono::seconds kIdleSlack{5};

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

  enum class Piece {
    kData,     // bytes were appended
    kEnd,      // the body ended as HTTP says it must
    kTimeout,  // nothing came until then; read again
  };
  // After open. Throws ApiError of status 0 when the connection was cut or the stop came.
  Piece read(std::string& out, SteadyTime until);

 private:
  using ByteStream = concurrency::streams::streambuf<std::uint8_t>;
  void cancel() { cancellation_.cancel(); }
  template <typename T>
  T result_of(std::future<T>& future);

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
