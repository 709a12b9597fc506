#include "wire/strict_yaml.hpp"
#include "base/or_throw.hpp"

#include <gtest/gtest.h>

#include <random>

namespace nodeproof::wire {
namespace {

const std::string kText = R"(# a comment
listen: "0.0.0.0:8443"
enabled: true
count: 12
age: 1h30m
nothing:
tilde: ~
trustAnchors:
  amd: /etc/amd.pem
items:
  - name: a
  - name: b
plain: [x, "7"]
)";

YamlValue root_of(const std::string& text) {
  return or_throw(YamlValue::parse(text, "webhook.yaml"));
}

TEST(StrictYaml, ReadsEachType) {
  const YamlValue root = root_of(kText);
  EXPECT_EQ(*root.required("listen")->text(), "0.0.0.0:8443");
  EXPECT_TRUE(*root.required("enabled")->boolean());
  EXPECT_EQ(*root.required("count")->unsigned_integer(), 12U);
  EXPECT_EQ(*root.required("age")->duration(), Seconds(5400));
  EXPECT_EQ(*root.required("trustAnchors")->required("amd")->text(), "/etc/amd.pem");
  const auto items = *root.required("items")->list();
  ASSERT_EQ(items.size(), 2U);
  EXPECT_EQ(*items[1].required("name")->text(), "b");
}

TEST(StrictYaml, AbsentAndNullAreNothing) {
  const YamlValue root = root_of(kText);
  for (const char* key : {"absent", "nothing", "tilde"}) {
    const auto member = root.optional(key);
    ASSERT_TRUE(member);
    EXPECT_FALSE(member->has_value()) << key;
    EXPECT_EQ(root.required(key).error().code, Errc::kMissing) << key;
  }
}

TEST(StrictYaml, SaysWhereAValueIs) {
  const YamlValue root = root_of(kText);
  EXPECT_EQ(root.required("trustAnchors")->required("amd")->where(), "webhook.yaml:9:8: trustAnchors.amd");
  EXPECT_EQ(root.required("items")->list()->at(1).required("name")->where(),
            "webhook.yaml:12:11: items[1].name");
}

TEST(StrictYaml, UnknownKeysAreNamed) {
  const YamlValue root = root_of("a: 1\nb:\n  c: 2\n");
  EXPECT_TRUE(root.only({"a", "b"}));
  const auto status = root.only({"a"});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::kUnknownField);
  EXPECT_EQ(status.error().where, "webhook.yaml:2:1: b");
  const auto inner = root.required("b")->only({"d"});
  ASSERT_FALSE(inner);
  EXPECT_EQ(inner.error().where, "webhook.yaml:3:3: b.c");
}

TEST(StrictYaml, WrongTypesAreRefused) {
  const YamlValue root = root_of(kText);
  EXPECT_EQ(root.required("listen")->boolean().error().code, Errc::kWrongType);
  EXPECT_EQ(root.required("items")->text().error().code, Errc::kWrongType);
  EXPECT_EQ(root.required("items")->boolean().error().code, Errc::kWrongType);
  EXPECT_EQ(root.required("items")->unsigned_integer().error().code, Errc::kWrongType);
  EXPECT_EQ(root.required("items")->only({}).error().code, Errc::kWrongType);
  EXPECT_EQ(root.required("items")->optional("a").error().code, Errc::kWrongType);
  EXPECT_EQ(root.required("count")->list().error().code, Errc::kWrongType);
  EXPECT_EQ(root.required("count")->duration().error().code, Errc::kBadValue);
  EXPECT_EQ(root.required("plain")->list()->at(1).unsigned_integer().error().code,
            Errc::kWrongType);  // quoted
}

TEST(StrictYaml, OneTextPerNumberAndBoolean) {
  for (const char* text :
       {"012", "0x10", "+1", "-1", "1.0", "1e3", "18446744073709551616", "1_000", "''", "ten"}) {
    EXPECT_FALSE(root_of("n: " + std::string(text)).required("n")->unsigned_integer()) << text;
  }
  EXPECT_EQ(*root_of("n: 18446744073709551615").required("n")->unsigned_integer(), ~std::uint64_t{0});
  for (const char* text : {"yes", "on", "True", "TRUE", "1", "'true'", "n"}) {
    EXPECT_FALSE(root_of("b: " + std::string(text)).required("b")->boolean()) << text;
  }
}

TEST(StrictYaml, BadDocumentsAreErrorsWithAPosition) {
  struct Case {
    std::string text;
    Errc code;
    std::string where;
  };
  const Case cases[] = {
      {"", Errc::kBadValue, "f.yaml"},
      {"# only a comment\n", Errc::kBadValue, "f.yaml"},
      {"~", Errc::kBadValue, "f.yaml"},
      {"- a\n", Errc::kWrongType, "f.yaml:1:1"},
      {"word", Errc::kWrongType, "f.yaml:1:1"},
      {"a: 1\n---\nb: 2\n", Errc::kBadValue, "f.yaml"},
      {", a\n", Errc::kBadValue, "f.yaml"},  // yaml-cpp alone would never end
      {"a: [1, 2\n", Errc::kBadValue, "f.yaml:2:1"},
      {"a: 1\n b: 2\n", Errc::kBadValue, "f.yaml:2:"},
      {"a: 1\nb: \x04\n", Errc::kBadValue, "f.yaml:2"},
      {std::string("a: 1\0", 5), Errc::kBadValue, "f.yaml:1"},
      {"a: \xFF\n", Errc::kBadValue, "f.yaml"},
      {"a: *nowhere\n", Errc::kBadValue, "f.yaml:1:4"},
      {"\ta: 1\n", Errc::kBadValue, "f.yaml:1:"},
      {"a: 1\nb: 2\na: 3\n", Errc::kDuplicate, "f.yaml:3:1: a"},
      {"x:\n  - k: 1\n    k: 2\n", Errc::kDuplicate, "f.yaml:3:5: x[0].k"},
      {"x: {k: 1, \"k\": 2}\n", Errc::kDuplicate, "f.yaml:1:11: x.k"},
      {"? [a, b]\n: 1\n", Errc::kWrongType, "f.yaml:1:3"},
      {std::string((1U << 20U) + 1, '#'), Errc::kTooLarge, "f.yaml"},
  };
  for (const Case& c : cases) {
    const auto result = YamlValue::parse(c.text, "f.yaml");
    ASSERT_FALSE(result) << c.text.substr(0, 40);
    EXPECT_STREQ(to_string(result.error().code), to_string(c.code)) << to_string(result.error());
    EXPECT_TRUE(result.error().where.starts_with(c.where)) << result.error().where;
  }
}

TEST(StrictYaml, NestingAndAliasesCannotExplode) {
  EXPECT_FALSE(YamlValue::parse("a: " + std::string(3000, '[') + std::string(3000, ']'), "f"));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string inner = "*a" + std::to_string(i - 1);
    std::string list = inner;
    for (int j = 0; j < 9; ++j) list += ", " + inner;
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + list + "]\n";
  }
  const auto result = YamlValue::parse(bomb, "f");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kTooLarge);
}

// The second half stays printable, so that it gets past the check of characters.
TEST(StrictYaml, DamagedTextsNeitherThrowNorHang) {
  std::mt19937 random(1);
  for (int round = 0; round < 4000; ++round) {
    std::string text = kText;
    for (int flips = 0; flips < 6; ++flips) {
      const std::uint_fast32_t value = random();
      text[random() % text.size()] = static_cast<char>(round < 2000 ? value % 256 : 0x20 + value % 95);
    }
    if (const auto root = YamlValue::parse(text, "f")) static_cast<void>(root->only({"listen"}).has_value());
  }
  for (std::size_t size = 0; size < kText.size(); ++size) {
    static_cast<void>(YamlValue::parse(kText.substr(0, size), "f").has_value());
  }
}

}  // namespace
}  // namespace nodeproof::wire
