// How long to wait after a failure: client-go's reflector's figures (kubernetes 3.2). Internal to kube/.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace nodeproof::kube {

// For one thread.
class Backoff {
 public:
  using Milliseconds = std::chrono::milliseconds;
  using SteadyTime = std::chrono::steady_clock::time_point;

  // 0.8 s doubling to 30 s, plus up to as much again by chance so that replicas spread; two minutes
  // without a failure begin anew.
  Milliseconds after_failure(SteadyTime now) {
    if (now - failed_at_ > std::chrono::minutes(2)) base_ = kFirst;
    failed_at_ = now;
    const Milliseconds base = base_;
    base_ = std::min(base_ * 2, kLast);
    return base + Milliseconds(std::uniform_int_distribution<Milliseconds::rep>(0, base.count())(random_));
  }

 private:
  static constexpr Milliseconds kFirst{800};
  static constexpr Milliseconds kLast{30'000};
  Milliseconds base_{kFirst};
  SteadyTime failed_at_{};
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace nodeproof::kube
