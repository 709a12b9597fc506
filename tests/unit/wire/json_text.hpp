// Handling JSON texts in tests of the codecs.
#pragma once

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "attest/strict_json.hpp"

namespace nodeproof::wire {

// Parses `json` and hands its root to `parse`.
template <typename Parse>
auto parsed(const std::string& json, Parse parse) -> decltype(parse(std::declval<attest::JsonValue>())) {
  auto document = attest::JsonDocument::parse(as_bytes(json), 8U << 20U, "object");
  if (!document) return document.error();
  return parse(document->root());
}

// `text` with the one occurrence of `from` replaced. A test that no longer fits its text is a bug.
inline std::string edited(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos || text.find(from, at + 1) != std::string::npos) {
    throw std::logic_error("'" + from + "' does not stand exactly once in the text");
  }
  return text.replace(at, from.size(), to);
}

struct Refusal {
  std::string from;
  std::string to;
  Errc code;
  std::string where;  // a part of Error::where
};

// Each edit of `json` alone must be refused with that code, naming that place.
template <typename Parse, std::size_t N>
void expect_refusals(const std::string& json, Parse parse, const Refusal (&cases)[N]) {
  ASSERT_TRUE(parsed(json, parse)) << to_string(parsed(json, parse).error());
  for (const Refusal& c : cases) {
    const auto result = parsed(edited(json, c.from, c.to), parse);
    ASSERT_FALSE(result) << c.to.substr(0, 80);
    EXPECT_STREQ(to_string(result.error().code), to_string(c.code)) << to_string(result.error());
    EXPECT_NE(result.error().where.find(c.where), std::string::npos) << to_string(result.error());
  }
}

template <typename Parse>
void expect_prefixes_refused(const std::string& json, Parse parse) {
  for (std::size_t size = 0; size < json.size(); ++size) {
    EXPECT_FALSE(parsed(json.substr(0, size), parse)) << "prefix of " << size << " bytes";
  }
}

}  // namespace nodeproof::wire
