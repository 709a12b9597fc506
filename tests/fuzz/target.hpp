// One fuzz target: a file under targets/ that defines one_input. It is linked with libFuzzer (preset fuzz)
// and, under every other preset, with replay_test.cpp.
#pragma once

#include <stdexcept>
#include <string>

#include "base/bytes.hpp"

namespace nodeproof::fuzz {

// Feeds one input to a parser and checks what must hold of the outcome; says whether the parser accepted it.
// Throws Violation when something does not hold, which nothing catches under libFuzzer.
bool one_input(ByteView input);

struct Violation : std::logic_error {
  using std::logic_error::logic_error;
};

inline void require(bool holds, const std::string& property) {
  if (!holds) throw Violation("does not hold: " + property);
}

// Whether the input was accepted; a refusal must say where and why (ADR 5).
template <typename T>
bool accepted(const Result<T>& result) {
  if (result) return true;
  require(!result.error().where.empty(), "a refusal names its place");
  require(!result.error().detail.empty(), "a refusal names its reason");
  return false;
}

// The value that our own serialiser's text stands for; refusing it is a violation.
template <typename T>
T accepted_again(Result<T> result) {
  if (!result) throw Violation("our own output is refused: " + to_string(result.error()));
  return *std::move(result);
}

}  // namespace nodeproof::fuzz
