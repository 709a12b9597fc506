// nodeproof-webhook: builds the parts and runs them until a signal.
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <future>
#include <iostream>

#include "kube/command_line.hpp"
#include "webhook/application.hpp"
#include "webhook/command_line.hpp"
#include "webhook/heap.hpp"

namespace nodeproof::webhook {
namespace {

constexpr int kEnvironmentError = 3;
constexpr int kStoppedAtOnce = 4;
// Lines that wait to be written; the oldest go when there are more. Whoever logs never waits: a stalled
// stderr must not stop the thread that answers the API server. Dropped lines are a metric.
constexpr std::size_t kWaitingLines = 1024;
// How soon the end of a stop is noticed; a second signal is noticed at once.
constexpr std::chrono::milliseconds kStopTick{50};
constexpr std::size_t kClientThreads = 2;

// Before any thread is started, so that all inherit it: signals are main's alone.
sigset_t block_signals() {
  sigset_t signals{};
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A peer that closes early is an error of its connection, not of the process.
  (void)std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

// The signal that comes within `time`; 0: none.
int await_signal(const sigset_t& signals, std::chrono::nanoseconds time) {
  const timespec limit{0, time.count()};
  return std::max(0, sigtimedwait(&signals, nullptr, &limit));
}

// A stop is bounded, but whoever asks twice does not want to wait for it.
void stop(Application& application, const sigset_t& signals) {
  auto stopped = std::async(std::launch::async, [&application] { application.stop(); });
  while (stopped.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    const int signal = await_signal(signals, kStopTick);
    if (signal == 0) continue;
    std::cerr << "nodeproof-webhook: stopping at once by a second signal " << signal
              << "; requests in flight are lost\n";
    std::_Exit(kStoppedAtOnce);
  }
  stopped.get();
}

int run(const Options& options, const sigset_t& signals) {
  Application application(options.config, kube::connection_of(options.kubeconfig, options.config.connection));
  application.start();
  int signal = 0;
  sigwait(&signals, &signal);
  spdlog::info("stopping by signal {}", signal);
  stop(application, signals);
  spdlog::info("stopped");
  return 0;
}

// Logging on a thread of its own; what waits is written before the end.
class Log {
 public:
  Log() {
    spdlog::init_thread_pool(kWaitingLines, 1);
    spdlog::set_default_logger(
        spdlog::create_async_nb<spdlog::sinks::stderr_color_sink_mt>("nodeproof-webhook"));
  }
  ~Log() { spdlog::shutdown(); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
};

}  // namespace
}  // namespace nodeproof::webhook

int main(int argc, char** argv) {
  using namespace nodeproof::webhook;
  const sigset_t signals = block_signals();
  bound_heap();
  const Log log;
  try {
    nodeproof::kube::limit_http_threads(kClientThreads);
    const auto command_line = read_command_line(argc, argv, std::cout, std::cerr);
    if (const int* code = std::get_if<int>(&command_line)) return *code;
    const auto& options = std::get<Options>(command_line);
    nodeproof::kube::set_log_format(options.config.log_format);
    return run(options, signals);
  } catch (const std::exception& e) {
    std::cerr << "nodeproof-webhook: " << e.what() << "\n";
    return kEnvironmentError;
  }
}
