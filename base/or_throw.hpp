// From a Result to an exception, at the edge: where broken input is a broken environment, as a configuration
// file or an answer of the API server that cannot be read (docs/adr/0005-errors.md).
#pragma once

#include <stdexcept>
#include <utility>

#include "base/result.hpp"

namespace nodeproof {

// The value, or std::runtime_error with the Error's text.
template <typename T>
T or_throw(Result<T> result) {
  if (!result) throw std::runtime_error(to_string(result.error()));
  return *std::move(result);
}

}  // namespace nodeproof
