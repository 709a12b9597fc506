// Pure: bytes of a watch stream, in any pieces, to lines of JSON events.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace nodeproof::kube {

class WatchLineSplitter {
 public:
  explicit WatchLineSplitter(std::size_t max_line) : max_line_(max_line) {}
  // Adds bytes; kTooLarge when a line exceeds the limit.
  Status feed(std::string_view bytes);
  // The next whole line without its newline, valid until the next feed; empty lines are skipped.
  std::optional<std::string_view> next();

 private:
  std::size_t max_line_;
  std::string buffer_;
  std::size_t start_ = 0;
};

}  // namespace nodeproof::kube
