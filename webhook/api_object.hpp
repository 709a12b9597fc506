// Objects as the API server gives them, read where one that cannot be read ends the step that asked for it.
#pragma once

#include <string>
#include <string_view>

#include "attest/strict_json.hpp"
#include "base/or_throw.hpp"

namespace nodeproof::webhook {

// One object; far above the 1.5 MiB that etcd takes. `what` names it in the error. Throws std::runtime_error.
inline attest::JsonDocument parse_object(std::string_view json, std::string_view what) {
  constexpr std::size_t kMaxObject = std::size_t{8} << 20U;
  return or_throw(attest::JsonDocument::parse(as_bytes(json), kMaxObject, what));
}

}  // namespace nodeproof::webhook
