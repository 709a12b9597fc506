#include "attest/reference_values.hpp"

namespace nodeproof::attest {
namespace {

// SHA-384 digests of Microsoft's ID keys, as in ID_KEY_DIGEST of reports.
constexpr std::string_view kIdKey0356 =
    "0356215882a825279a85b300b0b742931d113bf7e32dde2e50ffde7ec743ca491ecdd7f336dc28a6e0b2bb57af7a44a3";
constexpr std::string_view kIdKey942f =
    "942fd93ebde6ea7a96efadeafc60f1c6b3d10e703b1dafd7555b92f7f3d32d0e006767648cba5b102af3d65756af4177";
constexpr std::string_view kIdKey934f =
    "934f68bd8ba01938eec21475c872e3a942b60c59fafc6df9e9a76ee66bc47f2d09c676f61c0315c578da26085fb13a71";

ParavisorReference reference(Product product, std::string_view id_key_digest, std::uint32_t minimum_guest_svn,
                             std::string source) {
  const auto bytes = from_hex(id_key_digest, "built-in reference value");
  return {product, to_array<48>(bytes.value(), "built-in reference value").value(), minimum_guest_svn,
          std::move(source)};
}

}  // namespace

// Microsoft publishes no list. The minimum is the lowest GUEST_SVN in a recorded report; `source`
// names that record under the recorded evidence.
const ReferenceValues& built_in_reference_values() {
  static const ReferenceValues values{
      reference(Product::kMilan, kIdKey0356, 4,
                "recorded 2023-2025: snp-reports/milan-v2-wrong-vcek-raw-hwid"),
      reference(Product::kMilan, kIdKey942f, 10, "recorded 2025-2026: azure-snp/milan-v3-report-empty-nonce"),
      reference(Product::kMilan, kIdKey934f, 2, "recorded 2023: azure-snp/milan-v2-2023-mismatched-vcek"),
      reference(Product::kGenoa, kIdKey942f, 65547, "recorded 2025-2026: azure-snp/genoa-v3-report"),
  };
  return values;
}

}  // namespace nodeproof::attest
