// What the leader's passes over many objects could not do, in one line of log: a pass that fails in the same
// way as the one before is not told again.
#pragma once

#include <cstddef>
#include <string>

namespace nodeproof::webhook {

// For one thread.
class PassFailures {
 public:
  // `work`: what fails or works, as the subject of a sentence: "writing the status of nodes".
  explicit PassFailures(std::string work) : work_(std::move(work)) {}

  // What a pass that ended early had gathered counts for nothing.
  void begin() { now_ = {}; }
  // `object`: "node a".
  void add(const std::string& object, const std::string& why);
  // Logs what is news.
  void end();

 private:
  struct Gathered {
    std::string first;
    std::size_t count = 0;
    bool operator==(const Gathered&) const = default;
  };
  const std::string work_;
  Gathered now_;
  Gathered told_;  // of the last pass that ended
};

}  // namespace nodeproof::webhook
