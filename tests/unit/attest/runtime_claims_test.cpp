#include "attest/runtime_claims.hpp"

#include <gtest/gtest.h>

#include "attest/hcl_report.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof::attest {
namespace {

// Any odd number of 2048 bits can stand for a modulus here: no key is used.
std::string modulus(std::uint8_t seed) {
  Bytes bytes(256, seed);
  bytes.front() = 0xc1;
  bytes.back() = 0x01;
  return to_base64url(bytes);
}

std::string jwk(std::string_view kid, std::string_view n,
                std::string_view rest = R"("e":"AQAB","kty":"RSA")") {
  return R"({"kid":")" + std::string(kid) + R"(","key_ops":["sign"],"n":")" + std::string(n) + R"(",)" +
         std::string(rest) + "}";
}

constexpr std::string_view kVm =
    R"("vm-configuration":{"vmUniqueId":"7DF7B373-B947-4AAA-96E5-C358F2A03D20"})";

std::string document(std::string_view keys, std::string_view rest = kVm) {
  return R"({"keys":[)" + std::string(keys) + "]," + std::string(rest) + "}";
}

std::string with_ak(std::string_view rest) {
  return document(jwk("HCLAkPub", modulus(1)), rest);
}

Result<RuntimeClaims> parse(std::string_view json) {
  return parse_runtime_claims(as_bytes(json));
}

TEST(RuntimeClaims, ParsesAllMembers) {
  const std::string user_data = "982F5c" + std::string(122, '0');
  const auto claims = parse(document(
      jwk("HCLEkPub", modulus(2)) + "," + jwk("HCLAkPub", modulus(1)),
      R"("vm-configuration":{"secure-boot":false,"tpm-enabled":true,"current-time":1,"new-one":{"a":[]},)"
      R"("vmUniqueId":"7DF7B373-B947-4AAA-96E5-C358F2A03D20"},"user-data":")" +
          user_data + R"(","later":1)"));
  ASSERT_TRUE(claims) << to_string(claims.error());
  EXPECT_EQ(to_base64url(claims->ak.rsa_modulus()), modulus(1));
  EXPECT_EQ(to_base64url(claims->ek_modulus), modulus(2));
  EXPECT_EQ(claims->vm_unique_id, "7df7b373-b947-4aaa-96e5-c358f2a03d20");
  EXPECT_EQ(claims->secure_boot, false);
  EXPECT_EQ(claims->tpm_enabled, true);
  ASSERT_TRUE(claims->user_data);
  EXPECT_EQ((*claims->user_data)[2], 0x5c);
}

TEST(RuntimeClaims, TellsAbsentFromFalse) {
  const auto claims = parse(with_ak(kVm));
  ASSERT_TRUE(claims) << to_string(claims.error());
  EXPECT_TRUE(claims->ek_modulus.empty());
  EXPECT_FALSE(claims->secure_boot);
  EXPECT_FALSE(claims->tpm_enabled);
  EXPECT_FALSE(claims->user_data);
}

TEST(RuntimeClaims, LeavesUnknownKeysAlone) {
  EXPECT_TRUE(parse(document(jwk("HCLAkPub", modulus(1)) + R"(,{"kid":"Later","kty":"EC","crv":"P-384"})")));
}

struct RefusedCase {
  const char* name;
  std::string json;
  Errc code;
  std::string where;
};

void PrintTo(const RefusedCase& c, std::ostream* out) {
  *out << c.name;
}

class RuntimeClaimsRefuse : public testing::TestWithParam<RefusedCase> {};

TEST_P(RuntimeClaimsRefuse, Document) {
  const auto claims = parse(GetParam().json);
  ASSERT_FALSE(claims);
  EXPECT_EQ(claims.error().code, GetParam().code) << to_string(claims.error());
  EXPECT_EQ(claims.error().where, GetParam().where);
}

std::string vm_id(std::string_view id) {
  return with_ak(R"("vm-configuration":{"vmUniqueId":)" + std::string(id) + "}");
}
std::string vm_member(std::string_view member) {
  return with_ak(R"("vm-configuration":{"vmUniqueId":"7df7b373-b947-4aaa-96e5-c358f2a03d20",)" +
                 std::string(member) + "}");
}
std::string user_data(std::string_view value) {
  return with_ak(std::string(kVm) + R"(,"user-data":)" + std::string(value));
}
std::string one_key(std::string_view n, std::string_view rest) {
  return document(jwk("HCLAkPub", n, rest));
}

constexpr const char* kRsa = R"("e":"AQAB","kty":"RSA")";
constexpr const char* kVmIdPath = "runtime-claims.vm-configuration.vmUniqueId";

INSTANTIATE_TEST_SUITE_P(
    Documents, RuntimeClaimsRefuse,
    testing::Values(
        RefusedCase{"NotAnObject", "[]", Errc::kWrongType, "runtime-claims"},
        RefusedCase{"TrailingBytes", with_ak(kVm) + "x", Errc::kBadValue, "runtime-claims"},
        RefusedCase{"NoKeys", "{" + std::string(kVm) + "}", Errc::kMissing, "runtime-claims.keys"},
        RefusedCase{"KeysNotAList", R"({"keys":{}})", Errc::kWrongType, "runtime-claims.keys"},
        RefusedCase{"NoAk", document(jwk("HCLEkPub", modulus(1))), Errc::kMissing, "runtime-claims.keys"},
        RefusedCase{"AkByPositionOnly", document(jwk("hclakpub", modulus(1))), Errc::kMissing,
                    "runtime-claims.keys"},
        RefusedCase{"NoKid", document(R"({"kty":"RSA"})"), Errc::kMissing, "runtime-claims.keys[0].kid"},
        RefusedCase{"KidNotText", document(R"({"kid":1})"), Errc::kWrongType, "runtime-claims.keys[0].kid"},
        RefusedCase{"TwoAks", document(jwk("HCLAkPub", modulus(1)) + "," + jwk("HCLAkPub", modulus(2))),
                    Errc::kDuplicate, "runtime-claims.keys[1].kid"},
        RefusedCase{"TwoUnknownOfOneKid",
                    document(jwk("HCLAkPub", modulus(1)) + R"(,{"kid":"a"},{"kid":"a"})"), Errc::kDuplicate,
                    "runtime-claims.keys[2].kid"},
        RefusedCase{"SameKeyTwice", document(jwk("HCLAkPub", modulus(1)) + "," + jwk("HCLEkPub", modulus(1))),
                    Errc::kDuplicate, "runtime-claims.keys"},
        RefusedCase{"DuplicateMember",
                    document(jwk("HCLAkPub", modulus(1), std::string(kRsa) + R"(,"n":"AQ")")),
                    Errc::kDuplicate, "runtime-claims.keys[0].n"},
        RefusedCase{"DuplicateSecureBoot", vm_member(R"("secure-boot":true,"secure-boot":false)"),
                    Errc::kDuplicate, "runtime-claims.vm-configuration.secure-boot"},
        RefusedCase{"NotRsa", one_key(modulus(1), R"("e":"AQAB","kty":"EC")"), Errc::kUnsupported,
                    "runtime-claims.keys[0].kty"},
        RefusedCase{"NoExponent", one_key(modulus(1), R"("kty":"RSA")"), Errc::kMissing,
                    "runtime-claims.keys[0].e"},
        RefusedCase{"PaddedBase64", one_key(modulus(1) + "==", kRsa), Errc::kBadValue,
                    "runtime-claims.keys[0].n"},
        RefusedCase{"VmIdMissing", with_ak(R"("vm-configuration":{})"), Errc::kMissing, kVmIdPath},
        RefusedCase{"NoConfiguration", with_ak(R"("a":1)"), Errc::kMissing,
                    "runtime-claims.vm-configuration"},
        RefusedCase{"VmIdNumber", vm_id("7"), Errc::kWrongType, kVmIdPath},
        RefusedCase{"VmIdShort", vm_id(R"("7df7b373-b947-4aaa-96e5-c358f2a03d2")"), Errc::kBadValue,
                    kVmIdPath},
        RefusedCase{"VmIdNil", vm_id(R"("00000000-0000-0000-0000-000000000000")"), Errc::kBadValue,
                    kVmIdPath},
        RefusedCase{"VmIdInBraces", vm_id(R"("{7df7b373-b947-4aaa-96e5-c358f2a03d20}")"), Errc::kBadValue,
                    kVmIdPath},
        RefusedCase{"SecureBootNumber", vm_member(R"("secure-boot":1)"), Errc::kWrongType,
                    "runtime-claims.vm-configuration.secure-boot"},
        RefusedCase{"SecureBootText", vm_member(R"("secure-boot":"true")"), Errc::kWrongType,
                    "runtime-claims.vm-configuration.secure-boot"},
        RefusedCase{"NoTpm", vm_member(R"("tpm-enabled":false)"), Errc::kBadValue,
                    "runtime-claims.vm-configuration.tpm-enabled"},
        RefusedCase{"TpmEnabledText", vm_member(R"("tpm-enabled":"true")"), Errc::kWrongType,
                    "runtime-claims.vm-configuration.tpm-enabled"},
        RefusedCase{"UserDataShort", user_data("\"" + std::string(126, '0') + "\""), Errc::kBadValue,
                    "runtime-claims.user-data"},
        RefusedCase{"UserDataLong", user_data("\"" + std::string(130, '0') + "\""), Errc::kBadValue,
                    "runtime-claims.user-data"},
        RefusedCase{"UserDataEmpty", user_data(R"("")"), Errc::kBadValue, "runtime-claims.user-data"},
        RefusedCase{"UserDataNotHex", user_data("\"" + std::string(128, 'g') + "\""), Errc::kBadValue,
                    "runtime-claims.user-data"},
        RefusedCase{"UserDataNumber", user_data("0"), Errc::kWrongType, "runtime-claims.user-data"}),
    [](const auto& row) { return std::string(row.param.name); });

// What OpenHCL reports when it could not make a key, and keys of another strength.
TEST(RuntimeClaims, RefusesUnusableKeys) {
  for (const Bytes& n :
       {Bytes(256), Bytes(), Bytes(128, 0xc1), Bytes(255, 0xc1), Bytes(257, 0xc1), Bytes(384, 0xc1)}) {
    EXPECT_FALSE(parse(one_key(to_base64url(n), kRsa))) << n.size();
  }
  for (const char* e : {"Aw", "AQAA", "AA", "", "AAEAAQ", "AQABAQ"}) {
    const std::string rest = R"("kty":"RSA","e":")" + std::string(e) + "\"";
    EXPECT_FALSE(parse(one_key(modulus(1), rest))) << e;
  }
}

TEST(RuntimeClaims, RefusesEveryPrefix) {
  const std::string whole = user_data("\"" + std::string(128, '0') + "\"");
  ASSERT_TRUE(parse(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ASSERT_FALSE(parse(std::string_view(whole).substr(0, size))) << size;
  }
}

TEST(ClaimedAk, IsFoundBesideBrokenMembers) {
  const std::string json = vm_member(R"("secure-boot":1)");
  EXPECT_FALSE(parse(json));
  const auto ak = parse_claimed_ak(as_bytes(json));
  ASSERT_TRUE(ak) << to_string(ak.error());
  EXPECT_EQ(to_base64url(ak->rsa_modulus()), modulus(1));
  EXPECT_FALSE(parse_claimed_ak(as_bytes(document(jwk("HCLEkPub", modulus(1))))));
  EXPECT_FALSE(parse_claimed_ak({}));
}

TEST(RuntimeClaims, ParsesRecordedClaims) {
  NODEPROOF_NEED_VECTORS();
  for (const auto& folder : vectors::cases("azure-snp")) {
    SCOPED_TRACE(folder);
    const Bytes nv = vectors::file(folder / "hcl.bin");
    const auto report = parse_hcl_report(nv);
    ASSERT_TRUE(report);
    // Bytes past the claims' end stay in reach of the parser: it must not read them.
    EXPECT_TRUE(parse_claimed_ak(report->runtime_claims));
    const bool edited = folder.filename() == "derived-milan-v3-edited-json";
    const auto claims = parse_runtime_claims(report->runtime_claims);
    EXPECT_EQ(claims.has_value(), !edited);
    if (!claims) continue;
    const bool old = folder.filename() == "milan-v2-2023-mismatched-vcek";
    EXPECT_EQ(claims->user_data.has_value(), !old);
    EXPECT_TRUE(claims->secure_boot);
  }
}

}  // namespace
}  // namespace nodeproof::attest
