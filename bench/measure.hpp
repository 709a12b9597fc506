// What a process has used so far, and the middle of a few rounds. For benchmarks.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace nodeproof::bench {

// CPU time of all threads of this process, user and system.
std::chrono::duration<double> cpu_time();
// Anonymous resident memory of this process, bytes: what it uses beside mapped files.
std::size_t rss_anon();

template <typename T>
T median(std::vector<T> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

}  // namespace nodeproof::bench
