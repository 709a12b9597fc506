#include "tests/emulator/tpm_commands.hpp"

#include <gtest/gtest.h>

#include "attest/pcr.hpp"
#include "tests/emulator/swtpm.hpp"
#include "tests/unit/emulator/emulator_process.hpp"

namespace nodeproof::emulator {
namespace {

class TpmCommandsTest : public testing::Test {
 protected:
  test::TemporaryFolder folder_;
  Swtpm swtpm_{folder_ / "tpm"};
  TpmCommands tpm_{[this](ByteView command) { return swtpm_.transmit(command); }};
};

TEST_F(TpmCommandsTest, MakesAndReplacesAnAk) {
  EXPECT_EQ(tpm_.rsa_modulus(kAkHandle), std::nullopt);
  tpm_.make_ak(kAkHandle, {});
  const auto first = tpm_.rsa_modulus(kAkHandle);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->size(), 256U);
  tpm_.make_ak(kAkHandle, {});
  EXPECT_EQ(tpm_.rsa_modulus(kAkHandle), first);  // a primary: same seed and template, same key
  tpm_.make_ak(kAkHandle, ByteArray<1>{1});
  EXPECT_NE(tpm_.rsa_modulus(kAkHandle), first);
}

TEST_F(TpmCommandsTest, WritesAndReadsNv) {
  EXPECT_EQ(tpm_.nv_size(kHclReportIndex), std::nullopt);
  EXPECT_TRUE(tpm_.read_nv(kHclReportIndex).empty());
  Bytes content(1500, 0xab);
  tpm_.write_platform_nv(kHclReportIndex, content);
  EXPECT_EQ(tpm_.nv_size(kHclReportIndex), kNvSizeLimit);
  content.resize(kNvSizeLimit);
  EXPECT_EQ(tpm_.read_nv(kHclReportIndex), content);
  tpm_.write_platform_nv(kHclReportIndex, ByteArray<1>{7});
  EXPECT_EQ(tpm_.read_nv(kHclReportIndex)[1], 0);
  EXPECT_THROW(tpm_.write_platform_nv(kHclReportIndex, Bytes(kNvSizeLimit + 1)), std::runtime_error);
  tpm_.undefine_platform_nv(kHclReportIndex);
  EXPECT_EQ(tpm_.nv_size(kHclReportIndex), std::nullopt);
}

TEST_F(TpmCommandsTest, NamesTheCodeOfARefusal) {
  try {
    tpm_.undefine_platform_nv(kHclReportIndex);
    FAIL() << "an absent index was undefined";
  } catch (const TpmRefusal& refusal) {
    EXPECT_EQ(refusal.code(), 0x28bU);  // TPM_RC_HANDLE of handle 2
    EXPECT_STREQ(refusal.what(), "the TPM refused command 0x00000122 with code 0x0000028b");
  }
}

struct Command {
  const char* name;
  const char* hex;
  bool starts;
};

TEST(ReadsFromStart, KnowsTheCommandThatRenewsTheReport) {
  const Command commands[] = {
      {"owner reads", "8002000000230000014e40000001014000010000000940000009000000000000400000", true},
      {"two authorizations",
       "80020000002c0000014e40000001014000010000001240000009000000000040000009000000000000400000", true},
      {"at an offset", "8002000000230000014e40000001014000010000000940000009000000000000400400", false},
      {"another index", "8002000000230000014e40000001014000020000000940000009000000000000400000", false},
      {"another command", "8002000000230000013740000001014000010000000940000009000000000000400000", false},
      {"cut off", "8002000000230000014e400000010140000100000009400000090000000000", false},
      {"header alone", "80020000000a0000014e", false},
  };
  for (const Command& command : commands) {
    const Bytes bytes = from_hex(command.hex, command.name).value();
    EXPECT_EQ(reads_from_start(bytes, kHclReportIndex), command.starts) << command.name;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(reads_from_start(ByteView(bytes).first(size), kHclReportIndex)) << command.name;
    }
  }
}

}  // namespace
}  // namespace nodeproof::emulator
