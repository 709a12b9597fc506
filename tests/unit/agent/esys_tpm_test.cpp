#include "agent/esys_tpm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "attest/crypto.hpp"
#include "attest/tpm_quote.hpp"
#include "tests/emulator/tpm_commands.hpp"
#include "tests/support/swtpm_process.hpp"

namespace nodeproof::agent {
namespace {

using testing::HasSubstr;

struct Code {
  std::uint32_t code;
  TpmSubject subject;
  TpmErrorKind kind;
};

// Codes of azure-evidence 6.6; the upper bytes are the layer that speaks.
TEST(TpmErrorKinds, ComeFromResponseCodes) {
  const Code codes[] = {
      {0x000a000a, TpmSubject::kConnection, TpmErrorKind::kNoTpm},  // TCTI IO error
      {0x0000018b, TpmSubject::kConnection, TpmErrorKind::kNoTpm},
      {0x0000018b, TpmSubject::kAk, TpmErrorKind::kNoAk},
      {0x0000018b, TpmSubject::kNv, TpmErrorKind::kNvMissing},
      {0x0000028b, TpmSubject::kNv, TpmErrorKind::kNvMissing},
      {0x0000014a, TpmSubject::kNv, TpmErrorKind::kNvMissing},
      {0x000009a2, TpmSubject::kNv, TpmErrorKind::kOwnerAuthSet},
      {0x0000098e, TpmSubject::kNv, TpmErrorKind::kOwnerAuthSet},
      {0x000009a2, TpmSubject::kAk, TpmErrorKind::kOther},  // the AK has a password: no AK of Azure's
      {0x0000014c, TpmSubject::kNv, TpmErrorKind::kOther},
      {0x00000149, TpmSubject::kNv, TpmErrorKind::kOther},
      {0x00000921, TpmSubject::kNv, TpmErrorKind::kOther},  // lockout
      {0x000a000a, TpmSubject::kNv, TpmErrorKind::kOther},
      {0x0007018b, TpmSubject::kNv, TpmErrorKind::kOther},  // not the TPM's own words
  };
  for (const auto& [code, subject, kind] : codes) {
    EXPECT_EQ(tpm_error_kind(code, subject), kind) << std::hex << code << " " << static_cast<int>(subject);
  }
}

template <typename Call>
TpmError error_of(Call call) {
  try {
    call();
  } catch (const TpmError& e) {
    return e;
  }
  ADD_FAILURE() << "no TpmError";
  return {TpmErrorKind::kOther, ""};
}

TEST(EsysTpmWithoutTpm, NamesTheDeviceThatIsNotThere) {
  EsysTpm tpm("device:/dev/nodeproof-no-such-tpm");
  const TpmError error = error_of([&] { tpm.has_ak(); });
  EXPECT_EQ(error.kind(), TpmErrorKind::kNoTpm);
  EXPECT_STREQ(error.what(), "/dev/nodeproof-no-such-tpm: No such file or directory");
}

TEST(EsysTpmWithoutTpm, TellsAnUnusableDeviceOrTctiFromAnAbsentOne) {
  EXPECT_EQ(error_of([] { EsysTpm("device:/proc/version/tpm").has_ak(); }).kind(), TpmErrorKind::kNoTpm);
  EXPECT_EQ(error_of([] { EsysTpm("swtpm:host=127.0.0.1,port=1").has_ak(); }).kind(), TpmErrorKind::kNoTpm);
  EXPECT_THAT(error_of([] { EsysTpm("nonsense").has_ak(); }).what(), HasSubstr("nonsense"));
}

// A real TPM in software, set up as Azure's vTPM.
class EsysTpmTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::SwtpmProcess::installed()) GTEST_SKIP() << "swtpm is not installed: this test checked nothing";
    swtpm_ = std::make_unique<test::SwtpmProcess>();
    tpm_ = std::make_unique<EsysTpm>(swtpm_->tcti());
  }
  emulator::TpmCommands commands() {
    return emulator::TpmCommands([this](ByteView command) { return swtpm_->transmit(command); });
  }
  // swtpm serves one connection at a time: gives ours up, then speaks raw commands.
  template <typename Use>
  void with_raw_commands(Use use) {
    tpm_.reset();
    auto raw = commands();
    use(raw);
    tpm_ = std::make_unique<EsysTpm>(swtpm_->tcti());
  }

  std::unique_ptr<test::SwtpmProcess> swtpm_;
  std::unique_ptr<EsysTpm> tpm_;
};

TEST_F(EsysTpmTest, QuotesWhatTheVerifierAccepts) {
  Bytes modulus;
  with_raw_commands([&](emulator::TpmCommands& raw) {
    raw.make_ak(kAkHandle, Bytes(256));
    modulus = raw.rsa_modulus(kAkHandle).value();
    raw.extend_pcr(4, attest::sha256(as_bytes("shim")));
  });
  ASSERT_TRUE(tpm_->has_ak());
  const Sha256Digest qualifying = attest::sha256(as_bytes("challenge"));
  const attest::PcrValues pcrs = tpm_->read_pcrs(attest::kNodeQuotePcrs);
  const RawQuote raw = tpm_->quote(attest::kNodeQuotePcrs, qualifying);

  EXPECT_EQ(pcrs.size(), 15U);
  EXPECT_FALSE(all_zero(pcrs.at(4)));
  EXPECT_TRUE(all_zero(pcrs.at(15)));
  const auto quote = attest::parse_tpms_attest(raw.attest);
  ASSERT_TRUE(quote) << to_string(quote.error());
  EXPECT_TRUE(equal(quote->qualifying_data, qualifying));
  EXPECT_EQ(quote->selection, attest::kNodeQuotePcrs);
  EXPECT_EQ(quote->qualified_signer, attest::ak_qualified_name(modulus));
  EXPECT_TRUE(equal(quote->pcr_digest, *attest::pcr_digest(pcrs, attest::kNodeQuotePcrs)));
  const auto key = attest::PublicKey::rsa2048(modulus, Bytes{1, 0, 1}, "AK");
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->verify_rsassa_sha256(raw.attest, raw.signature));
}

TEST_F(EsysTpmTest, ReadsAWholeIndexInChunks) {
  Bytes content;  // more than one chunk of 1024; libtpms allows 2048
  for (int i = 0; i < 2048; ++i) content.push_back(static_cast<std::uint8_t>(i * 7 >> 3));
  with_raw_commands([&](emulator::TpmCommands& raw) { raw.write_platform_nv(kHclReportIndex, content); });
  EXPECT_TRUE(tpm_->has_nv(kHclReportIndex));
  EXPECT_EQ(tpm_->read_nv(kHclReportIndex), content);
}

TEST_F(EsysTpmTest, TellsWhatIsMissing) {
  EXPECT_FALSE(tpm_->has_ak());
  EXPECT_FALSE(tpm_->has_nv(kHclReportIndex));
  EXPECT_EQ(error_of([&] { tpm_->read_nv(kHclReportIndex); }).kind(), TpmErrorKind::kNvMissing);
  EXPECT_EQ(error_of([&] { tpm_->quote(attest::kNodeQuotePcrs, {}); }).kind(), TpmErrorKind::kNoAk);
}

TEST_F(EsysTpmTest, DefinesTheUserDataIndexAndWritesItAgain) {
  const Sha512Digest first = attest::sha512(as_bytes("first"));
  const Sha512Digest second = attest::sha512(as_bytes("second"));
  tpm_->write_user_data(first);
  EXPECT_EQ(tpm_->read_nv(kUserDataIndex), to_bytes(first));
  tpm_->write_user_data(second);
  EXPECT_EQ(tpm_->read_nv(kUserDataIndex), to_bytes(second));
}

// One command of the owner, who has no password (azure-evidence 6.6): `code` and `after` the
// authorization in hex, `index` between handle and authorization when the command names one.
Bytes owner_command(const std::string& code, const std::string& index, const std::string& after) {
  const std::string rest = code + "40000001" + index + "00000009" + "400000090000000000" + after;
  Bytes command{0x80, 0x02};
  append_be32(command, static_cast<std::uint32_t>(6 + rest.size() / 2));
  append(command, *from_hex(rest, "command"));
  return command;
}

void expect_success(const Bytes& response) {
  EXPECT_EQ(to_hex(ByteView(response).subspan(6, 4)), "00000000") << to_hex(response);
}

TEST_F(EsysTpmTest, RedefinesAUserDataIndexOfAnotherShape) {
  const Bytes undefine = owner_command("00000122", "01400002", "");
  // Attributes without policy, then the size: 32 bytes; not readable and not writable by the owner.
  for (const char* shape : {"0006000600000020", "0004000600000040", "0006000400000040"}) {
    with_raw_commands([&](emulator::TpmCommands&) {
      expect_success(swtpm_->transmit(owner_command("0000012a", "",
                                                    "0000"
                                                    "000e01400002000b" +
                                                        std::string(shape))));
    });
    const Sha512Digest value = attest::sha512(as_bytes(shape));
    tpm_->write_user_data(value);
    EXPECT_EQ(tpm_->read_nv(kUserDataIndex), to_bytes(value));
    with_raw_commands([&](emulator::TpmCommands&) { expect_success(swtpm_->transmit(undefine)); });
  }
}

TEST_F(EsysTpmTest, TellsAnOwnerPassword) {
  with_raw_commands([&](emulator::TpmCommands& raw) {
    raw.write_platform_nv(kHclReportIndex, Bytes(10, 1));
    expect_success(
        swtpm_->transmit(owner_command("00000129", "", "000178")));  // TPM2_HierarchyChangeAuth to "x"
  });
  EXPECT_EQ(error_of([&] { tpm_->read_nv(kHclReportIndex); }).kind(), TpmErrorKind::kOwnerAuthSet);
  EXPECT_EQ(error_of([&] { tpm_->write_user_data({}); }).kind(), TpmErrorKind::kOwnerAuthSet);
}

TEST_F(EsysTpmTest, FindsATpmThatWentAndCameBack) {
  EXPECT_FALSE(tpm_->has_ak());
  swtpm_->stop();
  error_of([&] { tpm_->has_ak(); });
  EXPECT_EQ(error_of([&] { tpm_->has_ak(); }).kind(), TpmErrorKind::kNoTpm);
  swtpm_->restart();
  EXPECT_FALSE(tpm_->has_ak());
}

}  // namespace
}  // namespace nodeproof::agent
