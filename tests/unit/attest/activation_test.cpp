// Residency by a credential (number 15). That a TPM opens what is made here, and only for the right key, is
// shown against one in tests/unit/agent/activator_test.cpp.
#include "attest/activation.hpp"

#include <gtest/gtest.h>

#include "attest/verify.hpp"
#include "tests/support/forge.hpp"

namespace nodeproof::attest {
namespace {

using forge::kNow;
using forge::shared_world;

constexpr const char* kUid = "0f8fad5b-d9cb-469f-a165-70867728950e";
constexpr const char* kOtherUid = "7c9e6679-7425-40de-944b-e07fc1f90ae7";
const EpochKey kKey{1, 2, 3};

Bytes ek() {
  return shared_world().other_ak.rsa_modulus();
}
ByteArray<32> right_answer() {
  return activation_secret(kKey, ak_name(shared_world().ak.rsa_modulus()), sha256(ek()), kUid);
}

struct Case {
  std::string name;
  std::string want;  // outcome and code of ak-residency
  Residency residency = Residency::kUnproven;
  std::optional<ByteArray<32>> answer = right_answer();
  std::optional<ActivationKey> key = ActivationKey{kKey, kUid};
  bool with_ek = true;
  bool certified = false;
  bool genuine = true;
};

class ByActivation : public ::testing::TestWithParam<Case> {};

TEST_P(ByActivation, Residency) {
  const Case& c = GetParam();
  forge::BootOptions options;
  options.with_ak_certificate = c.certified;
  if (c.with_ek) options.claims.ek_modulus = ek();
  BootEvidence evidence = forge::make_boot_evidence(shared_world(), options);
  evidence.activation = c.answer;
  const TrustAnchors anchors = forge::trust_anchors_of(shared_world());
  const ReferenceValues values = c.genuine ? forge::reference_values_of(shared_world()) : ReferenceValues{};
  const BootVerification result = verify_boot(
      evidence, {.anchors = anchors, .reference_values = values, .now = kNow, .activation = c.key});
  const Finding* finding = find(result.findings, Check::kAkResidency);
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(std::string(to_string(finding->outcome)) + " " + finding->code, c.want) << finding->detail;
  ASSERT_TRUE(result.claims);
  EXPECT_EQ(result.claims->residency(), c.residency);
  // For whom a credential may be made: whatever the answer, but for an EK that nobody vouches for.
  EXPECT_EQ(result.activation != nullptr, c.with_ek && c.genuine && !c.certified);
}

INSTANTIATE_TEST_SUITE_P(
    All, ByActivation,
    ::testing::Values(
        Case{.name = "right", .want = "passed ", .residency = Residency::kActivation},
        Case{.name = "outstanding", .want = "not-checked activation-outstanding", .answer = std::nullopt},
        Case{.name = "key_unknown", .want = "not-checked activation-key-unknown", .key = std::nullopt},
        Case{.name = "wrong", .want = "failed activation-wrong", .answer = ByteArray<32>{}},
        Case{.name = "of_another_node",
             .want = "failed activation-wrong",
             .key = ActivationKey{kKey, kOtherUid}},
        Case{.name = "of_another_key",
             .want = "failed activation-wrong",
             .key = ActivationKey{EpochKey{}, kUid}},
        Case{.name = "no_ek", .want = "not-checked no-ak-certificate", .with_ek = false},
        Case{.name = "unknown_paravisor", .want = "not-checked premise-failed", .genuine = false},
        Case{.name = "certified",
             .want = "passed ",
             .residency = Residency::kCertificate,
             .answer = ByteArray<32>{},
             .certified = true}),
    [](const auto& param) { return param.param.name; });

TEST(Credential, HasTheSizesOfATpms) {
  const ByteArray<32> seed{5};
  const auto made = make_credential(ek(), with_name_alg(Sha256Digest{1}), ByteArray<32>{2}, seed);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->id_object.size(), 2 + 32 + 2 + 32);
  EXPECT_EQ(made->encrypted_seed.size(), 256);
  const auto other = make_credential(ek(), with_name_alg(Sha256Digest{9}), ByteArray<32>{2}, seed);
  EXPECT_NE(other->id_object, made->id_object) << "bound to the Name";
  EXPECT_NE(other->encrypted_seed, made->encrypted_seed) << "padded at random";
  EXPECT_FALSE(make_credential(Bytes(255, 1), {}, ByteArray<32>{}, seed)) << "no RSA-2048 key";
}

}  // namespace
}  // namespace nodeproof::attest
