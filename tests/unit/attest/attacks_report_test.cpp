// Attacks on the report, its key and the runtime claims. Each is the strongest forgery that its
// attacker can make, taken the whole way (attack.hpp), and names the check that refuses it.
#include <gtest/gtest.h>

#include "attest/openssl_scope.hpp"
#include "attest/runtime_claims.hpp"
#include "tests/unit/attest/attack.hpp"

namespace nodeproof::attest::attacks {
namespace {

TEST(AttackOnTheReport, IsMeasuredAgainstANodeThatIsAccepted) {
  EXPECT_EQ(refusal({}), "");
}

// Guest root persists a software key at 0x81000003; after a reboot the paravisor names it.
TEST(AttackByASoftwareAk, WithoutACertificate) {
  const Bytes claims = forge::make_runtime_claims(shared_world().other_ak.rsa_modulus());
  const Presented shown{.boot = boot_with_claims(claims, {.with_ak_certificate = false}),
                        .quote = forge::make_quote(shared_world().other_ak)};
  EXPECT_EQ(refusal(shown), "ak-residency/not-proven");
}

TEST(AttackByASoftwareAk, WithTheCertificateOfTheVtpmsKey) {
  const Bytes claims = forge::make_runtime_claims(shared_world().other_ak.rsa_modulus());
  const Presented shown{.boot = boot_with_claims(claims),
                        .quote = forge::make_quote(shared_world().other_ak)};
  EXPECT_EQ(refusal(shown), "ak-certificate/key-mismatch");
}

// The key signs a TPMS_ATTEST that no TPM made, right in every field.
TEST(AttackByASoftwareAk, WithAHandMadeQuoteThatNamesTheRealSigner) {
  const forge::World& world = shared_world();
  const Presented shown{.quote = forge::make_quote(
                            world.other_ak, {.qualified_signer = ak_qualified_name(world.ak.rsa_modulus())})};
  EXPECT_EQ(refusal(shown), "quote-signature/invalid");
}

// AMD signs it at VMPL 0 with any report_data, because there the tenant asks for the report.
TEST(AttackByAnotherGuest, ContainerInstancesReportInAFrame) {
  Presented shown = with_report([](SnpReport& report) {
    const Bytes head = from_hex("d3ed82823f890b10", "test").value();
    std::copy(head.begin(), head.end(), report.id_key_digest.begin());
  });
  EXPECT_EQ(refusal(shown), "paravisor/unknown-id-key");
  shown.reference_values = built_in_reference_values();
  EXPECT_EQ(refusal(shown), "paravisor/unknown-id-key");
}

// A host of one's own: a genuine chip with its genuine VCEK, no ID block of Microsoft's, and public
// facts of a real VM: its AK, its VM id, its AK certificate.
TEST(AttackByAnotherGuest, OwnChipNamesTheAkOfARealVm) {
  forge::BootOptions own;
  own.vcek.chip_id.fill(0x99);
  for (const bool with_own_id_key : {false, true}) {
    own.edit_report = [with_own_id_key](SnpReport& report) {
      report.chip_id.fill(0x99);
      report.id_key_digest.fill(with_own_id_key ? 0x77 : 0x00);
    };
    EXPECT_EQ(refusal(with_boot(own)), "paravisor/unknown-id-key");
  }
}

TEST(AttackByAnotherGuest, ReportAskedForBelowTheParavisor) {
  for (const std::uint32_t vmpl : {1U, 2U, 3U, 0xffffffffU}) {
    EXPECT_EQ(refusal(with_report([vmpl](SnpReport& report) { report.vmpl = vmpl; })), "vmpl/not-zero")
        << vmpl;
  }
}

TEST(AttackByTheHost, DebugOrMigrationAllowed) {
  constexpr std::uint64_t kDebug = std::uint64_t{1} << 19U;
  constexpr std::uint64_t kMigrate = std::uint64_t{1} << 18U;
  const auto policy_with = [](std::uint64_t bits) {
    return with_report([bits](SnpReport& report) { report.policy |= bits; });
  };
  EXPECT_EQ(refusal(policy_with(kDebug)), "guest-policy/debug-allowed");
  EXPECT_EQ(refusal(policy_with(kMigrate)), "guest-policy/migration-allowed");
  EXPECT_EQ(refusal(policy_with(kDebug | kMigrate)), "guest-policy/debug-allowed");
}

TEST(AttackOnTheEndorsement, VcekOfAnotherChipWithEqualTcb) {
  const forge::CertifiedKey other = forge::issue_vcek(shared_world().amd, {.chip_id = {0x99}});
  Presented swapped;
  swapped.boot.certificates.front() = other.certificate;
  EXPECT_EQ(refusal(swapped), "chip-id/mismatch report-signature/invalid");

  // The other chip signs for this one: only the chip id tells.
  forge::BootOptions signed_by_other;
  signed_by_other.vcek.chip_id = {0x99};
  EXPECT_EQ(refusal(with_boot(signed_by_other)), "chip-id/mismatch");
}

TEST(AttackOnTheEndorsement, VcekOfAHigherOrLowerTcb) {
  for (const auto component :
       {&TcbVersion::bootloader, &TcbVersion::tee, &TcbVersion::snp, &TcbVersion::microcode}) {
    for (const int step : {-1, 1}) {
      forge::BootOptions options;
      options.vcek.tcb = {5, 5, 24, 219};
      options.edit_report = [&](SnpReport& report) {
        report.reported_tcb = options.vcek.tcb;
        report.reported_tcb.*component = static_cast<std::uint8_t>(options.vcek.tcb.*component + step);
      };
      EXPECT_EQ(refusal(with_boot(options)), "tcb-extensions/mismatch");
    }
  }
}

TEST(AttackOnTheBinding, UpperHalfOfReportDataSet) {
  for (std::size_t byte = 32; byte < 64; ++byte) {
    const auto set = [byte](SnpReport& report) { report.report_data[byte] = 1; };
    EXPECT_EQ(refusal(with_report(set)), "report-data-binding/not-zero") << byte;
  }
}

TEST(AttackOnTheBinding, ClaimsEditedAfterTheReport) {
  Presented shown;
  const Bytes other = forge::make_runtime_claims(shared_world().ak.rsa_modulus(), {.secure_boot = false});
  const Bytes report = to_bytes(parse_hcl_report(shown.boot.hcl_report)->hardware_report);
  shown.boot.hcl_report = serialize_hcl_report(report, other);
  EXPECT_EQ(refusal(shown), "report-data-binding/mismatch");
}

std::string jwk(std::string_view kid, const std::string& n, std::string_view e = "AQAB",
                std::string_view key_ops = "sign") {
  return R"({"kid":")" + std::string(kid) + R"(","key_ops":[")" + std::string(key_ops) +
         R"("],"kty":"RSA","e":")" + std::string(e) + R"(","n":")" + n + R"("})";
}

std::string claims_with(const std::string& keys, const std::string& more = {}) {
  return R"({"keys":[)" + keys + R"(],"vm-configuration":{"secure-boot":true,"vmUniqueId":")" +
         std::string(forge::kVmId) + R"("})" + more + "}";
}

std::string refusal_of_claims(const std::string& json) {
  return refusal({.boot = boot_with_claims(as_bytes(json))});
}

// As if the paravisor itself could be made to say it: the binding holds, the claims alone are wrong.
TEST(AttackOnTheClaims, KeysThatCouldBeReadTwoWays) {
  const std::string ak = to_base64url(shared_world().ak.rsa_modulus());
  const std::string other = to_base64url(shared_world().other_ak.rsa_modulus());
  const std::string duplicate = "runtime-claims/duplicate";
  EXPECT_EQ(refusal_of_claims(claims_with(jwk("HCLAkPub", ak) + "," + jwk("HCLEkPub", other))), "");
  EXPECT_EQ(refusal_of_claims(claims_with(jwk("HCLAkPub", ak) + "," + jwk("HCLAkPub", other))), duplicate);
  EXPECT_EQ(refusal_of_claims(claims_with(jwk("HCLAkPub", ak) + "," + jwk("HCLAkPub", ak))), duplicate);
  EXPECT_EQ(refusal_of_claims(claims_with(jwk("HCLAkPub", ak) + "," + jwk("HCLEkPub", ak))), duplicate);
  EXPECT_EQ(refusal_of_claims(claims_with(jwk("HCLAkPub", ak), R"(,"keys":[])")), duplicate);
  EXPECT_EQ(refusal_of_claims(claims_with(jwk("HCLAkPub", ak), R"(,"\u006beys":[])")), duplicate);
  EXPECT_EQ(refusal_of_claims(claims_with(R"({"n":")" + other + R"(",)" + jwk("HCLAkPub", ak).substr(1))),
            duplicate);
}

TEST(AttackOnTheClaims, WeakKeys) {
  const std::string ak = to_base64url(shared_world().ak.rsa_modulus());
  const std::string bad = "runtime-claims/bad-value";
  EXPECT_EQ(refusal_of_claims(claims_with(jwk("HCLAkPub", ak, "Aw"))), bad);  // e = 3
  EXPECT_EQ(refusal_of_claims(claims_with(jwk("HCLAkPub", to_base64url(Bytes(256))))), bad);
  const Bytes small = forge::PrivateKey::rsa(1024).rsa_modulus();
  EXPECT_EQ(refusal_of_claims(claims_with(jwk("HCLAkPub", to_base64url(small)))), bad);
  Bytes padded(128);
  append(padded, small);
  EXPECT_EQ(refusal_of_claims(claims_with(jwk("HCLAkPub", to_base64url(padded)))), bad);
}

// Neither says anything: old paravisors call the AK's use "encrypt", and any order is theirs to choose.
TEST(AttackOnTheClaims, KeyOrderAndKeyOpsChangeNothing) {
  const std::string ak = to_base64url(shared_world().ak.rsa_modulus());
  const std::string ek = to_base64url(shared_world().other_ak.rsa_modulus());
  EXPECT_EQ(refusal_of_claims(claims_with(jwk("HCLEkPub", ek) + "," + jwk("HCLAkPub", ak))), "");
  EXPECT_EQ(refusal_of_claims(claims_with(jwk("HCLAkPub", ak, "AQAB", "encrypt"))), "");
  // By position the first key would be the AK.
  const Presented by_position{
      .boot = boot_with_claims(as_bytes(claims_with(jwk("HCLEkPub", ek) + "," + jwk("HCLAkPub", ak)))),
      .quote = forge::make_quote(shared_world().other_ak)};
  EXPECT_EQ(refusal(by_position), "ak-name/mismatch quote-signature/invalid");
}

// n - s signs what s signs: anybody can make this second signature of a report without its key. It
// vouches for the same 672 bytes, so nothing is gained; and the evidence digest covers the frame
// signature and all, so that the quote made for the first no longer fits.
TEST(AttackOnTheSignature, MalleatedSignatureSaysNothingNewAndLosesItsQuote) {
  const Presented original;
  const ByteView raw = parse_hcl_report(original.boot.hcl_report)->hardware_report;
  SnpReport report = parse_snp_report(raw).value();
  const auto n = from_hex(
                     "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf"
                     "581a0db248b0a77aecec196accc52973",
                     "order of P-384")
                     .value();
  const BignumHandle order(BN_bin2bn(n.data(), 48, nullptr));
  const BignumHandle s(BN_bin2bn(report.signature_s.data(), 48, nullptr));
  ASSERT_EQ(BN_sub(s.get(), order.get(), s.get()), 1);
  ASSERT_EQ(BN_bn2binpad(s.get(), report.signature_s.data(), 48), 48);

  Presented malleated = original;
  const Bytes claims = to_bytes(parse_hcl_report(original.boot.hcl_report)->runtime_claims);
  malleated.boot.hcl_report = serialize_hcl_report(serialize_snp_report(report), claims);
  ASSERT_EQ(refusal(malleated), "");

  const BootIdentity node{"11111111-2222-4333-8444-555555555555", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"};
  const auto data_for = [&](const Presented& shown) {
    const ByteView framed = parse_hcl_report(shown.boot.hcl_report)->framed;
    return to_bytes(
        qualifying_data("k1", {}, node, evidence_digest("azure-sev-snp", node, {"k1", 1}, framed, {})));
  };
  malleated.quote = forge::make_quote(shared_world().ak, {.qualifying_data = data_for(original)});
  malleated.expected_data = data_for(malleated);
  EXPECT_EQ(refusal(malleated), "qualifying-data/mismatch");
}

}  // namespace
}  // namespace nodeproof::attest::attacks
