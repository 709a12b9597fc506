// Attacks on the quote, on what it is bound to, and on the certificates of the AK and the chip. Like
// attacks_report_test.cpp.
#include <gtest/gtest.h>

#include "tests/unit/attest/attack.hpp"
#include "tests/unit/attest/test_certificate.hpp"

namespace nodeproof::attest::attacks {
namespace {

std::string refusal_of_selection(std::uint32_t pcrs, std::uint16_t bank = 0x000b) {
  return refusal(with_quote({.selection = PcrSelection(pcrs), .qualifying_data = kChallenge, .bank = bank}));
}

TEST(AttackOnTheSelection, OtherPcrsThanAskedFor) {
  EXPECT_EQ(refusal_of_selection(kNodeQuotePcrs.bits()), "");
  EXPECT_EQ(refusal_of_selection(1U << 16U), "pcr-selection/selection");  // the debug PCR: anybody's
  EXPECT_EQ(refusal_of_selection(0), "pcr-selection/selection");
  for (unsigned pcr = 0; pcr < kPcrCount; ++pcr) {
    EXPECT_EQ(refusal_of_selection(kNodeQuotePcrs.bits() ^ 1U << pcr), "pcr-selection/selection") << pcr;
  }
}

TEST(AttackOnTheSelection, OtherBanks) {
  EXPECT_EQ(refusal_of_selection(kNodeQuotePcrs.bits(), 0x0004), "pcr-selection/bank");  // SHA-1
  EXPECT_EQ(refusal_of_selection(kNodeQuotePcrs.bits(), 0x000c), "pcr-selection/bank");  // SHA-384
}

// TPML_PCR_SELECTION in forged quotes: after magic, type, two sized fields, clock and firmware version.
constexpr std::size_t kSelectionOffset = 4 + 2 + (2 + 34) + (2 + 32) + 17 + 8;
constexpr std::size_t kSelectionSize = 10;

std::string refusal_of_selection_list(const Bytes& list) {
  Bytes attest = forge::make_quote(shared_world().ak).attest;
  const auto at = attest.begin() + kSelectionOffset;
  attest.erase(at, at + kSelectionSize);
  attest.insert(attest.begin() + kSelectionOffset, list.begin(), list.end());
  return refusal({.quote = quote_over(attest)});
}

TEST(AttackOnTheSelection, NoneAndTwoBanks) {
  const Bytes right{0, 0, 0, 1, 0x00, 0x0b, 3, 0xff, 0xfb, 0x00};
  EXPECT_EQ(refusal_of_selection_list(right), "");
  EXPECT_EQ(refusal_of_selection_list({0, 0, 0, 0}), "pcr-selection/bank");
  Bytes with_sha1{0, 0, 0, 2};
  append(with_sha1, ByteView(right).subspan(4));
  append(with_sha1, Bytes{0x00, 0x04, 3, 0xff, 0xff, 0xff});
  EXPECT_EQ(refusal_of_selection_list(with_sha1), "pcr-selection/bank");
}

TEST(AttackOnFreshness, EmptyQualifyingDataEvenWhenNothingIsExpected) {
  Presented shown = with_quote({.qualifying_data = {}});
  EXPECT_EQ(refusal(shown), "qualifying-data/empty");
  shown.expected_data.clear();
  EXPECT_EQ(refusal(shown), "qualifying-data/empty");
}

// Each is signed, so an edit needs the AK; the counters of a replayed quote cannot be moved on.
TEST(AttackOnFreshness, ClockAndCountersEdited) {
  constexpr std::size_t kClockInfo = 4 + 2 + (2 + 34) + (2 + 32);
  for (std::size_t byte = kClockInfo; byte < kClockInfo + 16; ++byte) {
    Presented shown;
    ++shown.quote.attest[byte];
    EXPECT_EQ(refusal(shown), "quote-signature/invalid") << byte;
  }
}

const BootIdentity kNodeA{"11111111-2222-4333-8444-555555555555", "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"};
const Nonce kNonce{7};

Sha256Digest evidence_of(const BootIdentity& node) {
  return evidence_digest("azure-sev-snp", node, {"k1", 5}, as_bytes("HCLA"), {});
}

Sha256Digest quote_of(const BootIdentity& node) {
  return qualifying_data("k1", kNonce, node, evidence_of(node));
}

// The quote carries `carried` where `expected` is recomputed.
std::string refusal_of_data(ByteView carried, ByteView expected) {
  Presented shown = with_quote({.qualifying_data = to_bytes(carried)});
  shown.expected_data = to_bytes(expected);
  return refusal(shown);
}

TEST(AttackOnIdentity, EvidenceOfNodeAPresentedAsNodeB) {
  const Sha256Digest a = quote_of(kNodeA);
  EXPECT_EQ(refusal_of_data(a, a), "");
  BootIdentity b = kNodeA;
  b.node_uid.back() = '6';
  EXPECT_EQ(refusal_of_data(a, quote_of(b)), "qualifying-data/mismatch");
  BootIdentity next_boot = kNodeA;
  next_boot.boot_id.back() = 'f';
  EXPECT_EQ(refusal_of_data(a, quote_of(next_boot)), "qualifying-data/mismatch");
  // The identity moves in the quote alone, or in the evidence alone.
  EXPECT_EQ(refusal_of_data(a, qualifying_data("k1", kNonce, b, evidence_of(kNodeA))),
            "qualifying-data/mismatch");
  EXPECT_EQ(refusal_of_data(a, qualifying_data("k1", kNonce, kNodeA, evidence_of(b))),
            "qualifying-data/mismatch");
  EXPECT_EQ(refusal_of_data(a, qualifying_data("k1", Nonce{8}, kNodeA, evidence_of(kNodeA))),
            "qualifying-data/mismatch");
}

// One TPM key signs in one protocol only because each hash begins with its own label.
TEST(AttackOnTheLabels, ADigestOfOneKindIsNoneOfAnother) {
  const Sha256Digest quote = quote_of(kNodeA);
  const Sha512Digest report = report_challenge("k1", kNonce, kNodeA);
  EXPECT_EQ(refusal_of_data(evidence_of(kNodeA), quote), "qualifying-data/mismatch");
  EXPECT_EQ(refusal_of_data(report, quote), "qualifying-data/mismatch");
  EXPECT_EQ(refusal_of_data(ByteView(report).first(32), quote), "qualifying-data/mismatch");
  EXPECT_EQ(refusal_of_data(epoch_nonce({}, 5), quote), "qualifying-data/mismatch");
}

// Fields of one list of text fields; a byte moves from each to the next, and back.
template <typename Digest>
void expect_fields_apart(std::vector<std::string> fields, Digest digest) {
  const auto original = digest(fields);
  for (std::size_t i = 0; i + 1 < fields.size(); ++i) {
    std::vector<std::string> forward = fields;
    forward[i + 1].insert(0, 1, forward[i].back());
    forward[i].pop_back();
    EXPECT_NE(digest(forward), original) << i;
    std::vector<std::string> back = fields;
    back[i].push_back(back[i + 1].front());
    back[i + 1].erase(0, 1);
    EXPECT_NE(digest(back), original) << i;
    std::vector<std::string> joined = fields;
    joined[i] += joined[i + 1];
    joined[i + 1].clear();
    EXPECT_NE(digest(joined), original) << i;
  }
}

TEST(AttackOnTheLabels, NoByteMovesFromOneFieldToTheNext) {
  using Fields = std::vector<std::string>;
  // The last two are neighbours too; between kid and HCL stands the epoch, eight bytes always.
  expect_fields_apart({"platform", "uid", "boot", "kid"}, [](const Fields& f) {
    return evidence_digest(f[0], {f[1], f[2]}, {f[3], 5}, as_bytes("HCLA"), {});
  });
  expect_fields_apart({"HCLA", "log"}, [](const Fields& f) {
    return evidence_digest("p", {"u", "b"}, {"k", 5}, as_bytes(f[0]), as_bytes(f[1]));
  });
  // The nonce, 32 bytes always, stands between kid and node UID, the digest at the end.
  expect_fields_apart({"uid", "boot"}, [](const Fields& f) {
    return qualifying_data("kid", kNonce, {f[0], f[1]}, {});
  });
  expect_fields_apart({"uid", "boot"}, [](const Fields& f) {
    return report_challenge("kid", kNonce, {f[0], f[1]});
  });
}

// Bytes of a field move over the fixed-size one that stands between two.
TEST(AttackOnTheLabels, NoByteMovesOverAFixedField) {
  Nonce shifted{};
  std::copy(kNonce.begin(), kNonce.end() - 1, shifted.begin() + 1);
  shifted.front() = 'd';
  EXPECT_NE(qualifying_data("kid", kNonce, {"uid", "boot"}, {}),
            qualifying_data("ki", shifted, {std::string(1, '\0') + "uid", "boot"}, {}));
  EXPECT_NE(report_challenge("kid", kNonce, {"uid", "boot"}),
            report_challenge("ki", shifted, {std::string(1, '\0') + "uid", "boot"}));
}

TEST(AttackOnTheAkCertificate, OfATrustedLaunchVm) {
  forge::BootOptions options;
  options.ak_certificate.common_name = "0123456789ab" + std::string(forge::kTrustedLaunchSuffix);
  options.ak_certificate.policy_oid = forge::kTrustedLaunchPolicyOid;
  EXPECT_EQ(refusal(with_boot(options)), "ak-certificate/wrong-node-class");
  // With one mark of each class it is of neither.
  options.ak_certificate.policy_oid = forge::kConfidentialPolicyOid;
  EXPECT_EQ(refusal(with_boot(options)), "ak-certificate/wrong-node-class");
}

// The holder of a certified key issues a certificate with it.
TEST(AttackOnTheAkCertificate, IssuedByAKeyThatMayNotIssue) {
  namespace certificates = testing_certificates;
  const forge::World& world = shared_world();
  const auto share = [](const forge::PrivateKey& key) {
    EVP_PKEY_up_ref(key.handle());
    return certificates::Key(key.handle(), EVP_PKEY_free);
  };
  const Certificate issuer = forge::issue_ak_certificate(world.vtpm, world.other_ak.rsa_modulus());
  certificates::Spec spec;
  spec.name = "ba9876543210" + std::string(forge::kConfidentialSuffix);
  spec.issuer = issuer.subject_common_name();
  spec.key_usage = "critical,digitalSignature";
  spec.extended_key_usage = "2.23.133.8.3";
  spec.policies = {std::string(forge::kConfidentialPolicyOid)};
  Presented shown;
  shown.boot.ak_certificate = certificates::make(spec, share(world.ak), share(world.other_ak));
  shown.boot.certificates.push_back(issuer);
  EXPECT_EQ(refusal(shown), "ak-certificate/issuer-not-ca");
}

TEST(AttackOnCertificates, OutOfDate) {
  const auto days = [](int count) { return std::chrono::hours(24 * count); };
  forge::BootOptions options;
  options.vcek.validity = {kNow - days(9), kNow - Seconds(1)};
  EXPECT_EQ(refusal(with_boot(options)), "certificate-chain/expired");
  options.vcek.validity = {kNow + Seconds(1), kNow + days(9)};
  EXPECT_EQ(refusal(with_boot(options)), "certificate-chain/not-yet-valid");
  options = {};
  options.ak_certificate.validity = {kNow - days(90), kNow - kDefaultAkCertificateGrace - Seconds(1)};
  EXPECT_EQ(refusal(with_boot(options)), "ak-certificate/expired");
  options.ak_certificate.validity = {kNow + Seconds(1), kNow + days(9)};
  EXPECT_EQ(refusal(with_boot(options)), "ak-certificate/not-yet-valid");
}

// Every name is right, every signature holds, and the roots come along.
TEST(AttackOnCertificates, LookalikeRootsOfTheSameNames) {
  static const forge::World lookalike = [] {
    const forge::World& real = shared_world();
    return forge::World{forge::make_amd_authority(), forge::make_vtpm_authority(), copy_of(real.ak),
                        copy_of(real.other_ak)};
  }();
  Presented shown;
  shown.boot = forge::make_boot_evidence(lookalike);
  EXPECT_EQ(refusal(shown), "certificate-chain/root-not-pinned ak-certificate/signature-invalid");
  shown.boot.certificates.push_back(lookalike.vtpm.intermediate.certificate);
  shown.boot.certificates.push_back(lookalike.vtpm.root.certificate);
  EXPECT_EQ(refusal(shown), "certificate-chain/root-not-pinned ak-certificate/root-not-pinned");
  // The real roots beside them lend nothing.
  shown.boot.certificates.push_back(shared_world().amd.ark.certificate);
  shown.boot.certificates.push_back(shared_world().vtpm.root.certificate);
  EXPECT_EQ(refusal(shown), "certificate-chain/root-not-pinned ak-certificate/root-not-pinned");
}

}  // namespace
}  // namespace nodeproof::attest::attacks
