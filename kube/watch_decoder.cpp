#include "kube/watch_decoder.hpp"

namespace nodeproof::kube {

Status WatchLineSplitter::feed(std::string_view bytes) {
  // Bytes already handed out are dropped here, once per feed, not once per line.
  buffer_.erase(0, start_);
  start_ = 0;
  buffer_ += bytes;
  std::size_t line = 0;
  for (;;) {
    const std::size_t newline = buffer_.find('\n', line);
    const std::size_t end = newline == std::string::npos ? buffer_.size() : newline;
    if (end - line > max_line_) {
      return Error{Errc::kTooLarge, "watch event", "is longer than " + std::to_string(max_line_) + " bytes"};
    }
    if (newline == std::string::npos) return Ok{};
    line = newline + 1;
  }
}

std::optional<std::string_view> WatchLineSplitter::next() {
  for (;;) {
    const std::size_t newline = buffer_.find('\n', start_);
    if (newline == std::string::npos) return std::nullopt;
    const std::string_view line = std::string_view(buffer_).substr(start_, newline - start_);
    start_ = newline + 1;
    if (!line.empty()) return line;
  }
}

}  // namespace nodeproof::kube
