#include "attest/reference_values.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <map>

#include "attest/snp_report.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof::attest {
namespace {

// Container Instances: there the tenant chooses report_data at VMPL 0.
constexpr std::string_view kContainerInstances = "d3ed82823f890b10";

TEST(ReferenceValues, NameTheirSourceOnce) {
  std::map<std::pair<Product, ByteArray<48>>, int> seen;
  for (const ParavisorReference& value : built_in_reference_values()) {
    EXPECT_FALSE(value.source.empty());
    EXPECT_FALSE(all_zero(value.id_key_digest)) << "a report without ID block has a digest of zeros";
    const std::pair key(value.product, value.id_key_digest);
    EXPECT_EQ(++seen[key], 1) << to_hex(value.id_key_digest);
  }
  EXPECT_EQ(seen.size(), 4U);
}

TEST(ReferenceValues, ContainerInstancesAreAbsent) {
  for (const ParavisorReference& value : built_in_reference_values()) {
    EXPECT_FALSE(to_hex(value.id_key_digest).starts_with(kContainerInstances));
  }
}

// The product of a recorded report is that of the chip's certificate: version 2 has no CPUID.
std::optional<Product> product_of(const simdjson::dom::element& expected) {
  std::string_view name;
  if (expected["endorsement_key"]["product"].get_string().get(name) != simdjson::SUCCESS) return std::nullopt;
  const auto product = parse_product(name.substr(0, name.find('-')), "expect.json");
  if (!product) return std::nullopt;
  return *product;
}

TEST(ReferenceValues, MinimaAreTheLowestRecordedAndNothingIsMissing) {
  NODEPROOF_NEED_VECTORS();
  std::map<std::pair<Product, std::string>, std::uint64_t> lowest;
  simdjson::dom::parser parser;
  for (const char* group : {"snp-reports", "azure-snp"}) {
    for (const auto& folder : vectors::cases(group)) {
      const auto expected = parser.parse(std::string(as_text(vectors::file(folder / "expect.json")))).value();
      const std::string digest(expected["report"]["idkey"].get_string().value());
      const auto product = product_of(expected);
      if (!product || digest.find_first_not_of('0') == std::string::npos) continue;
      const std::uint64_t svn = expected["report"]["guest_svn"].get_uint64().value();
      const auto [entry, is_new] = lowest.try_emplace({*product, digest}, svn);
      if (!is_new) entry->second = std::min(entry->second, svn);
    }
  }
  std::map<std::pair<Product, std::string>, std::uint64_t> built_in;
  for (const ParavisorReference& value : built_in_reference_values()) {
    built_in[{value.product, to_hex(value.id_key_digest)}] = value.minimum_guest_svn;
  }
  EXPECT_EQ(built_in, lowest);
}

TEST(ReferenceValues, SourcesAreThoseRecords) {
  NODEPROOF_NEED_VECTORS();
  simdjson::dom::parser parser;
  for (const ParavisorReference& value : built_in_reference_values()) {
    SCOPED_TRACE(value.source);
    const std::string folder = value.source.substr(value.source.rfind(' ') + 1);
    const auto expected =
        parser.parse(std::string(as_text(vectors::file(std::filesystem::path(folder) / "expect.json"))))
            .value();
    EXPECT_EQ(expected["report"]["idkey"].get_string().value(), to_hex(value.id_key_digest));
    EXPECT_EQ(expected["report"]["guest_svn"].get_uint64().value(), value.minimum_guest_svn);
  }
}

}  // namespace
}  // namespace nodeproof::attest
