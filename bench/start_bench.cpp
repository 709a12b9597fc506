// How long the real nodeproof-webhook takes from its start to ready, against an API server with next to
// nothing in it. Prints one row of a table.
#include <cstdio>
#include <iostream>
#include <thread>

#include "bench/measure.hpp"
#include "tests/robustness/webhook_process.hpp"

namespace nodeproof::test {
namespace {

constexpr int kRounds = 9;
constexpr double kTarget = 30;  // ms

double milliseconds_to_ready(const SmallApiServer& api) {
  const auto began = std::chrono::steady_clock::now();
  const WebhookProcess webhook(api);
  while (!webhook.is_ready()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
}

void run() {
  const SmallApiServer api;
  std::vector<double> rounds;
  for (int round = 0; round < kRounds; ++round) rounds.push_back(milliseconds_to_ready(api));
  const double middle = bench::median(rounds);
  std::printf("| nodeproof-webhook, start to ready | %.0f ms (%.0f to %.0f) | %.0f ms | %s |\n", middle,
              *std::min_element(rounds.begin(), rounds.end()),
              *std::max_element(rounds.begin(), rounds.end()), kTarget, middle <= kTarget ? "yes" : "no");
}

}  // namespace
}  // namespace nodeproof::test

int main() {
  try {
    nodeproof::test::look_beside_this_program();
    nodeproof::test::run();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "start_bench: " << error.what() << "\n";
    return 3;
  }
}
