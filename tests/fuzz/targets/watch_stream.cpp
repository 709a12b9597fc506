// The first two bytes choose how the rest of the input is cut into pieces.
#include "attest/strict_json.hpp"
#include "kube/watch_decoder.hpp"
#include "tests/fuzz/target.hpp"

namespace nodeproof::fuzz {
namespace {

constexpr std::size_t kMaxLine = 1024;

struct Outcome {
  bool refused = false;
  std::vector<std::string> lines;
};

// Lines are taken after each piece, or after every second one: both must give the same.
Outcome decode(std::string_view stream, std::size_t piece, std::size_t take_every) {
  kube::WatchLineSplitter splitter(kMaxLine);
  Outcome out;
  std::size_t fed = 0;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    if (!accepted(splitter.feed(stream.substr(at, piece)))) {
      out.refused = true;
      return out;
    }
    if (++fed % take_every != 0 && at + piece < stream.size()) continue;
    while (const auto line = splitter.next()) out.lines.emplace_back(*line);
  }
  return out;
}

}  // namespace

bool one_input(ByteView input) {
  if (input.size() < 2) return false;
  const std::string_view stream = as_text(input.subspan(2));
  const Outcome whole = decode(stream, stream.size() + 1, 1);
  const Outcome pieces = decode(stream, std::size_t{input[0]} + 1, std::size_t{input[1]} % 4 + 1);
  require(whole.refused == pieces.refused, "a refusal does not depend on how bytes arrive");
  if (whole.refused) return false;
  require(whole.lines == pieces.lines, "lines do not depend on how bytes arrive");
  for (const std::string& line : whole.lines) {
    require(!line.empty() && line.size() <= kMaxLine, "a line is not empty and within its limit");
    accepted(attest::JsonDocument::parse(as_bytes(line), kMaxLine, "event"));
  }
  return true;
}

}  // namespace nodeproof::fuzz
