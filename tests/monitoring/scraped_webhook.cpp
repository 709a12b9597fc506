// Something to scrape: a real webhook that judges one node and answers a refusal and a permission each
// second. Prints the port of its metrics and the address of its API server, for an agent; runs until its
// standard input ends.
#include <poll.h>
#include <unistd.h>

#include <cstdio>

#include "tests/robustness/small_api_server.hpp"
#include "tests/robustness/webhook_process.hpp"

namespace {

// It stands as installed.
constexpr const char* kAdmissionPolicy =
    R"({"kind":"ValidatingAdmissionPolicy","name":"nodeproof-nodes","spec":{"failurePolicy":"Fail"}})";

}  // namespace

int main() {
  using namespace nodeproof::test;
  constexpr int kPause = 1'000;  // milliseconds
  look_beside_this_program();
  SmallApiServer api;
  api.add("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/nodeproof-nodes",
          R"({"metadata":{"name":"nodeproof-nodes"},"spec":{"failurePolicy":"Fail"}})");
  const WebhookProcess webhook(api, {.epoch_length = nodeproof::Seconds(2),
                                     .admission_policies = "[" + std::string(kAdmissionPolicy) + "]"});
  if (!nodeproof::webhook::test::eventually([&] { return webhook.is_ready(); })) {
    std::fputs(webhook.log().c_str(), stderr);
    return 1;
  }
  std::printf("%u %s\n", unsigned{webhook.health_port()}, api.url().c_str());
  std::fflush(stdout);
  pollfd input{STDIN_FILENO, POLLIN, 0};
  while (::poll(&input, 1, kPause) == 0) {
    if (answers_honestly(webhook.port())) continue;
    std::fputs(webhook.log().c_str(), stderr);
    return 1;
  }
  return 0;
}
