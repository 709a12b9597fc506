#include "wire/reference_values.hpp"

#include "tests/unit/wire/json_text.hpp"

namespace nodeproof::wire {
namespace {

const std::string kDigest = "0356215882a8" + std::string(84, '1');
const std::string kText = "paravisors:\n  - product: Milan\n    idKeyDigest: " + kDigest +
                          "\n    minimumGuestSvn: 8\n    source: \"seen on our pool, 2026-11\"\n"
                          "  - {product: Genoa, idKeyDigest: \"" +
                          std::string(96, '2') + "\", minimumGuestSvn: 0}\n";

TEST(ReferenceValuesFile, IsRead) {
  const auto values = parse_reference_values(kText, "values.yaml");
  ASSERT_TRUE(values) << to_string(values.error());
  ASSERT_EQ(values->size(), 2U);
  EXPECT_EQ((*values)[0].product, attest::Product::kMilan);
  EXPECT_EQ(to_hex((*values)[0].id_key_digest), kDigest);
  EXPECT_EQ((*values)[0].minimum_guest_svn, 8U);
  EXPECT_EQ((*values)[0].source, "seen on our pool, 2026-11");
  EXPECT_EQ((*values)[1].product, attest::Product::kGenoa);
  EXPECT_EQ((*values)[1].source, "values.yaml:6:5: paravisors[1]");  // without a source: where it stands
}

TEST(ReferenceValuesFile, BadFilesAreNamedErrors) {
  struct Case {
    std::string from;
    std::string to;
    Errc code;
    std::string where;
  };
  const Case cases[] = {
      {"paravisors:", "paravisor:", Errc::kUnknownField, "paravisor"},
      {"product: Milan", "product: Venice", Errc::kUnsupported, "paravisors[0].product"},
      {"    source:", "    origin:", Errc::kUnknownField, "paravisors[0].origin"},
      {"    minimumGuestSvn: 8\n", "", Errc::kMissing, "minimumGuestSvn"},
      {"minimumGuestSvn: 8", "minimumGuestSvn: -8", Errc::kWrongType, "minimumGuestSvn"},
      {"minimumGuestSvn: 8", "minimumGuestSvn: 4294967296", Errc::kBadValue, "minimumGuestSvn"},
      {kDigest, kDigest.substr(2), Errc::kBadValue, "idKeyDigest"},
      {kDigest, "z" + kDigest.substr(1), Errc::kBadValue, "idKeyDigest"},
      {kDigest, "d3ed82823f890b10" + std::string(80, '0'), Errc::kBadValue, "idKeyDigest"},
      {"product: Genoa, idKeyDigest: \"" + std::string(96, '2'), "product: Milan, idKeyDigest: \"" + kDigest,
       Errc::kDuplicate, "paravisors[1]"},
  };
  for (const Case& c : cases) {
    const auto result = parse_reference_values(edited(kText, c.from, c.to), "values.yaml");
    ASSERT_FALSE(result) << c.to;
    EXPECT_STREQ(to_string(result.error().code), to_string(c.code)) << to_string(result.error());
    EXPECT_NE(result.error().where.find(c.where), std::string::npos) << to_string(result.error());
  }
  EXPECT_FALSE(parse_reference_values("paravisors: []\n", "values.yaml"));
  EXPECT_FALSE(parse_reference_values("", "values.yaml"));
}

}  // namespace
}  // namespace nodeproof::wire
