#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>

#include "attest/crypto.hpp"
#include "tests/unit/attest/test_certificate.hpp"

namespace nodeproof::attest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing_certificates::ca;
using testing_certificates::Key;
using testing_certificates::make;
using testing_certificates::make_key;
using testing_certificates::RawExtension;
using testing_certificates::Spec;

std::string pem_of(const Certificate& certificate) {
  std::string text = "-----BEGIN CERTIFICATE-----\n";
  const std::string base64 = to_base64(certificate.der());
  for (std::size_t i = 0; i < base64.size(); i += 64) text += base64.substr(i, 64) + "\n";
  return text + "-----END CERTIFICATE-----\n";
}

class ACertificate : public testing::Test {
 protected:
  static void SetUpTestSuite() { key_ = make_key(); }
  static void TearDownTestSuite() { key_.reset(); }
  static Certificate make_leaf(Spec spec = {}) { return make(spec, key_, key_); }
  static inline Key key_;
};

TEST_F(ACertificate, TellsWhatItHolds) {
  Spec spec;
  spec.serial = 0x0102030405;
  spec.extended_key_usage = "1.3.6.1.4.1.311.10.3.12,2.23.133.8.3";
  spec.policies = {"1.3.6.1.4.1.311.108.200.2", "1.2.3"};
  spec.key_usage = "critical,digitalSignature";
  spec.raw = {{"1.3.6.1.4.1.3704.1.4", Bytes{1, 2, 3}}};
  const Certificate leaf = make_leaf(spec);
  EXPECT_EQ(leaf.subject_common_name(), "Leaf");
  EXPECT_EQ(leaf.subject(), "CN=Leaf");
  EXPECT_EQ(leaf.issuer(), "CN=Root");
  EXPECT_EQ(leaf.serial_hex(), "0102030405");
  EXPECT_EQ(leaf.not_before(), spec.from);
  EXPECT_EQ(leaf.not_after(), spec.until);
  EXPECT_EQ(leaf.sha256(), sha256(leaf.der()));
  EXPECT_TRUE(leaf.key() == testing_certificates::public_key(key_));
  EXPECT_THAT(leaf.policy_oids(), ElementsAre("1.3.6.1.4.1.311.108.200.2", "1.2.3"));
  EXPECT_THAT(leaf.extended_key_usage_oids(), ElementsAre("1.3.6.1.4.1.311.10.3.12", "2.23.133.8.3"));
  EXPECT_TRUE(leaf.may_sign_data());
  EXPECT_FALSE(leaf.is_ca());
  EXPECT_FALSE(leaf.is_self_issued());
  ASSERT_TRUE(leaf.extension("1.3.6.1.4.1.3704.1.4"));
  EXPECT_EQ(to_bytes(*leaf.extension("1.3.6.1.4.1.3704.1.4")), (Bytes{1, 2, 3}));
  EXPECT_TRUE(leaf.has_extension("1.3.6.1.4.1.3704.1.4"));
}

TEST_F(ACertificate, AbsentAndDoubledExtensionsAreErrors) {
  Spec spec;
  spec.raw = {{"1.2.3.4", {1}}, {"1.2.3.4", {2}}};
  const Certificate leaf = make_leaf(spec);
  EXPECT_EQ(leaf.extension("1.2.3.4").error().code, Errc::kDuplicate);
  EXPECT_EQ(leaf.extension("1.2.3").error().code, Errc::kMissing);
  EXPECT_FALSE(leaf.has_extension("1.2.3"));
  EXPECT_TRUE(leaf.policy_oids().empty());
  EXPECT_TRUE(leaf.extended_key_usage_oids().empty());
}

TEST_F(ACertificate, MalformedAndDoubledStandardExtensionsGiveNothing) {
  Spec spec;
  spec.raw = {{"2.5.29.32", {0xff}}, {"2.5.29.37", {0x30, 0x80}}};
  const Certificate malformed = make_leaf(spec);
  EXPECT_TRUE(malformed.policy_oids().empty());
  EXPECT_TRUE(malformed.extended_key_usage_oids().empty());
  EXPECT_EQ(ERR_peek_error(), 0U);
  spec.raw = {};
  spec.policies = {"1.2.3"};
  const Certificate with_policies = make_leaf(spec);
  const Bytes policies = to_bytes(*with_policies.extension("2.5.29.32"));
  spec.raw = {{"2.5.29.32", policies}};
  EXPECT_TRUE(make_leaf(spec).policy_oids().empty());
}

TEST_F(ACertificate, TwoCommonNamesAreNone) {
  Spec spec;
  spec.name = "SEV-VCEK";
  spec.more_common_names = {"SEV-VLEK"};
  EXPECT_EQ(make_leaf(spec).subject_common_name(), "");
}

TEST_F(ACertificate, NamesInMessagesAreShortAndPrintable) {
  Spec spec;
  spec.name = "line\nbreak";
  spec.more_common_names = {std::string(64, 'a'), std::string(64, 'b'), std::string(64, 'c')};
  const std::string subject = make_leaf(spec).subject();
  EXPECT_EQ(subject.find('\n'), std::string::npos) << subject;
  EXPECT_LE(subject.size(), 210U);
}

TEST_F(ACertificate, EveryPrefixAndTrailingBytesAreRefused) {
  const Bytes der = make_leaf().der();
  for (std::size_t size = 0; size < der.size(); ++size) {
    const auto parsed = Certificate::parse_der(ByteView(der).first(size), "leaf");
    ASSERT_FALSE(parsed) << size;
    EXPECT_EQ(parsed.error().code, Errc::kTruncated) << size;
  }
  Bytes longer = der;
  longer.push_back(0);
  EXPECT_EQ(Certificate::parse_der(longer, "leaf").error().code, Errc::kTrailing);
}

TEST_F(ACertificate, EveryFlippedBitIsRefusedOrBreaksTheSignature) {
  const Certificate root = make(ca("Root", "Root"), key_, key_);
  const Certificate leaf = make_leaf();
  ASSERT_TRUE(leaf.is_signed_by(root));
  Bytes der = leaf.der();
  for (std::size_t bit = 0; bit < 8 * der.size(); ++bit) {
    der[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    const auto parsed = Certificate::parse_der(der, "leaf");
    if (parsed) {
      EXPECT_FALSE(parsed->is_signed_by(root)) << "bit " << bit;
    }
    der[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
  }
  EXPECT_EQ(ERR_peek_error(), 0U);
}

TEST_F(ACertificate, SignedByNeedsNameKeyAndHash) {
  const Key other = make_key();
  const Certificate root = make(ca("Root", "Root"), key_, key_);
  EXPECT_TRUE(root.is_signed_by(root));
  EXPECT_TRUE(root.is_self_issued());
  EXPECT_FALSE(make_leaf().is_signed_by(make(ca("Other", "Other"), key_, key_))) << "name";
  EXPECT_FALSE(make_leaf().is_signed_by(make(ca("Root", "Root"), other, other))) << "key";
  Spec sha1;
  sha1.hash = EVP_sha1();
  EXPECT_FALSE(make_leaf(sha1).is_signed_by(root)) << "hash";
  Spec sha512;
  sha512.hash = EVP_sha512();
  EXPECT_TRUE(make_leaf(sha512).is_signed_by(root));
}

TEST_F(ACertificate, MayIssueNeedsCaKeyUsageAndPathLength) {
  const auto issuer = [&](const char* constraints, const char* usage) {
    Spec spec = ca("CA", "Root", constraints);
    spec.key_usage = usage;
    return make_leaf(spec);
  };
  EXPECT_TRUE(issuer("critical,CA:TRUE", "keyCertSign").may_issue(7));
  EXPECT_TRUE(issuer("CA:TRUE,pathlen:0", "keyCertSign,digitalSignature").may_issue(0));
  EXPECT_FALSE(issuer("CA:TRUE,pathlen:0", "keyCertSign").may_issue(1));
  EXPECT_TRUE(issuer("CA:TRUE,pathlen:1", "keyCertSign").may_issue(1));
  EXPECT_FALSE(issuer("CA:FALSE", "keyCertSign").may_issue(0));
  EXPECT_FALSE(issuer("", "keyCertSign").may_issue(0)) << "absent constraints are no CA";
  EXPECT_FALSE(issuer("CA:TRUE", "digitalSignature,cRLSign").may_issue(0));
  EXPECT_FALSE(issuer("CA:TRUE", "").may_issue(0)) << "absent key usage is no right";
  EXPECT_FALSE(issuer("CA:TRUE", "").may_sign_data());
}

TEST_F(ACertificate, OtherInputsAreRefused) {
  struct Case {
    const char* name;
    Bytes der;
    Errc code;
  };
  const Case cases[] = {
      {"empty", {}, Errc::kTruncated},
      {"another tag", {0x31, 0x00}, Errc::kBadValue},
      {"indefinite length", {0x30, 0x80, 0x00, 0x00}, Errc::kBadValue},
      {"length of five octets", {0x30, 0x85, 0, 0, 0, 0, 1, 0}, Errc::kBadValue},
      {"long form of a short length", {0x30, 0x81, 0x01, 0x00}, Errc::kBadValue},
      {"leading zero in length", {0x30, 0x82, 0x00, 0x80}, Errc::kBadValue},
      {"length beyond the end", {0x30, 0x84, 0xff, 0xff, 0xff, 0xff}, Errc::kTruncated},
      {"empty sequence", {0x30, 0x00}, Errc::kBadValue},
  };
  for (const Case& c : cases) {
    const auto parsed = Certificate::parse_der(c.der, "certificates.0");
    ASSERT_FALSE(parsed) << c.name;
    EXPECT_EQ(parsed.error().code, c.code) << c.name << ": " << to_string(parsed.error());
    EXPECT_EQ(parsed.error().where, "certificates.0");
  }
}

class Certificates : public ACertificate {
 protected:
  static Result<std::vector<Certificate>> parse(std::string_view text) {
    return parse_certificates(as_bytes(text), "chain.pem");
  }
};

TEST_F(Certificates, AnyMixOfPemAndDerInOrder) {
  const Certificate a = make_leaf();
  const Certificate b = make(ca("B", "Root"), key_, key_);
  const std::string der(as_text(a.der()));
  const std::string pem = pem_of(b);
  std::string one_line = pem;
  std::erase(one_line, '\n');
  std::string crlf;
  for (const char c : pem) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  for (const std::string& text :
       {der + pem, der + "\n\n" + pem, " \r\n\t" + der + crlf, der + one_line, der + pem + "\n \n"}) {
    const auto parsed = parse(text);
    ASSERT_TRUE(parsed) << to_string(parsed.error());
    ASSERT_EQ(parsed->size(), 2U);
    EXPECT_EQ((*parsed)[0].der(), a.der());
    EXPECT_EQ((*parsed)[1].der(), b.der());
  }
  EXPECT_EQ(parse(one_line + one_line)->size(), 2U) << "no line break between blocks";
}

TEST_F(Certificates, OtherInputsAreRefusedByName) {
  const std::string pem = pem_of(make_leaf());
  const std::string der(as_text(make_leaf().der()));
  std::string many;
  for (std::size_t i = 0; i <= kMaxCertificates; ++i) many += pem;
  std::string bad_base64 = pem;
  bad_base64[60] = '!';
  struct Case {
    std::string text;
    Errc code;
    const char* message;
  };
  const Case cases[] = {
      {"", Errc::kMissing, "holds no certificate"},
      {" \n", Errc::kMissing, "holds no certificate"},
      {"Bag Attributes\n" + pem, Errc::kBadValue, "neither a PEM block nor a DER"},
      {pem + "subject=x\n" + pem, Errc::kBadValue, "chain.pem certificate 2"},
      {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", Errc::kUnsupported, "'PRIVATE KEY'"},
      {"-----BEGIN CERTIFICATE-----\nAAAA\n", Errc::kTruncated, "END line"},
      {"-----BEGIN CERT", Errc::kTruncated, "PEM header"},
      {"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", Errc::kTruncated, "DER length"},
      {bad_base64, Errc::kBadValue, "chain.pem certificate 1"},
      {der + std::string(1, '\0'), Errc::kBadValue, "chain.pem certificate 2"},
      {der + der.substr(0, 100), Errc::kTruncated, "chain.pem certificate 2"},
      {many, Errc::kTooLarge, "more than 64"},
  };
  for (const Case& c : cases) {
    const auto parsed = parse(c.text);
    ASSERT_FALSE(parsed) << c.message;
    EXPECT_EQ(parsed.error().code, c.code) << to_string(parsed.error());
    EXPECT_THAT(to_string(parsed.error()), HasSubstr(c.message));
  }
}

TEST_F(Certificates, EveryPrefixOfAPemBlockIsRefused) {
  const std::string pem = pem_of(make_leaf());
  const std::size_t end = pem.size() - 1;  // the last line break may be absent
  for (std::size_t size = 0; size < end; ++size) EXPECT_FALSE(parse(pem.substr(0, size))) << size;
  EXPECT_TRUE(parse(pem.substr(0, end)));
}

TEST_F(Certificates, CutDerTakesTheObjectAndRefusesOtherPadding) {
  const Bytes der = make_leaf().der();
  Bytes padded = der;
  padded.resize(4096);
  EXPECT_EQ(cut_der(padded, "nv").value(), der);
  EXPECT_EQ(cut_der(der, "nv").value(), der) << "no padding at all";
  padded.back() = 1;
  EXPECT_EQ(cut_der(padded, "nv").error().code, Errc::kTrailing);
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_EQ(cut_der(ByteView(der).first(size), "nv").error().code, Errc::kTruncated) << size;
  }
  EXPECT_EQ(cut_der(Bytes(4096), "nv").error().code, Errc::kBadValue) << "an index never written";
}

TEST(RecordedCertificates, AreReadAndChainAsExpected) {
  NODEPROOF_NEED_VECTORS();
  struct Case {
    const char* child;
    const char* issuer;
    bool is_signed;
  };
  const Case cases[] = {
      {"amd-certs/milan/ask.pem", "amd-certs/milan/ark.pem", true},
      {"amd-certs/milan/asvk.pem", "amd-certs/milan/ark.pem", true},
      {"amd-certs/genoa/ask.pem", "amd-certs/genoa/ark.pem", true},
      {"amd-certs/turin/ask.pem", "amd-certs/turin/ark.pem", true},
      {"amd-certs/milan/ask.pem", "amd-certs/genoa/ark.pem", false},
      {"amd-certs/turin/ask.pem", "amd-certs/milan/ark.pem", false},
      {"snp-reports/milan-v2-a/vcek.der", "amd-certs/milan/ask.pem", true},
      {"snp-reports/milan-v3-a/vcek.der", "amd-certs/milan/ask.pem", true},
      {"snp-reports/genoa-v5-model-a0/vcek.der", "amd-certs/genoa/ask.pem", true},
      {"snp-reports/milan-v2-wrong-vcek-raw-hwid/vcek.der", "amd-certs/milan/ask.pem", false},
      {"ak-certs/trusted-launch-leaf-form-a.der", "ak-certs/global-virtual-tpm-ca-03.pem", true},
      {"ak-certs/trusted-launch-leaf-form-a.der", "ak-certs/global-virtual-tpm-ca-01-expired.pem", false},
      {"ak-certs/global-virtual-tpm-ca-01-expired.pem", "ak-certs/azure-virtual-tpm-root-2023.pem", true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(vectors::certificate(c.child).is_signed_by(vectors::certificate(c.issuer)), c.is_signed)
        << c.child;
  }
}

TEST(RecordedCertificates, FieldsAreAsListed) {
  NODEPROOF_NEED_VECTORS();
  const Certificate ark = vectors::certificate("amd-certs/milan/ark.pem");
  EXPECT_EQ(to_hex(ark.sha256()), "69d063b45344d26a2e94e1f4210de49ef555308287d4c174445c95639a540bcd");
  EXPECT_EQ(ark.serial_hex(), "010000");
  EXPECT_EQ(ark.subject_common_name(), "ARK-Milan");
  EXPECT_EQ(to_rfc3339(ark.not_after()).substr(0, 10), "2045-10-22");
  EXPECT_TRUE(ark.is_ca());
  const Certificate vcek = vectors::certificate("snp-reports/milan-v3-a/vcek.der");
  EXPECT_EQ(vcek.serial_hex(), "00");
  EXPECT_EQ(vcek.subject_common_name(), "SEV-VCEK");
  EXPECT_EQ(to_rfc3339(vcek.not_before()), "2025-01-15T21:21:54Z");
  EXPECT_TRUE(vcek.key().is_ec_p384());
  const Certificate ak = vectors::certificate("ak-certs/trusted-launch-leaf-form-a.der");
  EXPECT_EQ(ak.serial_hex(), "f5816db35723a70293afd45f22daec5f") << "the top bit is no sign";
}

TEST(RecordedCertificates, PaddedAkCertificateIsCut) {
  NODEPROOF_NEED_VECTORS();
  const Bytes padded = vectors::file("ak-certs/derived-trusted-launch-leaf-padded-4096.bin");
  ASSERT_EQ(padded.size(), 4096U);
  EXPECT_FALSE(Certificate::parse_der(padded, "nv"));
  const auto cut = cut_der(padded, "nv");
  ASSERT_TRUE(cut);
  EXPECT_EQ(*cut, vectors::file("ak-certs/trusted-launch-leaf-form-a.der"));
}

}  // namespace
}  // namespace nodeproof::attest
