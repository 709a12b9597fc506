#include "wire/utf8.hpp"

#include <gtest/gtest.h>

namespace nodeproof::wire {
namespace {

const std::string kBad = "\xEF\xBF\xBD";

TEST(Utf8, KeepsWellFormedTextAndReplacesTheRest) {
  struct Case {
    std::string text;
    std::string expected;
  };
  const Case cases[] = {
      {"", ""},
      {"plain \"text\"\n", "plain \"text\"\n"},
      {"Größe € 🔒 \u0000x", "Größe € 🔒 \u0000x"},
      {"\xC3", kBad},                                   // cut inside a character
      {"a\x80z", "a" + kBad + "z"},                     // a continuation byte alone
      {"\xC0\xAF", kBad + kBad},                        // overlong '/'
      {"\xE0\x80\xAF", kBad + kBad + kBad},             // overlong again
      {"\xED\xA0\x80", kBad + kBad + kBad},             // a surrogate
      {"\xF4\x90\x80\x80", kBad + kBad + kBad + kBad},  // above U+10FFFF
      {"\xF5\xFE\xFF", kBad + kBad + kBad},
      {"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"},  // U+10FFFF itself
  };
  for (const Case& c : cases) EXPECT_EQ(valid_utf8(c.text, 1000), c.expected);
}

TEST(Utf8, CutsBetweenCharacters) {
  const std::string text = "ab€🔒";
  const std::size_t lengths[] = {0, 1, 2, 2, 2, 5, 5, 5, 5, 9, 9};
  for (std::size_t limit = 0; limit < std::size(lengths); ++limit) {
    const std::string cut = valid_utf8(text, limit);
    EXPECT_EQ(cut.size(), lengths[limit]) << limit;
    EXPECT_TRUE(text.starts_with(cut));
  }
}

TEST(Utf8, AReplacementNeverExceedsTheLimit) {
  EXPECT_EQ(valid_utf8("ab\xFF", 4), "ab");
}

}  // namespace
}  // namespace nodeproof::wire
