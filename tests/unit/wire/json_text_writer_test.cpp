#include "wire/json_text_writer.hpp"

#include <gtest/gtest.h>

#include "attest/strict_json.hpp"

namespace nodeproof::wire {
namespace {

using attest::JsonDocument;

std::string text_of(std::string_view value, std::size_t max_bytes = 1024) {
  JsonWriter json;
  json.text(value, max_bytes);
  return std::move(json).str();
}

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  JsonWriter json;
  json.begin_object();
  json.key("a").number(1);
  json.key("b").begin_array();
  json.boolean(true);
  json.begin_object();
  json.end_object();
  json.begin_array();
  json.end_array();
  json.text("x");
  json.end_array();
  json.key("c").begin_object();
  json.key("d").boolean(false);
  json.end_object();
  json.key("e").number(18446744073709551615U);
  json.end_object();
  EXPECT_EQ(std::move(json).str(),
            R"({"a":1,"b":[true,{},[],"x"],"c":{"d":false},"e":18446744073709551615})");
}

TEST(JsonWriter, EscapesWhatMustBe) {
  EXPECT_EQ(text_of("plain /text/"), R"("plain /text/")");
  EXPECT_EQ(text_of("\"\\"), R"("\"\\")");
  EXPECT_EQ(text_of(std::string_view("\0\n\x1f\x7f", 4)), "\"\\u0000\\u000a\\u001f\x7f\"");
  EXPECT_EQ(text_of("\xc3\xa9"), "\"\xc3\xa9\"");
}

// Every byte alone and beside others is read back as it was, or as U+FFFD where it is no UTF-8.
TEST(JsonWriter, WritesWhatIsReadBack) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string value = "a" + std::string(1, static_cast<char>(byte)) + "b";
    JsonWriter json;
    json.begin_object();
    json.key("k" + value).text(value);
    json.end_object();
    const std::string written = std::move(json).str();
    const auto document = JsonDocument::parse(as_bytes(written), 1024, "text");
    ASSERT_TRUE(document) << byte << " " << written;
    const auto members = document->root().members();
    ASSERT_EQ(members->size(), 1U);
    if (byte < 0x80) {
      EXPECT_EQ(members->front().value.text().value(), value);
      EXPECT_EQ(members->front().key, "k" + value);
    } else {
      EXPECT_EQ(members->front().value.text().value(),
                "a\xef\xbf\xbd"
                "b");
    }
  }
}

TEST(JsonWriter, CutsBetweenCharacters) {
  EXPECT_EQ(text_of("abcdef", 3), R"("abc")");
  EXPECT_EQ(text_of("ab\xc3\xa9", 3), R"("ab")");
  EXPECT_EQ(text_of("ab\xc3\xa9", 4), "\"ab\xc3\xa9\"");
  EXPECT_EQ(text_of("", 0), R"("")");
}

}  // namespace
}  // namespace nodeproof::wire
