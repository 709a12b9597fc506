// How much later honest reviews are answered while thousands of hostile connections hold on: the real webhook
// with and without them, in turn, on a core of its own. Prints a row of a Markdown table.
#include <sched.h>

#include <algorithm>
#include <cstdio>
#include <future>
#include <iostream>
#include <stdexcept>
#include <vector>

#include "tests/robustness/hostile_crowd.hpp"
#include "tests/robustness/webhook_process.hpp"

namespace nodeproof::test {
namespace {

using std::chrono::steady_clock;
using webhook::test::EdgeClient;

constexpr std::size_t kTls = 1'000;
constexpr std::size_t kTcp = 1'000;
constexpr int kRounds = 5;
constexpr std::size_t kClients = 8;
constexpr std::chrono::seconds kPhase{2};
constexpr std::size_t kBallast = 8'000;  // bytes: the size of a pod

using Micros = std::chrono::duration<double, std::micro>;

struct Latency {
  double p50 = 0;  // microseconds
  double p99 = 0;
};

// The threads that are started after it stay on this core; nothing happens where there is none.
void pin_to(std::size_t core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  static_cast<void>(::sched_setaffinity(0, sizeof cores, &cores));
}

std::vector<double> ask_for_a_while(std::uint16_t port) {
  EdgeClient client(port);
  if (!client.start_tls()) throw std::runtime_error("no handshake");
  const std::string request = webhook::test::post("/admit", plain_pod_review(kBallast));
  std::vector<double> out;
  const auto end = steady_clock::now() + kPhase;
  for (auto now = steady_clock::now(); now < end;) {
    client.send(request);
    if (!is_right_permission(client.reply())) throw std::runtime_error("a wrong answer");
    const auto later = steady_clock::now();
    out.push_back(Micros(later - now).count());
    now = later;
  }
  return out;
}

double percentile(std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

Latency measure(std::uint16_t port) {
  std::vector<std::future<std::vector<double>>> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    clients.push_back(std::async(std::launch::async, ask_for_a_while, port));
  }
  std::vector<double> all;
  for (auto& client : clients) {
    const std::vector<double> times = client.get();
    all.insert(all.end(), times.begin(), times.end());
  }
  std::sort(all.begin(), all.end());
  return {percentile(all, 0.5), percentile(all, 0.99)};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Latency median(const std::vector<Latency>& rounds) {
  std::vector<double> p50;
  std::vector<double> p99;
  for (const Latency& round : rounds) {
    p50.push_back(round.p50);
    p99.push_back(round.p99);
  }
  return {median(p50), median(p99)};
}

void wait_until_ready(const WebhookProcess& webhook) {
  if (!webhook::test::eventually([&] { return webhook.is_ready(); })) {
    throw std::runtime_error("the webhook does not become ready:\n" + webhook.log());
  }
}

void run() {
  allow_descriptors(2 * (kTls + kTcp));
  const SmallApiServer api;
  pin_to(0);
  const WebhookProcess webhook(api);
  pin_to(1);
  wait_until_ready(webhook);
  std::vector<Latency> alone;
  std::vector<Latency> beset;
  for (int round = 0; round < kRounds; ++round) {
    alone.push_back(measure(webhook.port()));
    const HostileCrowd crowd(webhook.port(), kTls, kTcp);
    beset.push_back(measure(webhook.port()));
  }
  const Latency before = median(alone);
  const Latency during = median(beset);
  std::printf("| hostile idle connections | p50 alone | p50 beset | p99 alone | p99 beset | p99 ratio |\n");
  std::printf("|---|---:|---:|---:|---:|---:|\n");
  std::printf("| %zu TLS, %zu TCP | %.0f us | %.0f us | %.0f us | %.0f us | **%.2f** |\n", kTls, kTcp,
              before.p50, during.p50, before.p99, during.p99, during.p99 / before.p99);
}

}  // namespace
}  // namespace nodeproof::test

int main() {
  try {
    nodeproof::test::look_beside_this_program();
    nodeproof::test::run();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "hostile_bench: " << error.what() << "\n";
    return 1;
  }
}
