// Targets whose input is a Kubernetes object of ours.
#pragma once

#include "attest/strict_json.hpp"
#include "tests/fuzz/target.hpp"

namespace nodeproof::fuzz {

// parse_object of the JSON text, as Result<what parse_object gives>.
template <typename Parse>
auto parse_json(ByteView text, Parse parse_object)
    -> decltype(parse_object(std::declval<attest::JsonValue>())) {
  NODEPROOF_TRY(document, attest::JsonDocument::parse(text, std::size_t{1} << 20U, "object"));
  return parse_object(document.root());
}

}  // namespace nodeproof::fuzz
