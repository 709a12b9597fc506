// The loop of a confidential node with stand-ins for all that it talks to.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "agent/agent_loop.hpp"
#include "base/file.hpp"
#include "tests/support/captured_log.hpp"
#include "tests/unit/agent/fakes.hpp"

namespace nodeproof::agent {

inline const std::string kPutEvidence = std::string("PUT ") + FakeApi::kEvidence;

class AgentLoopTest : public testing::Test {
 protected:
  AgentLoopTest() {
    api_.fill();
    set_boot_id(kBootId);
  }
  ~AgentLoopTest() override { std::filesystem::remove(boot_id_file_); }

  void set_boot_id(const std::string& id) { write_file(boot_id_file_, as_bytes(id + "\n")); }
  bool once() { return loop_.once(stop_.get_token()); }
  // Runs until `waits` waits have passed; `at` may change the world at each, counted from 1.
  void run(
      int waits, std::function<void(int)> at = [](int) {}) {
    timer_.on_wait = [this, waits, at, count = 0]() mutable {
      at(++count);
      if (count >= waits) stop_.request_stop();
    };
    loop_.run(stop_.get_token());
  }
  wire::NodeEvidence evidence() {
    return *parse_object(api_.objects.at(FakeApi::kEvidence), "stored", wire::parse_node_evidence);
  }
  wire::NodeQuote quote() {
    return *parse_object(api_.objects.at(FakeApi::kQuote), "stored", wire::parse_node_quote);
  }
  // Results that have been counted: "api-error 2, published 1".
  std::string attestations() const {
    std::istringstream text(metrics_.render());
    const std::string name = "nodeproof_agent_attestations_total{result=\"";
    std::set<std::string> counted;
    for (std::string line; std::getline(text, line);) {
      if (!line.starts_with(name) || line.ends_with(" 0")) continue;
      line.erase(0, name.size());
      counted.insert(line.erase(line.find("\"}"), 2));
    }
    std::string out;
    for (const std::string& one : counted) out += (out.empty() ? "" : ", ") + one;
    return out;
  }
  std::size_t writes() const {
    return static_cast<std::size_t>(
        std::count_if(api_.requests.begin(), api_.requests.end(),
                      [](const std::string& r) { return !r.starts_with("GET"); }));
  }

  FakeApi api_;
  FakeTpm tpm_;
  FakeFirmware firmware_;
  FakeEndorsements endorsements_;
  FakeTimer timer_;
  FixedClock clock_;
  std::stop_source stop_;
  std::string boot_id_file_ = testing::TempDir() + "nodeproof-loop-boot-id-" + std::to_string(::getpid());
  test::CapturedLog log_;
  Metrics metrics_{"1.2.3", clock_};
  Collector collector_{tpm_, firmware_, endorsements_, timer_, clock_};
  AgentLoop loop_{{"node-1", "nodeproof-system", boot_id_file_, Seconds(120), std::chrono::hours(24)},
                  {api_, tpm_, collector_, timer_, metrics_},
                  1};
};

}  // namespace nodeproof::agent
