#include "webhook/http_server.hpp"

#include <spdlog/spdlog.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <future>
#include <thread>

#include "webhook/http_edge.hpp"

namespace nodeproof::webhook {
namespace {

HttpPromptHandler on_a_worker(HttpHandler handler) {
  return [handler = std::move(handler)](HttpRequest& request) -> HttpOutcome {
    return HttpWork(
        [&handler, request = std::move(request)](auto deadline) { return handler(request, deadline); });
  };
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(Options options, HttpPromptHandler handler)
      : workers_(options.limits.workers), edge_(io_, workers_, std::move(options), std::move(handler)) {}

  ~Impl() { stop(std::chrono::milliseconds{0}); }

  void start() {
    edge_.listen();
    edge_.begin();
    thread_ = std::thread([this] { run(); });
  }

  void retire() {
    boost::asio::post(io_, [this] { edge_.retire(); });
  }

  bool stop(std::chrono::milliseconds bound) {
    if (!thread_.joinable()) return true;
    const auto settled = std::make_shared<std::promise<void>>();
    std::future<void> done = settled->get_future();
    boost::asio::post(io_, [this, settled] { edge_.drain([settled] { settled->set_value(); }); });
    const bool all_answered = done.wait_for(bound) == std::future_status::ready;
    boost::asio::post(io_, [this] { edge_.close_all(); });
    workers_.stop();
    workers_.join();
    boost::asio::post(io_, [this] { io_.stop(); });
    thread_.join();
    return all_answered;
  }

  std::uint16_t port() const { return edge_.port(); }
  HttpStats stats() { return edge_.counters().read(); }

 private:
  void run() {
    for (;;) {
      try {
        io_.run();
        return;
      } catch (const std::exception& error) {  // out of memory outside a connection: go on
        spdlog::error("the listening thread caught: {}", error.what());
      }
    }
  }

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  boost::asio::thread_pool workers_;
  HttpEdge edge_;
  std::thread thread_;
};

HttpServer::HttpServer(Options options, HttpPromptHandler handler)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(handler))) {}

HttpServer::HttpServer(Options options, HttpHandler handler)
    : HttpServer(std::move(options), on_a_worker(std::move(handler))) {}

HttpServer::~HttpServer() = default;

void HttpServer::start() {
  impl_->start();
}

std::uint16_t HttpServer::port() const {
  return impl_->port();
}

void HttpServer::retire() {
  impl_->retire();
}

bool HttpServer::drain_and_stop(std::chrono::milliseconds bound) {
  return impl_->stop(bound);
}

HttpStats HttpServer::stats() const {
  return impl_->stats();
}

}  // namespace nodeproof::webhook
