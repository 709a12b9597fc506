#include "agent/stop_signal.hpp"

#include <pthread.h>

namespace nodeproof::agent {

StopSignal::StopSignal() {
  // A TPM or API server that hangs up must be an error, not our end.
  (void)std::signal(SIGPIPE, SIG_IGN);
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGTERM);
  sigaddset(&signals_, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  waiter_ = std::thread([this] {
    int taken = 0;
    sigwait(&signals_, &taken);
    source_.request_stop();
  });
}

StopSignal::~StopSignal() {
  // The thread takes it in sigwait and is not ended by it.
  pthread_kill(waiter_.native_handle(), SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread,cert-pos44-c)
  waiter_.join();
}

}  // namespace nodeproof::agent
