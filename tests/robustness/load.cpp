#include "tests/robustness/load.hpp"

#include <poll.h>

#include <optional>

#include "tests/robustness/webhook_process.hpp"

namespace nodeproof::test {
namespace {

using namespace std::chrono_literals;
using webhook::test::EdgeClient;

constexpr auto kProbeInterval = 100ms;  // as fast as endpoints are told of a pod that ends
constexpr std::size_t kMaxFailures = 5;

bool is_ready(std::uint16_t health_port) {
  EdgeClient client(health_port);
  if (!client.connected()) return false;
  client.send(webhook::test::get("/readyz"));
  return client.status() == 200;
}

// One client's connection to one replica.
class Kept {
 public:
  // Empty when the answer is right.
  std::string ask(std::uint16_t port) {
    if (port != port_) client_.reset();
    if (!client_) {
      client_.emplace(port);
      port_ = port;
      if (!client_->connected()) return "no connection";
      if (!client_->start_tls()) return "no handshake";
    }
    if (!client_->send(webhook::test::post("/admit?timeout=5s", binding_review()))) return "not sent";
    const auto reply = client_->reply();
    if (!reply) return "no answer";
    if (!is_right_denial(reply)) return "wrong answer " + std::to_string(reply->status) + " " + reply->body;
    if (reply->header.find("Connection: close") != std::string::npos) client_.reset();
    return {};
  }
  void drop() { client_.reset(); }
  // A connection is there that has not been closed as far as anybody can tell before sending.
  bool is_open() {
    if (!client_) return false;
    pollfd waiting{SSL_get_fd(client_->ssl()), POLLIN, 0};
    return ::poll(&waiting, 1, 0) == 0;
  }

 private:
  std::uint16_t port_ = 0;
  std::optional<EdgeClient> client_;
};

}  // namespace

Load::Load(LoadOptions options) : options_(options) {
  threads_.emplace_back([this](const std::stop_token& stop) { probe(stop); });
  for (std::size_t i = 0; i < options_.clients; ++i) {
    threads_.emplace_back([this, i](const std::stop_token& stop) { ask(stop, i); });
  }
}

Load::~Load() = default;

void Load::add(std::size_t replica, std::uint16_t port, std::uint16_t health_port) {
  replicas_[replica].port = port;
  replicas_[replica].health_port = health_port;
}

std::vector<std::string> Load::failures() const {
  const std::scoped_lock lock(mutex_);
  return failures_;
}

void Load::stop() {
  threads_.clear();
}

void Load::probe(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    for (Replica& replica : replicas_) {
      const std::uint16_t port = replica.health_port;
      replica.used = port != 0 && is_ready(port);
    }
    std::this_thread::sleep_for(kProbeInterval);
  }
}

void Load::ask(const std::stop_token& stop, std::size_t first) {
  std::array<Kept, kReplicas> connections;
  for (std::size_t turn = first; !stop.stop_requested(); ++turn) {
    const std::size_t replica = turn % kReplicas;
    std::this_thread::sleep_for(options_.pause);
    Kept& kept = connections[replica];
    if (!kept.is_open()) kept.drop();
    if (!replicas_[replica].used && !(options_.keeps_connections && kept.is_open())) {
      kept.drop();
      continue;
    }
    const std::string wrong = kept.ask(replicas_[replica].port);
    if (wrong.empty()) {
      ++answered_;
    } else {
      kept.drop();
      fail("replica " + std::to_string(replica) + ": " + wrong);
    }
  }
}

void Load::fail(const std::string& what) {
  const std::scoped_lock lock(mutex_);
  if (failures_.size() < kMaxFailures) failures_.push_back(what);
}

}  // namespace nodeproof::test
