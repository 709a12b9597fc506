// One of the conditions that all must hold for a program to be ready.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace nodeproof::webhook {

struct Condition {
  std::string name;     // short and stable, for probes and metrics: "view/nodes"
  std::string problem;  // one clause; empty while the condition holds
  bool holds() const { return problem.empty(); }
};

inline bool all_hold(const std::vector<Condition>& conditions) {
  return std::all_of(conditions.begin(), conditions.end(),
                     [](const Condition& condition) { return condition.holds(); });
}

}  // namespace nodeproof::webhook
