// The real nodeproof-webhook as a child process on loopback, and what can be seen of it from outside.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "tests/robustness/small_api_server.hpp"
#include "tests/unit/webhook/edge_client.hpp"
#include "tests/unit/webhook/serving_pair.hpp"

namespace nodeproof::test {

struct WebhookOptions {
  std::string identity = "one";
  std::size_t descriptors = 8'192;  // RLIMIT_NOFILE of the child
  Seconds epoch_length{30};         // by which most of its rounds go
  std::string admission_policies;   // as the chart renders them; empty: none
};

// AddressSanitizer keeps what was freed: memory then says nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kMeasuresMemory = false;
#else
inline constexpr bool kMeasuresMemory = true;
#endif

// For a program that no ctest starts: the webhook is built beside it, unless NODEPROOF_BIN says otherwise.
void look_beside_this_program();

// To be made on the thread that outlives it: the child is killed when that thread ends, also when the test
// dies. Needs NODEPROOF_BIN, the folder of the program.
class WebhookProcess {
 public:
  // Starts it and waits until it listens. Throws std::runtime_error with its log.
  explicit WebhookProcess(const SmallApiServer& api, WebhookOptions options = {});
  ~WebhookProcess();  // kills what still runs
  WebhookProcess(const WebhookProcess&) = delete;
  WebhookProcess& operator=(const WebhookProcess&) = delete;

  std::uint16_t port() const { return port_; }                // HTTPS
  std::uint16_t health_port() const { return health_port_; }  // HTTP
  bool is_alive();
  bool is_ready() const;  // /readyz says so
  void signal(int number) const;
  // The exit code, 128 + N after a signal N; nothing when it still runs after `patience`.
  std::optional<int> exit_code(std::chrono::milliseconds patience);

  std::size_t open_descriptors() const;
  std::size_t resident_bytes() const;          // anonymous memory in RAM (RssAnon)
  std::chrono::milliseconds cpu_time() const;  // of all its threads, so far
  std::string log() const;
  // The body of GET `path` on the health port; empty when nothing answers.
  std::string health(const std::string& path) const;
  // The value of a sample, written as in the text format: name{label="value"}. Throws when there is none.
  double metric(const std::string& sample) const;

  const webhook::test::PairFiles& certificate_files() const { return files_; }
  std::filesystem::path folder() const { return files_.files().private_key.parent_path(); }

 private:
  void spawn(const std::string& program, std::size_t descriptors);
  bool read_ports();

  webhook::test::PairFiles files_;  // its folder also holds configuration and log
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
  std::uint16_t port_ = 0;
  std::uint16_t health_port_ = 0;
};

// A serving pair of today with a P-256 key.
webhook::test::ServingPair current_pair(long serial);

// ---- Honest requests, and whether the answer is the right one --------------------------------------

// A sensitive pod that names no node, for /mutate: it gets the nodeSelector of its policy.
std::string marked_pod_review();
bool is_right_patch(const std::optional<webhook::test::Reply>& reply);

// A Binding of the sensitive pod to a Node that proves nothing: denied, with a sentence.
// Without `uid` the webhook has to ask the API server for the pod.
std::string binding_review(bool with_uid = true);
bool is_right_denial(const std::optional<webhook::test::Reply>& reply);
// A pod that asks for nothing: allowed. `ballast`: bytes to make it as large as real ones.
std::string plain_pod_review(std::size_t ballast = 0);
bool is_right_permission(const std::optional<webhook::test::Reply>& reply);

// All three over one connection of its own; false when an answer is missing or wrong.
bool answers_honestly(std::uint16_t port);

}  // namespace nodeproof::test
