// A benchmark of two things in turn, in small batches within one loop, so that both see the same
// neighbours and clock rate, each counted in CPU time: the subject, and a reference. Counters: the
// rates of both per second of CPU, their ratio, and the ratio to reach. Every repetition is a round;
// bench/run makes a table of their medians.
#pragma once

#include <functional>
#include <string>

namespace nodeproof::bench {

struct Comparison {
  std::string name;
  std::function<void()> subject;
  std::function<void()> reference;
  double target;  // ratio of the rates
  int batch;      // so many in turn: about a millisecond, far above the cost of reading the clock
};

// Registers it with Google Benchmark.
void add(Comparison comparison);

}  // namespace nodeproof::bench
