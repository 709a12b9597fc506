#include "tests/emulator/authority.hpp"

#include <gtest/gtest.h>

#include "tests/unit/emulator/emulator_process.hpp"
#include "wire/reference_values.hpp"

namespace nodeproof::emulator {
namespace {

namespace fs = std::filesystem;
using attest::Product;

constexpr unsigned kFastBits = 2048;
constexpr std::size_t kFileLimit = 1U << 20U;

class AuthorityTest : public testing::Test {
 protected:
  AuthorityTest() { make_authority(folder_ / "authority", kFastBits, forge::kNow); }
  fs::path file(const std::string& name) const { return folder_ / "authority" / name; }

  test::TemporaryFolder folder_;
};

TEST_F(AuthorityTest, ComesBackAsItWasMade) {
  for (const Product product : {Product::kMilan, Product::kGenoa}) {
    const Authority authority = load_authority(folder_ / "authority", product);
    EXPECT_TRUE(authority.amd.ask.certificate.is_signed_by(authority.amd.ark.certificate));
    EXPECT_EQ(authority.amd.ark.certificate.subject_common_name(), "ARK-" + std::string(to_string(product)));
    EXPECT_TRUE(authority.vtpm.intermediate.certificate.is_signed_by(authority.vtpm.root.certificate));
    const auto vcek = forge::issue_vcek(authority.amd);
    EXPECT_TRUE(vcek.certificate.is_signed_by(authority.amd.ask.certificate));
  }
}

TEST_F(AuthorityTest, GivesAVerifierWhatItMustTrust) {
  const auto amd = attest::parse_certificates(read_file(file("amd-ark.pem"), kFileLimit), "amd");
  const auto vtpm = attest::parse_certificates(read_file(file("vtpm-trust-anchors.pem"), kFileLimit), "vtpm");
  ASSERT_TRUE(amd && vtpm);
  attest::TrustAnchors anchors;
  ASSERT_TRUE(attest::add_trust_anchors(anchors, *amd, *vtpm));
  EXPECT_EQ(anchors.amd.size(), 2U);
  EXPECT_EQ(anchors.vtpm.size(), 1U);

  const Bytes yaml = read_file(file("reference-values.yaml"), kFileLimit);
  const auto values = wire::parse_reference_values(as_text(yaml), "reference-values.yaml");
  ASSERT_TRUE(values) << to_string(values.error());
  ASSERT_EQ(values->size(), 2U);
  EXPECT_EQ(values->front().id_key_digest, forge::emulated_id_key_digest());
}

TEST_F(AuthorityTest, KeepsKeysToTheOwner) {
  std::size_t keys = 0;
  for (const auto& entry : fs::directory_iterator(folder_ / "authority")) {
    if (entry.path().string().find("-key.pem") == std::string::npos) continue;
    ++keys;
    EXPECT_EQ(entry.status().permissions(), fs::perms::owner_read | fs::perms::owner_write) << entry.path();
  }
  EXPECT_EQ(keys, 6U);
  EXPECT_EQ(fs::status(folder_ / "authority").permissions(), fs::perms::owner_all);
}

TEST_F(AuthorityTest, IsNeverOverwritten) {
  const Bytes before = read_file(file("amd-ark.pem"), kFileLimit);
  EXPECT_THROW(make_authority(folder_ / "authority", kFastBits, forge::kNow), std::runtime_error);
  EXPECT_EQ(read_file(file("amd-ark.pem"), kFileLimit), before);
}

TEST(Authority, AbsentOneNamesTheCommandThatMakesIt) {
  const test::TemporaryFolder folder;
  try {
    load_authority(folder / "none", Product::kMilan);
    FAIL() << "loaded nothing";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find("nodeproof-emulator make-authority --dir"), std::string::npos);
  }
}

}  // namespace
}  // namespace nodeproof::emulator
