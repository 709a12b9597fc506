#include "attest/strict_json.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace nodeproof::attest {
namespace {

constexpr std::size_t kLimit = 4096;

Result<JsonDocument> parse(std::string_view text, std::size_t limit = kLimit) {
  return JsonDocument::parse(as_bytes(text), limit, "doc");
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

struct RefusedCase {
  const char* name;
  std::string text;
  Errc code;
  std::string where;
};

void PrintTo(const RefusedCase& c, std::ostream* out) {
  *out << c.name;
}

class StrictJsonRefuses : public testing::TestWithParam<RefusedCase> {};

TEST_P(StrictJsonRefuses, Document) {
  const auto document = parse(GetParam().text);
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, GetParam().code) << document.error().detail;
  EXPECT_EQ(document.error().where, GetParam().where);
  EXPECT_NE(document.error().detail, "");
}

INSTANTIATE_TEST_SUITE_P(
    Documents, StrictJsonRefuses,
    testing::Values(
        RefusedCase{"Empty", "", Errc::kBadValue, "doc"}, RefusedCase{"Blank", " \n", Errc::kBadValue, "doc"},
        RefusedCase{"NotJson", "apiVersion: v1", Errc::kBadValue, "doc"},
        RefusedCase{"TwoDocuments", "{}{}", Errc::kBadValue, "doc"},
        RefusedCase{"TrailingNul", std::string("{}\0", 3), Errc::kBadValue, "doc"},
        RefusedCase{"TrailingComma", R"({"a":1,})", Errc::kBadValue, "doc"},
        RefusedCase{"LeadingZero", R"({"a":01})", Errc::kBadValue, "doc"},
        RefusedCase{"NotANumber", R"({"a":NaN})", Errc::kBadValue, "doc"},
        RefusedCase{"Infinite", R"({"a":1e999})", Errc::kBadValue, "doc"},
        RefusedCase{"BeyondSixtyFourBits", R"({"a":18446744073709551616})", Errc::kBadValue, "doc"},
        RefusedCase{"Comment", "{}/**/", Errc::kBadValue, "doc"},
        RefusedCase{"NotUtf8", "{\"a\":\"\xff\"}", Errc::kBadValue, "doc"},
        RefusedCase{"LoneSurrogate", R"({"a":"\ud800"})", Errc::kBadValue, "doc"},
        RefusedCase{"RawControlCharacter", "{\"a\":\"\n\"}", Errc::kBadValue, "doc"},
        RefusedCase{"ByteOrderMark", "\xef\xbb\xbf{}", Errc::kBadValue, "doc"},
        RefusedCase{"TooDeep", nested(65), Errc::kTooLarge, "doc"},
        RefusedCase{"FarTooDeep", nested(2048), Errc::kTooLarge, "doc"},
        RefusedCase{"TooLong", std::string(kLimit + 1, ' '), Errc::kTooLarge, "doc"},
        RefusedCase{"DuplicateAtTheTop", R"({"a":1,"b":2,"a":1})", Errc::kDuplicate, "doc.a"},
        RefusedCase{"DuplicateBelow", R"({"a":{"b":{"c":1,"c":2}}})", Errc::kDuplicate, "doc.a.b.c"},
        RefusedCase{"DuplicateInAnArray", R"({"a":[{},[{"b":1,"b":1}]]})", Errc::kDuplicate, "doc.a[1][0].b"},
        RefusedCase{"DuplicateByEscape", R"({"key":1,"\u006bey":2})", Errc::kDuplicate, "doc.key"},
        RefusedCase{"DuplicateNull", R"({"a":null,"a":1})", Errc::kDuplicate, "doc.a"},
        RefusedCase{"DuplicateEmptyKey", R"({"":1,"":2})", Errc::kDuplicate, "doc."},
        RefusedCase{"DuplicateWithControlCharacters", R"({"a\n\u001b[31m":1,"a\n\u001b[31m":2})",
                    Errc::kDuplicate, "doc.a??[31m"},
        RefusedCase{"DuplicateLongKey",
                    "{\"" + std::string(500, 'k') + "\":1,\"" + std::string(500, 'k') + "\":2}",
                    Errc::kDuplicate, "doc." + std::string(64, 'k')}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(StrictJson, RefusesNoBytesAtAll) {
  const auto document = JsonDocument::parse(ByteView(), kLimit, "doc");
  ASSERT_FALSE(document);
  EXPECT_EQ(document.error().code, Errc::kBadValue);
}

TEST(StrictJson, AcceptsDeepestAndLongest) {
  EXPECT_TRUE(parse(nested(63)));
  EXPECT_TRUE(parse("{}" + std::string(kLimit - 2, ' ')));
}

TEST(StrictJson, AcceptsTheSameKeyAtDifferentLevels) {
  EXPECT_TRUE(parse(R"({"a":{"a":[{"a":1},{"a":1}]},"A":2})"));
}

// A document of a few bytes gets a parser of the smallest size: it must keep the depth limit.
TEST(StrictJson, KeepsTheDepthLimitForShortAndLongDocuments) {
  EXPECT_FALSE(parse(nested(65) + std::string(2000, ' ')));
  EXPECT_TRUE(parse(nested(10)));
}

TEST(StrictJson, RefusesEveryPrefix) {
  const std::string whole = R"({"a":[1,true,null,"x\u00e9"],"b":{"c":-2.5}})";
  ASSERT_TRUE(parse(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse(std::string_view(whole).substr(0, size))) << size;
  }
}

// An object of `count` keys that end alike, each with its number in front.
std::string object_of(int count, const std::string& more = {}) {
  std::string out = "{";
  for (int i = 0; i < count; ++i) out += "\"" + std::to_string(100'000 + i) + "/enabled\":0,";
  return out + "\"last\":{}" + more + "}";
}

// Keys are told apart by a mark first, of which there are fewer than keys.
TEST(StrictJson, FindsADuplicateAmongManyAlikeKeys) {
  constexpr std::size_t kLarge = 1U << 20U;
  for (const int count : {1, 7, 40, 3000}) {
    EXPECT_TRUE(parse(object_of(count), kLarge)) << count;
    for (const int repeated : {0, count / 2, count - 1}) {
      const std::string key = std::to_string(100'000 + repeated) + "/enabled";
      const auto document = parse(object_of(count, ",\"" + key + "\":1"), kLarge);
      ASSERT_FALSE(document) << count << " " << repeated;
      EXPECT_EQ(document.error().where, "doc." + key);
    }
  }
}

TEST(StrictJson, ComparesKeysShorterThanAMark) {
  EXPECT_TRUE(parse(R"({"":0,"a":0,"b":0,"aa":0,"aaa":0,"aaaa":0,"aaaaa":0})"));
  for (const char* key : {"", "a", "aa", "aaa", "aaaa", "aaaaa"}) {
    EXPECT_FALSE(parse("{\"" + std::string(key) + "\":0,\"b\":0,\"" + key + "\":0}")) << key;
  }
}

TEST(StrictJson, ReadsOneDocumentAfterTheOtherWithOneParser) {
  JsonParser parser;
  const auto path_of = [&parser](const std::string& text, std::string_view what) -> std::string {
    const auto document = JsonDocument::parse(as_bytes(text), 1U << 20U, what, parser);
    if (!document) return document.error().where;
    const auto list = document->root().required("list");
    return list ? list->array()->back().path() : list.error().where;
  };
  const std::string pad(JsonParser::kMaxReused, ' ');
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(path_of(R"({"list":[1,2,3]})", "first"), "first.list[2]");
    EXPECT_EQ(path_of(R"({"list":[[]]})" + pad, "long"), "long.list[0]");
    EXPECT_EQ(path_of(R"({"list":[1)", "broken"), "broken");
    EXPECT_EQ(path_of(R"({"list":1,"list":2})", "doubled"), "doubled.list");
    EXPECT_EQ(path_of(nested(65), "deep"), "deep");
    EXPECT_EQ(path_of(nested(65) + std::string(5000, ' '), "deep and long"), "deep and long");
    EXPECT_EQ(path_of("{}", "empty"), "empty.list");
    EXPECT_EQ(path_of("", "nothing"), "nothing");
    EXPECT_EQ(path_of(std::string(1U << 21U, ' '), "too long"), "too long");
  }
}

TEST(StrictJson, ReadsInPlaceAsWell) {
  const std::string whole = R"({"list":[1,{"key":"value"}],"next":null})";
  JsonParser parser;
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    std::string text = whole.substr(0, size);
    const auto document = JsonDocument::parse_in_place(text, 1000, "text", parser);
    ASSERT_EQ(document.has_value(), size == whole.size()) << size;
    if (!document) continue;
    EXPECT_EQ(document->root().required("list")->array()->back().path(), "text.list[1]");
  }
  std::string doubled = R"({"a":1,"a":2})";
  EXPECT_EQ(JsonDocument::parse_in_place(doubled, 1000, "text", parser).error().where, "text.a");
  EXPECT_FALSE(JsonDocument::parse_in_place(doubled, 5, "text", parser));
}

// More steps than a parser has room for at first.
TEST(StrictJson, KeepsThePathsOfManyValues) {
  std::string text = "[";
  for (int i = 0; i < 1000; ++i) text += "{\"a\":{}},";
  const auto document = parse(text + "{}]", 1U << 20U);
  ASSERT_TRUE(document);
  const auto items = document->root().array();
  ASSERT_TRUE(items);
  std::vector<JsonValue> members;
  for (std::size_t i = 0; i < 1000; ++i) members.push_back((*items)[i].required("a").value());
  EXPECT_EQ(members.front().path(), "doc[0].a");
  EXPECT_EQ(members.back().path(), "doc[999].a");
}

class StrictJsonValues : public testing::Test {
 protected:
  JsonValue member(std::string_view key) {
    const auto value = document_->root().required(key);
    EXPECT_TRUE(value) << key;
    return *value;
  }

  Result<JsonDocument> document_ = parse(
      R"({"text":"h\u00e9","yes":true,"count":7,"huge":18446744073709551615,"minus":-1,"half":0.5,
          "tenth":1e1,"one":1.0,"list":["a",{"b":1}],"object":{"x":1,"y":2},
          "nothing":null})");
};

TEST_F(StrictJsonValues, AreReadByType) {
  EXPECT_EQ(*member("text").string(), "h\xc3\xa9");
  EXPECT_EQ(*member("text").text(), "h\xc3\xa9");
  EXPECT_TRUE(*member("yes").boolean());
  EXPECT_EQ(*member("count").unsigned_integer(), 7U);
  EXPECT_EQ(*member("huge").unsigned_integer(), 18446744073709551615U);
  const auto list = member("list").array();
  ASSERT_TRUE(list);
  ASSERT_EQ(list->size(), 2U);
  EXPECT_EQ((*list)[1].path(), "doc.list[1]");
  const auto members = member("object").members();
  ASSERT_TRUE(members);
  ASSERT_EQ(members->size(), 2U);
  EXPECT_EQ((*members)[0].key, "x");
  EXPECT_EQ((*members)[1].value.path(), "doc.object.y");
}

TEST_F(StrictJsonValues, OfAnotherTypeNameTheirPath) {
  const auto refused = [](const auto& result, std::string_view where) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::kWrongType);
    EXPECT_EQ(result.error().where, where);
  };
  refused(member("yes").string(), "doc.yes");
  refused(member("text").boolean(), "doc.text");
  refused(member("count").boolean(), "doc.count");
  refused(member("text").array(), "doc.text");
  refused(member("list").members(), "doc.list");
  refused(member("list").required("x"), "doc.list");
  refused(member("list").optional("x"), "doc.list");
  refused(member("text").only({"x"}), "doc.text");
  for (const char* key : {"minus", "half", "tenth", "one", "text", "yes"}) {
    refused(member(key).unsigned_integer(), "doc." + std::string(key));
  }
}

TEST_F(StrictJsonValues, AreRequiredOrOptional) {
  const JsonValue root = document_->root();
  EXPECT_FALSE(root.optional("absent")->has_value());
  EXPECT_FALSE(root.optional("nothing")->has_value());
  EXPECT_TRUE(root.optional("text")->has_value());
  for (const char* key : {"absent", "nothing"}) {
    const auto value = root.required(key);
    ASSERT_FALSE(value);
    EXPECT_EQ(value.error().code, Errc::kMissing);
    EXPECT_EQ(value.error().where, "doc." + std::string(key));
  }
}

TEST_F(StrictJsonValues, AreTextOrNothing) {
  const JsonValue root = document_->root();
  EXPECT_EQ(*root.optional_text("text"), "h\xc3\xa9");
  EXPECT_EQ(*root.optional_text("absent"), "");
  EXPECT_EQ(*root.optional_text("nothing"), "");
  const auto number = root.optional_text("count");
  ASSERT_FALSE(number);
  EXPECT_EQ(number.error().code, Errc::kWrongType);
  EXPECT_EQ(number.error().where, "doc.count");
  EXPECT_FALSE(member("list").optional_text("x"));
}

TEST_F(StrictJsonValues, AreKnownOrRefused) {
  EXPECT_TRUE(member("object").only({"x", "y", "z"}));
  const auto unknown = member("object").only({"x"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::kUnknownField);
  EXPECT_EQ(unknown.error().where, "doc.object.y");
}

TEST(StrictJson, ValuesOutliveAMoveOfTheirDocument) {
  auto first = parse(R"({"a":"b"})");
  ASSERT_TRUE(first);
  const JsonValue root = first->root();
  const JsonDocument second = *std::move(first);
  EXPECT_EQ(*root.required("a")->string(), "b");
  EXPECT_EQ(*second.root().required("a")->string(), "b");
}

}  // namespace
}  // namespace nodeproof::attest
