// Something to scrape: a real webhook that judges one node and answers a refusal and a permission each
// second. Prints the port of its metrics and runs until its standard input ends.
#include <poll.h>
#include <unistd.h>

#include <cstdio>

#include "tests/robustness/small_api_server.hpp"
#include "tests/robustness/webhook_process.hpp"

int main() {
  using namespace nodeproof::test;
  constexpr int kPause = 1'000;  // milliseconds
  look_beside_this_program();
  const SmallApiServer api;
  const WebhookProcess webhook(api);
  if (!nodeproof::webhook::test::eventually([&] { return webhook.is_ready(); })) {
    std::fputs(webhook.log().c_str(), stderr);
    return 1;
  }
  std::printf("%u\n", unsigned{webhook.health_port()});
  std::fflush(stdout);
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (::poll(&input, 1, kPause) == 0) {
    if (answers_honestly(webhook.port())) continue;
    std::fputs(webhook.log().c_str(), stderr);
    return 1;
  }
  return 0;
}
