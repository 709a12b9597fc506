#include "bench/comparison.hpp"

#include <benchmark/benchmark.h>

#include <ctime>
#include <stdexcept>

namespace nodeproof::bench {
namespace {

constexpr int kRounds = 9;
constexpr double kSecondsPerRound = 0.5;

double cpu_seconds() {
  std::timespec now{};
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) != 0) throw std::runtime_error("no CPU clock");
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double cpu_seconds_of(const std::function<void()>& work, int times) {
  const double began = cpu_seconds();
  for (int i = 0; i < times; ++i) work();
  return cpu_seconds() - began;
}

void measure(benchmark::State& state, const Comparison& comparison) {
  double subject = 0;
  double reference = 0;
  for ([[maybe_unused]] const auto _ : state) {
    subject += cpu_seconds_of(comparison.subject, comparison.batch);
    reference += cpu_seconds_of(comparison.reference, comparison.batch);
  }
  const double count = static_cast<double>(state.iterations()) * comparison.batch;
  state.counters["rate"] = count / subject;
  state.counters["reference_rate"] = count / reference;
  state.counters["ratio"] = reference / subject;
  state.counters["target"] = comparison.target;
}

}  // namespace

void add(Comparison comparison) {
  benchmark::RegisterBenchmark(comparison.name.c_str(),
                               [comparison](benchmark::State& state) { measure(state, comparison); })
      ->Repetitions(kRounds)
      ->MinTime(kSecondsPerRound)
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace nodeproof::bench
